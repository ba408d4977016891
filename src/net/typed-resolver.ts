// What every `Resolver` shares, whoever answers: a method for each type, names checked and normalised before anything is asked,
// and an address turned into its name for PTR. A subclass only looks up.
import { tryReverseName } from '../base/ip-address.ts'
import type { DnsAnswer, DnsFailure, MxRecord, Resolver, TlsaRecord } from '../base/resolver.ts'
import { normalizeName, type DnsRecords, type DnsType } from './dns-message.ts'

export abstract class TypedResolver implements Resolver {
  /** `name` is normalised: lower case, no final dot, possible in DNS. */
  abstract look<Type extends DnsType>(name: string, type: Type): Promise<DnsAnswer<DnsRecords[Type]>>

  a(name: string): Promise<DnsAnswer<string>> {
    return this.#ask(name, 'A')
  }

  aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#ask(name, 'AAAA')
  }

  mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#ask(name, 'MX')
  }

  txt(name: string): Promise<DnsAnswer<string>> {
    return this.#ask(name, 'TXT')
  }

  cname(name: string): Promise<DnsAnswer<string>> {
    return this.#ask(name, 'CNAME')
  }

  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>> {
    return this.#ask(name, 'TLSA')
  }

  reverse(address: string): Promise<DnsAnswer<string>> {
    const name = tryReverseName(address)
    return name === undefined ? Promise.resolve(failed('malformed')) : this.#ask(name, 'PTR')
  }

  #ask<Type extends DnsType>(name: string, type: Type): Promise<DnsAnswer<DnsRecords[Type]>> {
    const normalized = normalizeName(name)
    return normalized.ok ? this.look(normalized.name, type) : Promise.resolve(failed(normalized.failure))
  }
}

/** No records, for that reason. */
export function failed<T>(failure: DnsFailure): DnsAnswer<T> {
  return { ok: false, failure, authentic: false }
}

// The simulated `Resolver`: answers from zone text (`zone-file.ts`), for tests and the simulated internet. It follows
// CNAMEs, knows wildcards (RFC 4592 §2.1.1) and empty names between others, and fails where the zone says so. What it answers
// can be changed in mid-test by `load`. With a clock answers take their time, and time-outs as long as they would.
import type { Clock } from '../base/clock.ts'
import type { DnsAnswer, DnsFailure } from '../base/resolver.ts'
import type { DnsRecords, DnsType } from './dns-message.ts'
import { parseZone, type Zone, type ZoneRecord } from './zone-file.ts'
import { failed, TypedResolver } from './typed-resolver.ts'

const longestChain = 10

/** How long answers take; without this they are there at once, time-outs too. */
export interface ZoneTiming {
  readonly clock: Clock
  readonly latencyMilliseconds: number
  readonly timeoutMilliseconds: number
}

export class ZoneResolver extends TypedResolver {
  readonly #timing: ZoneTiming | null
  #zone: Zone = { records: [], failures: [], authenticity: new Map() }
  #byName = new Map<string, ZoneRecord[]>()
  /** Every name that exists, also those that only have others below them. */
  #names = new Set<string>()
  /** What was looked up, as `TYPE name`, in order. */
  readonly asked: string[] = []

  constructor(zoneText = '', timing: ZoneTiming | null = null) {
    super()
    this.#timing = timing
    this.load(zoneText)
  }

  /** Replaces everything. Throws an Error that names the line where the text is no zone. */
  load(zoneText: string): void {
    this.#zone = parseZone(zoneText)
    this.#byName = Map.groupBy(this.#zone.records, (record) => record.name)
    this.#names = new Set()
    for (const name of this.#byName.keys()) {
      for (let rest = name; rest !== ''; rest = parentOf(rest)) this.#names.add(rest)
    }
  }

  override async look<Type extends DnsType>(name: string, type: Type): Promise<DnsAnswer<DnsRecords[Type]>> {
    this.asked.push(`${type} ${name}`)
    const answer = this.#answer(name, type)
    if (this.#timing === null) return answer
    const { clock, latencyMilliseconds, timeoutMilliseconds } = this.#timing
    const isSilent = !answer.ok && answer.failure === 'timeout'
    await clock.sleep(isSilent ? timeoutMilliseconds : latencyMilliseconds)
    return answer
  }

  #answer<Type extends DnsType>(asked: string, type: Type): DnsAnswer<DnsRecords[Type]> {
    let name = asked
    let ttl = Number.POSITIVE_INFINITY
    let authentic = true
    for (let hops = 0; hops <= longestChain; hops++) {
      const failure = this.#failureOf(name, type)
      if (failure !== undefined) return failed(failure)
      const records = this.#recordsAt(name)
      if (records === undefined) return this.#denial('nxdomain', name, authentic)
      const wanted = records.filter((record): record is ZoneRecord<Type> => record.type === type)
      const alias = records.find((record): record is ZoneRecord<'CNAME'> => record.type === 'CNAME')
      for (const record of alias !== undefined && wanted.length === 0 ? [alias] : wanted) {
        ttl = Math.min(ttl, record.ttl)
        authentic &&= this.#zone.authenticity.get(name) ?? record.authentic
      }
      if (wanted.length > 0)
        return { ok: true, records: wanted.map((record) => record.value), authentic, ttl }
      if (alias === undefined) return this.#denial('nodata', name, authentic)
      name = alias.value
    }
    return failed('servfail')
  }

  /** A denial is as authentic as the zone that it comes from: as the closest name that has records. */
  #denial(failure: DnsFailure, name: string, authenticSoFar: boolean): DnsAnswer<never> {
    const said = this.#zone.authenticity.get(name)
    if (said !== undefined) return { ok: false, failure, authentic: authenticSoFar && said }
    let closest = name
    while (closest !== '' && !this.#byName.has(closest)) closest = parentOf(closest)
    const records = this.#byName.get(closest) ?? []
    const authentic = authenticSoFar && records.length > 0 && records.every((record) => record.authentic)
    return { ok: false, failure, authentic }
  }

  #failureOf(name: string, type: DnsType): DnsFailure | undefined {
    const matches = this.#zone.failures.filter((one) => one.name === name && (one.type ?? type) === type)
    return matches.at(-1)?.failure
  }

  /** The records of a name or of the wildcard that covers it; undefined where the name does not exist. */
  #recordsAt(name: string): readonly ZoneRecord[] | undefined {
    if (this.#names.has(name)) return this.#byName.get(name) ?? []
    // RFC 4592 §3.3.1: only a wildcard at the closest name that exists can cover it.
    let encloser = parentOf(name)
    while (encloser !== '' && !this.#names.has(encloser)) encloser = parentOf(encloser)
    return this.#byName.get(`*.${encloser}`)
  }
}

function parentOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1)
}

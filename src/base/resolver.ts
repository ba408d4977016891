// DNS as an argument.

/** Why a look-up gave no records. Only `nxdomain` and `nodata` are facts; the others mean "ask again later". */
export type DnsFailure = 'nxdomain' | 'nodata' | 'servfail' | 'refused' | 'timeout' | 'malformed'

/** Records, or the reason for none. `authentic` is the AD bit of a resolver that was declared trusted. */
export type DnsAnswer<T> =
  | { readonly ok: true; readonly records: readonly T[]; readonly authentic: boolean; readonly ttl: number }
  | { readonly ok: false; readonly failure: DnsFailure; readonly authentic: boolean }

export interface MxRecord {
  readonly preference: number
  readonly exchange: string
}

export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

/** Look-ups by fully qualified name, without a final dot. Never throws for what DNS answers. */
export interface Resolver {
  a(name: string): Promise<DnsAnswer<string>>
  aaaa(name: string): Promise<DnsAnswer<string>>
  mx(name: string): Promise<DnsAnswer<MxRecord>>
  /** Each record's strings joined, as RFC 7208 §3.3 wants them. */
  txt(name: string): Promise<DnsAnswer<string>>
  cname(name: string): Promise<DnsAnswer<string>>
  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>>
  /** The names of an IPv4 or IPv6 address (PTR). */
  reverse(address: string): Promise<DnsAnswer<string>>
}

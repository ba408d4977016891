// DNS messages: a query as octets, and what a response says about it. Pure; the codec is dns-packet.
//
// A response is hostile input: only records that belong to the question count, reached over at most a few CNAMEs, each
// checked for its shape. Names in it must be printable, so that a PTR or MX can't carry line ends into a header.
import {
  decode,
  encode,
  AUTHENTIC_DATA,
  RECURSION_DESIRED,
  type Answer,
  type DecodedPacket,
} from 'dns-packet'
import { Buffer } from 'node:buffer'
import { formatIp, tryIpOctets } from '../base/ip-address.ts'
import type { DnsFailure, MxRecord, TlsaRecord } from '../base/resolver.ts'

export type DnsType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'CNAME' | 'TLSA' | 'PTR'

/** What the records of each type are once read. */
export interface DnsRecords {
  A: string
  AAAA: string
  MX: MxRecord
  TXT: string
  CNAME: string
  TLSA: TlsaRecord
  PTR: string
}

/** What passes without fragments nearly everywhere (DNS Flag Day 2020). */
const udpPayloadSize = 1_232
/** RFC 1034 §3.6.2 sets no bound; longer chains are loops or attacks. */
const longestChain = 10
/** RFC 1035 §2.3.4. */
const longestName = 253
const longestLabel = 63

/** A name in the form in which it is asked for and compared, or why it cannot be. */
export function normalizeName(name: string): { ok: true; name: string } | { ok: false; failure: DnsFailure } {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  if (!/^[\x21-\x7e]+$/.test(bare)) return { ok: false, failure: 'malformed' }
  // A name that can't be written in a message is a name that can't exist.
  const fits =
    bare.length <= longestName &&
    bare.split('.').every((label) => label !== '' && label.length <= longestLabel)
  return fits ? { ok: true, name: bare.toLowerCase() } : { ok: false, failure: 'nxdomain' }
}

export interface DnsQuery {
  readonly id: number
  readonly name: string
  readonly type: DnsType
  /** Without EDNS only for servers that refuse it (RFC 6891 §6.2.2). */
  readonly edns: 'used' | 'left-out'
}

export function encodeQuery(query: DnsQuery): Uint8Array {
  return encode({
    type: 'query',
    id: query.id,
    // RFC 6840 §5.7: AD in a query says that the answer's AD bit will be understood.
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type: query.type, class: 'IN', name: query.name }],
    additionals:
      query.edns === 'used' ? [{ type: 'OPT', name: '.', udpPayloadSize, flags: 0, data: [] }] : [],
  })
}

/** What a server said, or how it failed. */
export type DnsReply =
  | {
      readonly type: 'records'
      readonly records: readonly unknown[]
      readonly ttl: number
      readonly authentic: boolean
    }
  | {
      readonly type: 'none'
      readonly failure: 'nxdomain' | 'nodata'
      /** Seconds, from the SOA (RFC 2308 §5); 0 where there is none. */
      readonly ttl: number
      readonly authentic: boolean
    }
  /** The answer did not fit; ask again over TCP. */
  | { readonly type: 'truncated' }
  /** The server does not know EDNS. */
  | { readonly type: 'edns-refused' }
  | { readonly type: 'failed'; readonly failure: 'servfail' | 'refused' | 'malformed' }
  /** Not a response to this query: someone else's, or forged. */
  | { readonly type: 'unrelated' }

export function readResponse(message: Uint8Array, query: DnsQuery): DnsReply {
  if (message.length < 12 || (((message[0] ?? 0) << 8) | (message[1] ?? 0)) !== query.id)
    return { type: 'unrelated' }
  let packet: DecodedPacket
  try {
    packet = decode(message)
  } catch {
    return { type: 'failed', failure: 'malformed' }
  }
  if (packet.type !== 'response') return { type: 'unrelated' }
  const [question] = packet.questions
  if (question !== undefined && (bareName(question.name) !== query.name || question.type !== query.type)) {
    return { type: 'unrelated' }
  }
  switch (packet.rcode) {
    case 'NOERROR':
    case 'NXDOMAIN':
      if (question === undefined) return { type: 'failed', failure: 'malformed' }
      return packet.flag_tc ? { type: 'truncated' } : readAnswers(packet, query)
    case 'FORMERR':
    case 'NOTIMP':
      return query.edns === 'used' ? { type: 'edns-refused' } : { type: 'failed', failure: 'servfail' }
    case 'REFUSED':
      return { type: 'failed', failure: 'refused' }
    default:
      return { type: 'failed', failure: 'servfail' }
  }
}

function readAnswers(packet: DecodedPacket, query: DnsQuery): DnsReply {
  const authentic = packet.flag_ad
  let ttl = Number.POSITIVE_INFINITY
  let owner = query.name
  const aliases = query.type === 'CNAME' ? new Map<string, Answer>() : aliasesOf(packet.answers)
  for (let hops = 0; aliases.has(owner); hops++) {
    const alias = aliases.get(owner)
    const target = tryName(alias?.data)
    if (target === undefined || hops >= longestChain) return { type: 'failed', failure: 'malformed' }
    ttl = Math.min(ttl, alias?.ttl ?? 0)
    owner = target.toLowerCase()
  }
  const records: unknown[] = []
  let unreadable = 0
  for (const answer of packet.answers) {
    if (answer.type !== query.type || bareName(answer.name) !== owner) continue
    const record = readers[query.type](answer.data)
    if (record === undefined) unreadable++
    else records.push(record)
    ttl = Math.min(ttl, answer.ttl ?? 0)
  }
  if (records.length > 0) return { type: 'records', records, ttl, authentic }
  if (unreadable > 0) return { type: 'failed', failure: 'malformed' }
  const failure = packet.rcode === 'NXDOMAIN' ? 'nxdomain' : 'nodata'
  return { type: 'none', failure, ttl: Math.min(ttl, negativeTtl(packet.authorities)), authentic }
}

function aliasesOf(answers: readonly Answer[]): Map<string, Answer> {
  const aliases = new Map<string, Answer>()
  for (const answer of answers) {
    if (answer.type === 'CNAME') aliases.set(bareName(answer.name), answer)
  }
  return aliases
}

/** RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM. */
function negativeTtl(authorities: readonly Answer[]): number {
  const soa = authorities.find((record) => record.type === 'SOA')
  if (soa === undefined) return 0
  const minimum = isObject(soa.data) ? soa.data['minimum'] : undefined
  return Math.min(soa.ttl ?? 0, typeof minimum === 'number' ? minimum : 0)
}

const readers: { readonly [Type in DnsType]: (data: unknown) => DnsRecords[Type] | undefined } = {
  A: (data) => tryAddress(data, 4),
  AAAA: (data) => tryAddress(data, 16),
  CNAME: tryName,
  PTR: tryName,
  MX: (data) => {
    if (!isObject(data) || typeof data['preference'] !== 'number') return undefined
    const exchange = tryName(data['exchange'])
    return exchange === undefined ? undefined : { preference: data['preference'], exchange }
  },
  // RFC 7208 §3.3: the strings of one record are joined without anything between them.
  TXT: (data) =>
    Array.isArray(data) && data.every((part) => part instanceof Uint8Array)
      ? Buffer.concat(data).toString('utf8')
      : undefined,
  TLSA: (data) => {
    if (!isObject(data)) return undefined
    const { usage, selector, matchingType, certificate } = data
    if (typeof usage !== 'number' || typeof selector !== 'number' || typeof matchingType !== 'number')
      return undefined
    return certificate instanceof Uint8Array
      ? { usage, selector, matchingType, data: certificate }
      : undefined
  },
}

function tryAddress(data: unknown, length: 4 | 16): string | undefined {
  const octets = typeof data === 'string' ? tryIpOctets(data) : undefined
  return octets?.length === length ? formatIp(octets) : undefined
}

/** A name of visible ASCII, without a final dot; the root is empty (as the exchange of a null MX, RFC 7505 §3). */
function tryName(data: unknown): string | undefined {
  if (typeof data !== 'string' || !/^[\x21-\x7e]+$/.test(data)) return undefined
  return data.endsWith('.') ? data.slice(0, -1) : data
}

function bareName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}

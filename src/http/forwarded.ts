// For whom a listed proxy speaks in this request: `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded` (RFC 7239).
//
// - One of the two is believed, as the configuration says, never both: a proxy that writes one passes on the other as its client sent it.
// - The list is read from its end, where the peer itself wrote, and as long as listed proxies speak: the first address that
//   is none of them is the client. What a client wrote before that is not looked at.
// - Whatever cannot be read (`unknown`, names, nonsense) ends the walk; the request then counts as the last proxy's own.
import { formatIp, tryIpOctets, unmapIp } from '../base/ip-address.ts'
import { inNetworks, type IpNetwork } from '../base/ip-network.ts'
import type { RequestOrigin } from './authenticate.ts'

export type ForwardedBy = 'x-forwarded-for' | 'forwarded'

export interface TrustedProxies {
  readonly from: readonly IpNetwork[]
  readonly by: ForwardedBy
  /** Entries that are read; a longer list ends there. */
  readonly maxHops: number
}

/** One proxy's word: who spoke to it, and whether over TLS; null where it did not say. */
interface Hop {
  readonly address: string | null
  readonly secure: boolean | null
}

/** The client of a request that came from `origin`. `header` gives a field's value, several of one name joined by commas. */
export function clientOf(
  origin: RequestOrigin,
  { from, by, maxHops }: TrustedProxies,
  header: (name: string) => string | null,
): RequestOrigin {
  if (!inNetworks(from, origin.remoteAddress)) return origin
  const hops = by === 'forwarded' ? forwarded(header('forwarded') ?? '') : xForwarded(header)
  let client = origin
  for (const { address, secure } of hops.slice(0, maxHops)) {
    if (address === null) break
    // What happened between a proxy and its client is its word alone.
    client = { remoteAddress: address, secure: secure ?? client.secure }
    if (!inNetworks(from, address)) break
  }
  return client
}

/** From the nearest on. */
function xForwarded(header: (name: string) => string | null): Hop[] {
  const proto = split(header('x-forwarded-proto') ?? '', ',')
    .at(-1)
    ?.toLowerCase()
  const secure = proto === undefined || proto === '' ? null : proto === 'https'
  return split(header('x-forwarded-for') ?? '', ',')
    .toReversed()
    .map((node) => ({ address: tryNode(node), secure }))
}

/** RFC 7239 §4: elements between commas, pairs between semicolons; from the nearest on. */
function forwarded(value: string): Hop[] {
  return split(value, ',')
    .toReversed()
    .map((element) => {
      const pairs = new Map<string, string>()
      for (const pair of split(element, ';')) {
        const [, name = '', token = ''] = /^([A-Za-z]+)=("[^"\\]*"|[^"\s]+)$/.exec(pair) ?? []
        // RFC 7239 §4: "each parameter MUST NOT occur more than once".
        if (name === '' || pairs.has(name.toLowerCase())) return { address: null, secure: null }
        pairs.set(name.toLowerCase(), token.startsWith('"') ? token.slice(1, -1) : token)
      }
      const proto = pairs.get('proto')?.toLowerCase()
      return {
        address: tryNode(pairs.get('for') ?? ''),
        secure: proto === undefined ? null : proto === 'https',
      }
    })
}

/** RFC 7239 §6: an address, IPv6 in brackets, perhaps with a port; null for everything else. */
function tryNode(node: string): string | null {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(node) ?? []
  // Many proxies write IPv6 addresses into X-Forwarded-For without brackets.
  const octets = tryIpOctets(bracketed ?? plain ?? node)
  return octets === undefined ? null : unmapIp(formatIp(octets))
}

/** Parts without white space around them; a separator between quotes is none. */
function split(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = []
  let quoted = false
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '"') quoted = !quoted
    else if (at === text.length || (text[at] === separator && !quoted)) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return parts
}

// Addresses that mail from the Internet's DNS may not lead to: this machine, its local network, and ranges that are no
// unicast addresses at all. Whoever controls a domain's MX records would otherwise choose a host inside for us to talk to.
// Tunnels that carry an IPv4 address of anybody's choice (6to4, Teredo, local NAT64) count as inside.
// Ranges for documentation stay allowed: nothing answers there but tests.
import { tryIpOctets, unmapIp } from '../base/ip-address.ts'

/** Prefixes of the IANA special-purpose registries that are not for hosts of the Internet. */
const closed: readonly (readonly [prefix: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

const closedOctets = closed.map(([prefix, bits]) => ({
  octets: tryIpOctets(prefix) ?? new Uint8Array(),
  bits,
}))
/** The well-known prefix under which translators reach IPv4 addresses. */
const translated = tryIpOctets('64:ff9b::') ?? new Uint8Array()

/** False for loopback, private, link-local, multicast and reserved addresses, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  const octets = tryIpOctets(unmapIp(address))
  if (octets === undefined) return false
  const embedded = octets.length === 16 && begins(octets, translated, 96) ? octets.subarray(12) : octets
  return !closedOctets.some(
    ({ octets: prefix, bits }) => prefix.length === embedded.length && begins(embedded, prefix, bits),
  )
}

function begins(octets: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : 0xff00 >> (bits - bit)
    if (((octets[bit / 8] ?? 0) & mask & 0xff) !== ((prefix[bit / 8] ?? 0) & mask & 0xff)) return false
  }
  return true
}

// Networks of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), and whether an address is in one of them.
//
// Strict like ip-address.ts. A bare address is a network of one; IPv4 that came mapped into IPv6 counts as IPv4.
import { tryIpOctets, unmapIp } from './ip-address.ts'

/** `bits` leading bits of `octets` (4 or 16 of them) are the network. */
export interface IpNetwork {
  readonly octets: Uint8Array
  readonly bits: number
}

/** The network that the text names, or undefined. Bits behind the prefix are ignored. */
export function tryIpNetwork(text: string): IpNetwork | undefined {
  const [address = '', length, ...more] = text.split('/')
  const octets = tryIpOctets(unmapIp(address))
  if (octets === undefined || more.length > 0) return undefined
  const longest = octets.length * 8
  if (length === undefined) return { octets, bits: longest }
  if (!/^\d{1,3}$/.test(length) || Number(length) > longest) return undefined
  return { octets, bits: Number(length) }
}

/** Several at once; throws a RangeError that names the first text that is none. */
export function parseIpNetworks(texts: readonly string[]): IpNetwork[] {
  return texts.map((text) => {
    const network = tryIpNetwork(text)
    if (network === undefined)
      throw new RangeError(`"${text}" is no network such as 192.0.2.0/24 or 2001:db8::/32`)
    return network
  })
}

/** Whether the address lies in one of the networks; what is no address lies in none. */
export function inNetworks(networks: readonly IpNetwork[], address: string): boolean {
  if (networks.length === 0) return false
  const octets = tryIpOctets(unmapIp(address))
  return octets !== undefined && networks.some((network) => contains(network, octets))
}

function contains({ octets: prefix, bits }: IpNetwork, octets: Uint8Array): boolean {
  if (prefix.length !== octets.length) return false
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) {
    if (prefix[at] !== octets[at]) return false
  }
  const rest = bits & 7
  if (rest === 0) return true
  const shift = 8 - rest
  return (prefix[whole] ?? 0) >> shift === (octets[whole] ?? 0) >> shift
}

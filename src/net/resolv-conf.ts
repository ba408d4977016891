// Reads /etc/resolv.conf (resolv.conf(5)): the servers to ask, in order, and whether their AD bit may be believed, which
// glibc's `options trust-ad` declares. Search lists do not concern mail: its names are fully qualified.
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { DnsServer } from './dns-transport.ts'

/** As glibc: more are not read. */
const mostServers = 3
/** What resolv.conf(5) says of an empty file. */
const defaultAddress = '127.0.0.1'
const dnsPort = 53

export function parseResolvConf(text: string): DnsServer[] {
  const addresses: string[] = []
  let trusted = false
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    const [address = ''] = values
    if (keyword === 'nameserver' && isIP(address) !== 0 && addresses.length < mostServers)
      addresses.push(address)
    if (keyword === 'options' && values.includes('trust-ad')) trusted = true
  }
  if (addresses.length === 0) addresses.push(defaultAddress)
  return addresses.map((address) => ({ address, port: dnsPort, trusted }))
}

/** The system's servers; the local host where the file can't be read. */
export async function readSystemServers(path = '/etc/resolv.conf'): Promise<DnsServer[]> {
  try {
    return parseResolvConf(await readFile(path, 'utf8'))
  } catch {
    return parseResolvConf('')
  }
}

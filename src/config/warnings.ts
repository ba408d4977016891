// What is wrong with a configuration that is nevertheless possible: told by `posthorn config check`, and nothing is refused.
// What cannot be meant at all (a catcher beside a server) is refused by the schema instead.
import { isIPv4 } from 'node:net'
import { tryIpNetwork } from '../base/ip-network.ts'
import type { Config } from './schema.ts'
import type { ListenerConfig } from './sections/listeners.ts'

/** One sentence for each doubt, the listeners' first; empty when there is none. */
export function configWarnings(config: Config): string[] {
  return [
    ...config.listeners.flatMap((listener) => listenerWarnings(listener, config)),
    ...trustWarnings(config),
    ...passwordWarnings(config),
    ...senderWarnings(config),
    ...relayWarnings(config),
  ]
}

function placeOf({ address, port, path }: ListenerConfig): string {
  return path ?? `${address} port ${port}`
}

function listenerWarnings(listener: ListenerConfig, config: Config): string[] {
  const { service, tls, proxyFrom, proxyBy } = listener
  const isLocal = listener.path !== undefined || isLoopback(listener.address)
  const name = `listener ${service} on ${placeOf(listener)}`
  const warnings: string[] = []
  if (tls === 'none' && takesPasswords(listener) && !config.auth.allowClearText) {
    warnings.push(
      `${name}: nobody can log in there: it has no TLS, and passwords in the clear are refused; set its tls to "starttls" or "implicit", or auth.allowClearText for development`,
    )
  }
  // Behind a proxy it may be the proxy that speaks TLS, and says so in a header.
  const secureBehind = proxyFrom.length > 0 && proxyBy !== 'protocol'
  // Beside one with TLS it sends browsers there.
  const sends = config.listeners.some((other) => other.service === 'http' && other.tls === 'implicit')
  if (service === 'http' && tls === 'none' && !secureBehind && !sends && !config.auth.allowClearText) {
    warnings.push(
      `${name}: nobody can log in there: it has no TLS, and passwords in the clear are refused; set its tls to "implicit", or list the proxy before it in proxyFrom with proxyBy = "x-forwarded-for" or "forwarded"`,
    )
  }
  const isCatcher = config.listeners.some((other) => other.service === 'catcher')
  if (service === 'http' && isCatcher && !isLocal) {
    warnings.push(`${name}: whoever reaches it reads all that the catcher caught`)
  }
  if (service === 'catcher' && !isLocal) {
    warnings.push(
      `${name}: others than this machine may reach it, and a catcher takes any mail and opens any mailbox; use the address 127.0.0.1 or ::1`,
    )
  }
  if (service === 'lmtp' && !isLocal) {
    warnings.push(
      `${name}: others than this machine may reach it, and LMTP is for hosts of yours: it waits with no greeting and slows nobody down; use the address 127.0.0.1 or ::1, or keep others away by a firewall`,
    )
  }
  const everybody = proxyFrom.find(isNearlyEverybody)
  if (everybody !== undefined) {
    warnings.push(
      `${name}: proxyFrom has ${everybody}: whoever connects from there may say that he is somebody else, to every limit, log and check; list the addresses of your proxies`,
    )
  }
  return warnings
}

/** Peers whose word is taken for what they cannot prove. */
function trustWarnings({ smtp, dns }: Config): string[] {
  const lists = [
    ['xclientFrom', 'whoever connects from there may speak as anybody, as somebody who has logged in too'],
    ['xforwardFrom', 'whoever connects from there writes addresses of his choice into the log'],
    ['exemptNetworks', 'nobody there is slowed down, however often he is refused'],
  ] as const
  const warnings = lists.flatMap(([key, harm]) => {
    const everybody = smtp[key].find(isNearlyEverybody)
    return everybody === undefined ? [] : [`smtp.${key} has ${everybody}: ${harm}; list single hosts`]
  })
  const far = dns.servers.find((server) => !isLoopback(hostOf(server)))
  if (dns.trusted && (far !== undefined || dns.servers.length === 0)) {
    warnings.push(
      `dns.trusted believes what ${far ?? 'the resolvers of /etc/resolv.conf'} ${far === undefined ? 'say' : 'says'} of DNSSEC: whoever can change its answers on the way decides about DANE; name a validating resolver on this machine in dns.servers`,
    )
  }
  return warnings
}

function passwordWarnings({ auth, listeners }: Config): string[] {
  const warnings: string[] = []
  if (auth.cramMd5) {
    warnings.push(
      'auth.cramMd5 keeps for every new password something that is as good as the password for whoever steals it, and MD5 is no protection without TLS; switch it on only for devices that know nothing else',
    )
  }
  const open = listeners.find(
    (listener) =>
      (takesPasswords(listener) || listener.service === 'http') &&
      listener.tls !== 'implicit' &&
      listener.path === undefined &&
      !isLoopback(listener.address),
  )
  if (auth.allowClearText && open !== undefined) {
    warnings.push(
      `auth.allowClearText: passwords may cross the network in the clear to the listener ${open.service} on ${placeOf(open)}; leave it out, or listen on 127.0.0.1`,
    )
  }
  return warnings
}

function senderWarnings({ submission, listeners }: Config): string[] {
  if (!listeners.some(({ service }) => service === 'submission' || service === 'http')) return []
  const warnings: string[] = []
  if (!submission.checkSender) {
    warnings.push(
      'submission.checkSender is off: whoever has an account may send under every reverse-path, and reports about that mail go to others',
    )
  }
  if (!submission.checkFrom) {
    warnings.push('submission.checkFrom is off: whoever has an account may write in anybody’s name')
  }
  if (submission.allowResent && submission.checkFrom) {
    warnings.push(
      'submission.allowResent: with a Resent-From of his own, whoever has an account may show anybody as the author',
    )
  }
  return warnings
}

function relayWarnings({ relay, profile }: Config): string[] {
  if (!relay.allowPrivateAddresses || profile !== 'server') return []
  return [
    'relay.allowPrivateAddresses: MX records of strangers may lead this server to hosts of your own network; it is for tests and closed networks',
  ]
}

/** A catcher takes mail without any log-in, and port 25 knows none. */
function takesPasswords({ service }: ListenerConfig): boolean {
  return service === 'submission' || service === 'odmr' || service === 'imap' || service === 'pop3'
}

function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')
  return plain === '::1' || plain === 'localhost' || (isIPv4(plain) && plain.startsWith('127.'))
}

/** Larger than anybody’s own network: an IPv4 /8, an IPv6 /16. */
function isNearlyEverybody(text: string): boolean {
  const network = tryIpNetwork(text)
  return network !== undefined && network.bits < (network.octets.length === 4 ? 8 : 16)
}

/** Of `address`, `address:port` or `[address]:port`. */
function hostOf(server: string): string {
  if (server.startsWith('[')) return server.slice(1).split(']', 1)[0] ?? server
  return server.split(':').length === 2 ? (server.split(':', 1)[0] ?? server) : server
}

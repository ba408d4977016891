// At which addresses mail that is sent would come to this very server: where its own MX service listens, on the port that mail
// is sent to. Another address of this machine may belong to another mail server, which is nobody's loop (RFC 5321 §5.1).
//
// The system is asked at most every ten seconds: that costs more than a whole look at a destination, and addresses seldom change.
import { networkInterfaces } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { formatIp, tryIpOctets, unmapIp } from '../base/ip-address.ts'
import type { Config } from '../config/schema.ts'

const freshFor = 10_000

/** What `ownAddresses` gives, remembered for ten seconds. */
export function rememberOwnAddresses(
  config: Pick<Config, 'listeners' | 'relay'>,
  { clock, interfaces }: { clock: Pick<Clock, 'monotonic'>; interfaces?: () => readonly string[] },
): () => readonly string[] {
  let known: readonly string[] = []
  let until = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.monotonic()
    if (now >= until) {
      known = ownAddresses(config, interfaces)
      until = now + freshFor
    }
    return known
  }
}

/** In canonical text; those of the interfaces as they are now, where the service listens on all. */
export function ownAddresses(
  { listeners, relay }: Pick<Config, 'listeners' | 'relay'>,
  interfaces: () => readonly string[] = interfaceAddresses,
): string[] {
  const own = new Set<string>()
  for (const { service, address, port, path } of listeners) {
    if (service !== 'smtp' || path !== undefined || port !== relay.mxPort) continue
    const octets = tryIpOctets(address)
    const listening = octets === undefined ? address : unmapIp(formatIp(octets))
    const all = interfaces().map(unmapIp)
    if (listening === '::') for (const one of all) own.add(one)
    else if (listening === '0.0.0.0') for (const one of all.filter((ip) => !ip.includes(':'))) own.add(one)
    else own.add(listening)
  }
  return [...own]
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}

// Waits for the PROXY header of a connection that comes from a listed proxy, before TLS and before a greeting.
import type { Clock } from '../base/clock.ts'
import { inNetworks, type IpNetwork, parseIpNetworks } from '../base/ip-network.ts'
import type { NetConfig } from '../config/sections/net.ts'
import type { AcceptedConnection } from './network.ts'
import { ProxyHeaderReader, type ProxyHeader } from './proxy-protocol.ts'

/** Whose word is taken for who the client is. */
export interface ProxyTrust {
  /** They may send a header, and then must. */
  readonly from: readonly IpNetwork[]
  readonly timeoutMilliseconds: number
  /** Octets of one header, TLVs included. */
  readonly longestHeader: number
}

/** Why nothing came of it. */
export type ProxyFailure = 'invalid' | 'timed-out' | 'gone'

/** As the configuration of a listener says; null where it lists nobody. */
export function createProxyTrust(proxyFrom: readonly string[], net: NetConfig): ProxyTrust | null {
  if (proxyFrom.length === 0) return null
  return {
    from: parseIpNetworks(proxyFrom),
    timeoutMilliseconds: net.proxyTimeout,
    longestHeader: net.proxyHeaderLimit,
  }
}

export function isProxy(trust: ProxyTrust | null, address: string): boolean {
  return trust !== null && inNetworks(trust.from, address)
}

/**
 * Reads the header, and tells the connection whom it speaks for and what came behind it. Resolves with the header; or with why there
 * is none, and the connection is destroyed. The connection must not have been read from.
 */
export function awaitProxyHeader(
  connection: AcceptedConnection,
  { trust, clock }: { readonly trust: ProxyTrust; readonly clock: Clock },
): Promise<ProxyHeader | ProxyFailure> {
  return new Promise((resolve) => {
    const reader = new ProxyHeaderReader(trust.longestHeader)
    const finish = (outcome: ProxyHeader | ProxyFailure) => {
      timer.cancel()
      connection.onData = ignore
      connection.onEnd = ignore
      connection.onClose = ignore
      if (typeof outcome === 'string') connection.destroy()
      resolve(outcome)
    }
    const timer = clock.after(trust.timeoutMilliseconds, () => finish('timed-out'))
    connection.onEnd = () => finish('gone')
    connection.onClose = () => finish('gone')
    connection.onData = (bytes) => {
      const step = reader.receive(bytes)
      if (step.type === 'invalid') finish('invalid')
      if (step.type !== 'done') return
      const { header, rest } = step
      connection.forwarded(header.type === 'forwarded' ? header.peer : connection.peer, rest)
      finish(header)
    }
    connection.resume()
  })
}

function ignore(): void {
  // Between the header and the session nobody listens; the connection is paused then.
}

// The PROXY protocol before HTTP: reads the header of a socket from a listed proxy, and puts back what came behind it.
import type { Clock } from '../base/clock.ts'
import type { Socket } from 'node:net'
import type { ProxyFailure, ProxyTrust } from '../net/proxied.ts'
import { type ProxyHeader, ProxyHeaderReader } from '../net/proxy-protocol.ts'

/** Resolves with the header; or with why there is none, and the socket is destroyed. Nobody may have read from it. */
export function readProxyHeader(
  socket: Socket,
  { trust, clock }: { readonly trust: ProxyTrust; readonly clock: Clock },
): Promise<ProxyHeader | ProxyFailure> {
  return new Promise((resolve) => {
    const reader = new ProxyHeaderReader(trust.longestHeader)
    const finish = (outcome: ProxyHeader | ProxyFailure): void => {
      timer.cancel()
      socket.off('data', onData).off('close', onGone).off('end', onGone).off('error', onGone)
      if (typeof outcome === 'string') socket.destroy()
      resolve(outcome)
    }
    const onGone = (): void => finish('gone')
    const onData = (bytes: Buffer): void => {
      const step = reader.receive(bytes)
      if (step.type === 'more') return
      if (step.type === 'invalid') return finish('invalid')
      socket.pause()
      finish(step.header)
      if (step.rest.length > 0) socket.unshift(step.rest)
    }
    const timer = clock.after(trust.timeoutMilliseconds, () => finish('timed-out'))
    socket.on('data', onData).on('close', onGone).on('end', onGone).on('error', onGone)
  })
}

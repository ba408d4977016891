// One question to one DNS server, over UDP or TCP.
//
// Each UDP query has a socket, and with it a random port, of its own; the socket is connected, so that the kernel drops
// what comes from anyone else, and a closed port is noticed at once. Messages that don't match the query are passed over.
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import { encodeQuery, readResponse, type DnsQuery, type DnsReply } from './dns-message.ts'

/** A server to ask. */
export interface DnsServer {
  readonly address: string
  readonly port: number
  /** Its AD bit is believed: it validates, and the path to it is safe. */
  readonly trusted: boolean
}

/** A server's reply, or none within the time. */
export type DnsExchange = Exclude<DnsReply, { type: 'unrelated' }> | { readonly type: 'silent' }

export interface DnsTransport {
  readonly clock: Clock
  /** For TCP. */
  readonly dialer: Dialer
  readonly timeoutMilliseconds: number
}

const silent = { type: 'silent' } as const

export function askOverUdp(
  transport: DnsTransport,
  server: DnsServer,
  query: DnsQuery,
): Promise<DnsExchange> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    let open = true
    const finish = (exchange: DnsExchange) => {
      if (!open) return
      open = false
      timer.cancel()
      socket.close()
      resolve(exchange)
    }
    const timer = transport.clock.after(transport.timeoutMilliseconds, () => finish(silent))
    socket.on('error', () => finish(silent))
    socket.on('message', (message) => {
      const reply = readResponse(message, query)
      if (reply.type !== 'unrelated') finish(reply)
    })
    socket.on('connect', () => {
      if (open) socket.send(encodeQuery(query))
    })
    socket.connect(server.port, server.address)
  })
}

/** RFC 7766 §8: the same over TCP, each message after its length in two octets. */
export async function askOverTcp(
  transport: DnsTransport,
  server: DnsServer,
  query: DnsQuery,
): Promise<DnsExchange> {
  const { clock, dialer, timeoutMilliseconds } = transport
  let connection
  try {
    connection = await dialer.dial({ address: server.address, port: server.port, timeoutMilliseconds })
  } catch {
    return silent
  }
  const message = encodeQuery(query)
  const { promise, resolve } = Promise.withResolvers<DnsExchange>()
  const timer = clock.after(timeoutMilliseconds, () => resolve(silent))
  let received: Uint8Array = Buffer.alloc(0)
  connection.onData = (bytes) => {
    received = Buffer.concat([received, bytes])
    const length = ((received[0] ?? 0) << 8) | (received[1] ?? 0)
    if (received.length < 2 || received.length < length + 2) return
    const reply = readResponse(received.subarray(2, length + 2), query)
    // On a connection of our own nobody else answers.
    const failed = reply.type === 'unrelated' || reply.type === 'truncated'
    resolve(failed ? { type: 'failed', failure: 'malformed' } : reply)
  }
  connection.onEnd = () => resolve(silent)
  connection.onClose = () => resolve(silent)
  connection.write(Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]))
  connection.resume()
  try {
    return await promise
  } finally {
    timer.cancel()
    connection.destroy()
  }
}

// A mail host somewhere else, on a real port of this machine, that says what a test lets it say.
import type { TestContext } from 'node:test'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { type PeerScript, RelayPeer } from '../support/relay-peer.ts'

export interface FarHost {
  readonly port: number
  readonly commands: readonly string[]
  /** Messages taken. */
  readonly messages: RelayPeer['messages']
  /** Resolves when so many messages have come. */
  received(count: number): Promise<void>
}

/** Listens until the test ends. `rule` gives its reply to a command; undefined: the usual one. */
export async function openFarHost(
  test: TestContext,
  rule: (command: string) => string | undefined,
  script: PeerScript = {},
): Promise<FarHost> {
  const clock = new RealClock()
  const peer = new RelayPeer({ name: 'mx.far.test', rule, ...script })
  const point = { address: '127.0.0.1', port: 0, identity: null }
  const listening = await new SocketNetwork(clock).listen(point, (connection) => peer.serve(connection))
  test.after(() => listening.close())
  return {
    port: listening.port,
    commands: peer.commands,
    messages: peer.messages,
    async received(count) {
      while (peer.messages.length < count) await clock.sleep(10)
    },
  }
}

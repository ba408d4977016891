// `posthorn send --direct`: the message goes straight to the hosts of its recipients while one watches, and each host's own reply is
// the result. Nothing is stored and nothing is tried again.
import { RealRandom } from '../base/real-random.ts'
import type { Config } from '../config/schema.ts'
import type { DirectResult } from '../delivery/direct.ts'
import { createRelay } from '../delivery/relay.ts'
import { createEvents } from '../events/event.ts'
import { RealClock } from '../net/real-clock.ts'
import { SocketNetwork } from '../net/socket-network.ts'
import type { RecipientResult } from '../queue/transport.ts'
import { ownAddresses } from '../wiring/own-addresses.ts'
import { openStore } from '../wiring/storage.ts'
import { makeResolver } from '../wiring/surroundings.ts'
import { type ConfigOptions, loadConfig } from './configuration.ts'
import { openDirectSource } from './direct-source.ts'
import { CommandError, exitCode, type Io } from './io.ts'

export interface DirectOptions extends ConfigOptions {
  /** A file, or `-`. */
  readonly direct: string
  readonly from?: string
  readonly route?: string
  readonly json?: boolean
}

/** Sends it; a recipient that was not taken is a refusal of the command. */
export async function sendDirect(io: Io, to: readonly string[], options: DirectOptions): Promise<void> {
  const config = await loadConfig(options)
  const { parcel, author } = await openDirectSource(io, options.direct)
  const reversePath = options.from === '<>' ? '' : (options.from ?? author)
  if (reversePath === undefined) {
    throw new CommandError(exitCode.usage, 'The message names no author: give --from ADDRESS.')
  }
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  try {
    const results = await withRelay(config, (relay) =>
      relay.direct.deliver({
        ...{ parcel, reversePath, signal: stop.signal },
        recipients: to.map((address) => ({ address })),
        ...(options.route === undefined ? {} : { route: options.route }),
        // With --json the dialogue goes beside the result, not into it.
        observer: {
          destination: (key, recipients) => io.err(`\n# ${key}: ${recipients.join(', ')}\n`),
          line: ({ direction, text }) => io.err(`${marks[direction]} ${text}\n`),
        },
      }),
    )
    tellResults(io, results, options)
  } finally {
    process.off('SIGINT', onSignal)
  }
}

const marks = { C: 'C:', S: 'S:', tls: 'TLS', note: '#' } as const

async function withRelay<T>(
  config: Config,
  work: (relay: ReturnType<typeof createRelay>) => Promise<T>,
): Promise<T> {
  const clock = new RealClock()
  const random = new RealRandom()
  const events = createEvents([])
  const network = new SocketNetwork(clock)
  // Policies of MTA-STS that are found are forgotten with it.
  await using store = await openStore(
    { ...config, data: null, store: { ...config.store, postgres: undefined } },
    { clock, random, events },
  )
  const resolver = await makeResolver({ config, clock, random, events }, network)
  return await work(
    createRelay({
      ...{ resolver, clock, random, events, store },
      config: config.relay,
      hostname: config.hostname,
      dialer: network,
      ownAddresses: () => ownAddresses(config),
    }),
  )
}

function tellResults(io: Io, results: readonly DirectResult[], options: DirectOptions): void {
  const told = results.map(({ recipient, result }) => ({ recipient, ...shown(result) }))
  if (options.json) io.out(`${JSON.stringify(told, null, 2)}\n`)
  else {
    io.err('\n')
    for (const { recipient, outcome, reply } of told) {
      io.out(`${recipient}: ${outcome}\n  ${reply.replaceAll('\n', '\n  ')}\n`)
    }
  }
  const failed = told.filter(({ outcome }) => outcome !== 'delivered')
  if (failed.length > 0) {
    const names = failed.map(({ recipient }) => recipient).join(', ')
    throw new CommandError(exitCode.refused, `Not delivered to ${names}.`)
  }
}

function shown(result: RecipientResult) {
  switch (result.type) {
    case 'done':
      return { outcome: 'delivered', ...facts(result.attempt) }
    case 'deferred':
      return { outcome: 'not now', ...facts(result.attempt) }
    case 'failed':
    case 'unknown':
      return { outcome: result.type, ...facts(result.attempt) }
    case 'held':
      return { outcome: 'not tried', reply: result.reason }
    case 'untried':
      return { outcome: 'not tried', reply: 'The connection was lost before it was its turn.' }
  }
}

function facts(attempt: Extract<RecipientResult, { attempt: unknown }>['attempt']) {
  const { reply, status, stage, host, address, tls, verification, policy } = attempt
  return { reply, status, stage, host, address, tls, verification, policy }
}

// What the operations of one session share: the wire, whose turn it is to speak, and what is known of the server.
//
// Turns are taken in the order in which they were asked for. A turn is handed on inside `release`, not later, so that the next
// operation's commands leave together with the last one's content (RFC 2920 §3.1: content may be the first of a group).
import type { Clock } from '../../base/clock.ts'
import type { Capabilities } from './capabilities.ts'
import type { ClientLimits, ClientTimeouts } from './limits.ts'
import type { Command, Heard, Wire } from './wire.ts'

export interface ChannelOptions {
  readonly wire: Wire
  readonly clock: Clock
  readonly timeouts: ClientTimeouts
  readonly limits: ClientLimits
  readonly dialect: 'smtp' | 'lmtp'
  readonly eagerChunks: 'always' | 'warm' | 'never'
}

export class Channel {
  readonly wire: Wire
  readonly clock: Clock
  readonly timeouts: ClientTimeouts
  readonly limits: ClientLimits
  readonly dialect: 'smtp' | 'lmtp'
  readonly eagerChunks: 'always' | 'warm' | 'never'
  capabilities: Capabilities
  /** A transaction may be open at the server: RSET comes before the next one. */
  needsReset = false
  /** Transactions begun. */
  transactions = 0
  /** Messages that the server has taken. */
  accepted = 0
  readonly #waiting: (() => void)[] = []
  #taken = false
  #room: PromiseWithResolvers<void> | null = null

  constructor(options: ChannelOptions, capabilities: Capabilities) {
    this.wire = options.wire
    this.clock = options.clock
    this.timeouts = options.timeouts
    this.limits = options.limits
    this.dialect = options.dialect
    this.eagerChunks = options.eagerChunks
    this.capabilities = capabilities
  }

  /** Runs `start` when it is its turn: at once where nobody speaks. */
  take(start: () => void): void {
    if (this.#taken) {
      this.#waiting.push(start)
      return
    }
    this.#taken = true
    start()
  }

  /** Whoever is next begins before this returns. */
  release(): void {
    const next = this.#waiting.shift()
    if (this.#waiting.length === 0) {
      this.#room?.resolve()
      this.#room = null
    }
    if (next === undefined) this.#taken = false
    else next()
  }

  /** Resolves when nobody waits for a turn. */
  room(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve()
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  /** Runs `task` in a turn of its own. */
  exclusive<Result>(task: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.take(() => {
        task()
          .finally(() => this.release())
          .then(resolve, reject)
      })
    })
  }

  /** One command in a turn of its own. */
  command(command: Command): Promise<Heard> {
    return this.exclusive(() => this.wire.askNow(command))
  }
}

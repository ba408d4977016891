// Visits to the providers of `collect`: at the start, every so often, and when somebody asks; never two to one provider at once.
// What they send is served by our own port 25 service, over the connection that we made.
import type { Timer } from '../base/clock.ts'
import type { Connection } from '../base/connection.ts'
import type { CollectSource } from '../config/sections/collect.ts'
import { collect, type CollectOutcome, sourceName } from '../delivery/collect.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { collectionRefused } from '../events/collect.ts'
import { errorText } from '../events/error-text.ts'
import * as serverEvents from '../events/server.ts'
import { defaultPumpLimits, Session } from '../net/pump.ts'
import type { SessionEvents } from '../net/session-view.ts'
import { type ListenerParts, sessionEvents } from './listeners.ts'
import { makeTakesFor } from './outgoing.ts'
import { makeSmtpService } from './smtp.ts'

/** What one provider's visit came to. */
export type Collected = { readonly name: string; readonly verb: CollectSource['verb'] } & CollectOutcome

export interface Collecting extends AsyncDisposable {
  readonly names: readonly string[]
  /** Visits these providers now, all of them unless named; joins a visit that is under way. */
  now(name: string | undefined): Promise<readonly Collected[]>
}

/** Starts the first visits. */
export function startCollecting(parts: ListenerParts): Collecting {
  const stopping = new AbortController()
  const visitors = parts.backend.config.collect.map((source) => new Visitor(source, parts, stopping.signal))
  for (const visitor of visitors) visitor.start()
  return {
    names: visitors.map(({ name }) => name),
    now: (name) =>
      Promise.all(
        visitors.filter((one) => name === undefined || one.name === name).map((one) => one.visit()),
      ),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all(visitors.map((visitor) => visitor.ended()))
    },
  }
}

class Visitor {
  readonly name: string
  readonly #source: CollectSource
  readonly #parts: ListenerParts
  readonly #stopping: AbortSignal
  #running: Promise<Collected> | null = null
  #timer: Timer | null = null

  constructor(source: CollectSource, parts: ListenerParts, stopping: AbortSignal) {
    this.name = sourceName(source)
    this.#source = source
    this.#parts = parts
    this.#stopping = stopping
  }

  /** A visit that nobody waits for: a fault of ours is told, and the next visit comes nevertheless. */
  start(): void {
    this.visit().catch((error: unknown) => {
      this.#parts.backend.events.emit(serverEvents.sessionBroke, {
        ...{ service: 'collect', remoteAddress: this.#source.host },
        error: errorText(error),
      })
    })
  }

  visit(): Promise<Collected> {
    this.#timer?.cancel()
    this.#running ??= this.#visit().finally(() => {
      this.#running = null
      if (this.#stopping.aborted) return
      this.#timer = this.#parts.backend.clock.after(this.#source.every, () => this.start())
    })
    return this.#running
  }

  async ended(): Promise<void> {
    this.#timer?.cancel()
    await this.#running?.catch(() => undefined)
    this.#timer?.cancel()
  }

  async #visit(): Promise<Collected> {
    const { backend, outgoing } = this.#parts
    const { config } = backend
    const who = { name: this.name, verb: this.#source.verb }
    const obstacle = await this.#obstacle()
    if (obstacle !== null) {
      const refusal = { stage: 'domains', status: '4.3.5', reply: obstacle }
      backend.events.emit(collectionRefused, { source: who.name, verb: who.verb, ...refusal })
      return { ...who, type: 'failed', ...refusal }
    }
    const outcome = await collect({
      source: this.#source,
      heloName: config.relay.heloName ?? config.hostname,
      context: outgoing.relay.context,
      serve: (connection) => this.#serve(connection),
      signal: this.#stopping,
    })
    return { ...who, ...outcome }
  }

  /** Why it must not be visited now: mail that nobody here takes goes back to its senders, and is gone at the provider. */
  async #obstacle(): Promise<string | null> {
    const { store, config } = this.#parts.backend
    const takesFor = makeTakesFor(config)
    const missing: string[] = []
    for (const domain of this.#source.domains) {
      if (!takesFor(domain) && !(await store.hasDomain(domain))) missing.push(domain)
    }
    const [first] = missing
    if (first !== undefined) {
      return `not visited: ${missing.join(', ')} ${missing.length === 1 ? 'is no domain' : 'are no domains'} of this server, so that the mail would be refused and go back to its senders. Add what is missing with \`posthorn domain add ${first}\`, then its accounts.`
    }
    const all = this.#source.domains.length === 0
    if (!all || config.relay.domains.length > 0 || (await store.listDomains()).length > 0) return null
    return 'not visited: this server has no domain yet, so that all mail would be refused and go back to its senders. Add one with `posthorn domain add DOMAIN`, then its accounts with `posthorn account add ADDRESS`.'
  }

  async #serve(connection: Connection): Promise<number> {
    const { backend, outgoing } = this.#parts
    const { clock, config, wayIn, events } = backend
    const counted = countDeliveries(wayIn.delivery)
    const { service } = await makeSmtpService('mx', {
      ...this.#parts,
      backend: {
        ...backend,
        // We connected: there is no early talker to wait for.
        config: { ...config, smtp: { ...config.smtp, greetDelay: 0 } },
        wayIn: { ...wayIn, delivery: counted.delivery },
      },
      // Roles change once: RFC 2645 §5.3 lets the customer be the server until QUIT.
      outgoing: { ...outgoing, remoteQueue: null },
      startTls: 'not-offered',
    })
    const over = Promise.withResolvers<void>()
    const told: SessionEvents = { ...sessionEvents('collect', events), finished: () => over.resolve() }
    const limits = { ...defaultPumpLimits, heldBytes: config.net.heldBytes }
    const session = new Session(connection, service, { clock, limits, events: told })
    const stop = (): void => {
      session.stop()
      const timer = clock.after(config.net.stopTimeout, () => session.destroy())
      void over.promise.then(() => timer.cancel())
    }
    this.#stopping.addEventListener('abort', stop, { once: true })
    session.start()
    if (this.#stopping.aborted) stop()
    await over.promise
    this.#stopping.removeEventListener('abort', stop)
    return counted.taken()
  }
}

/** The same delivery, and how many messages it took. */
function countDeliveries(delivery: Delivery): { delivery: Delivery; taken: () => number } {
  let taken = 0
  return {
    delivery: {
      async deliver(arrival) {
        const result = await delivery.deliver(arrival)
        if (result.ok) taken++
        return result
      },
    },
    taken: () => taken,
  }
}

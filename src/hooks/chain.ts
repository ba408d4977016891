// All that a configuration asks about a session, as one policy: the typed hooks, then the milters, then the HTTP services, each in
// the order in which it is written there.
//
// - The first that refuses decides; those behind it are not asked about that step.
// - A rewrite is seen by all that are asked after it, header, body and envelope alike. A quarantine lets the others go on: one of them may
//   still refuse, and what they rewrite is done before the message is held.
// - All together have `hooks.messageBudget` for a message. When it is over the client is deferred and the session ends: somebody may still
//   be at work on what was asked, and must not hear of another message meanwhile.
// - Nobody is asked about sessions of a service that he is not for.
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { Random } from '../base/random.ts'
import type {
  HookConnection,
  HookDelivered,
  HookHello,
  HookMail,
  HookMessage,
  HookRcpt,
  Rewrite,
} from '../config/hooks.ts'
import type { HooksConfig } from '../config/sections/hooks.ts'
import type { Events } from '../events/event.ts'
import { makeRefusal, type Stage } from './decision.ts'
import { createHttpHook } from './http-hook.ts'
import type { HttpFetch } from './http-request.ts'
import { rewritten } from './message-parts.ts'
import { createMilterSession } from './milter.ts'
import { askedOf, failed, type HookParts, HookTimedOut, within } from './parts.ts'
import type { MessageVerdict, Policy, PolicyRefusal, PolicySession } from './policy.ts'
import { createTypedHooks, hasTypedHooks } from './typed-hooks.ts'

export interface PolicyParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly dialer: Dialer
  readonly httpFetch: HttpFetch
  /** This host, as it greets. */
  readonly hostname: string
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
}

/** Null where nothing is configured. */
export function createPolicy(config: HooksConfig, parts: PolicyParts): Policy | null {
  const makers = makersOf(config, parts)
  return makers.length === 0
    ? null
    : { open: () => new Chain(makers, { ...parts, budget: config.messageBudget }) }
}

/** Makes one session's view, for the services that it is for; null means all. */
interface Maker {
  readonly services: readonly string[] | null
  make(): PolicySession
}

function makersOf(config: HooksConfig, parts: PolicyParts): Maker[] {
  const { maxAnswer, maxRewrites } = config
  const maxBody = parts.maxMessageSize === 0 ? Infinity : parts.maxMessageSize
  const typed: Maker = { services: null, make: () => createTypedHooks(config, parts) }
  return [
    ...(hasTypedHooks(config) ? [typed] : []),
    ...config.milters.map((milter) => ({
      services: milter.services,
      make: () => createMilterSession(milter, { ...parts, maxBody, maxRewrites }),
    })),
    ...config.http.map((hook) => ({
      services: hook.services,
      make: () => createHttpHook(hook, { ...parts, maxAnswer, maxRewrites }),
    })),
  ]
}

interface ChainParts extends HookParts {
  /** Milliseconds for all that is asked about one message. */
  readonly budget: number
}

class Chain implements PolicySession {
  readonly #makers: readonly Maker[]
  readonly #parts: ChainParts
  #links: readonly PolicySession[] = []
  #state: 'asking' | 'given-up' = 'asking'

  constructor(makers: readonly Maker[], parts: ChainParts) {
    this.#makers = makers
    this.#parts = parts
  }

  connect(connection: HookConnection): Promise<PolicyRefusal | null> {
    this.#links = this.#makers
      .filter(({ services }) => services?.includes(listenerService(connection)) ?? true)
      .map((maker) => maker.make())
    return this.#first('connect', (link) => link.connect(connection))
  }

  hello(hello: HookHello): Promise<PolicyRefusal | null> {
    return this.#first('helo', (link) => link.hello(hello))
  }

  mail(mail: HookMail): Promise<PolicyRefusal | null> {
    return this.#first('mail', (link) => link.mail(mail))
  }

  rcpt(rcpt: HookRcpt): Promise<PolicyRefusal | null> {
    return this.#first('rcpt', (link) => link.rcpt(rcpt))
  }

  async message(message: HookMessage): Promise<MessageVerdict | null> {
    const { budget, clock } = this.#parts
    const asked = { by: 'hooks', stage: 'data', ...askedOf(message) } as const
    if (this.#state === 'given-up') return endOfSession('data')
    try {
      return await within(budget, clock, () => this.#judge(message))
    } catch (error) {
      const refusal = failed(this.#parts, asked, { error, onFailure: 'defer' })
      if (!(error instanceof HookTimedOut)) return refusal
      this.#state = 'given-up'
      this.closed()
      return endOfSession('data')
    }
  }

  async #judge(message: HookMessage): Promise<MessageVerdict | null> {
    let current = message
    const rewrites: Rewrite[] = []
    const by: string[] = []
    let reason: string | null = null
    for (const link of this.#links) {
      const verdict = await link.message(current)
      if (verdict === null) continue
      if (verdict.type === 'refuse' || verdict.type === 'discard') return verdict
      by.push(verdict.by)
      if (verdict.type === 'quarantine') reason ??= verdict.reason
      for (const rewrite of verdict.rewrites) {
        rewrites.push(rewrite)
        current = await rewritten(current, rewrite)
      }
    }
    if (reason !== null) return { type: 'quarantine', reason, rewrites, by: by.join(', ') }
    return rewrites.length === 0 ? null : { type: 'rewrite', rewrites, by: by.join(', ') }
  }

  reset(): void {
    for (const link of this.#links) link.reset()
  }

  delivered(delivered: HookDelivered): void {
    for (const link of this.#links) link.delivered(delivered)
  }

  closed(): void {
    for (const link of this.#links) link.closed()
  }

  async #first(
    stage: Stage,
    ask: (link: PolicySession) => Promise<PolicyRefusal | null>,
  ): Promise<PolicyRefusal | null> {
    if (this.#state === 'given-up') return endOfSession(stage)
    for (const link of this.#links) {
      const refusal = await ask(link)
      if (refusal !== null) return refusal
    }
    return null
  }
}

/** Mail by HTTP or `sendmail` is submission, whoever is asked about that. */
function listenerService({ service }: HookConnection): string {
  return service === 'api' || service === 'local' ? 'submission' : service
}

function endOfSession(stage: Stage): PolicyRefusal {
  return makeRefusal({ type: 'defer', code: 421 }, { by: 'hooks', stage })
}

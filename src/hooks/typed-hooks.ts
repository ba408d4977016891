// Runs the functions of the configuration (`hooks.connect` … `hooks.delivered`).
//
// Each has a budget of time. One that throws, takes longer, or returns what is no decision, defers: the client hears 451 and tries
// again, an event names the hook, and the session goes on. A function that never gives the thread back cannot be stopped from
// here: the budget is for what waits, not for what computes.
import type { Hooks, HookDelivered, HookMessage } from '../config/hooks.ts'
import { type DecisionScope, makeRefusal, readDecision, type Stage } from './decision.ts'
import { askedOf, decided, failed, type HookParts, within } from './parts.ts'
import type { MessageVerdict, PolicyRefusal, PolicySession } from './policy.ts'

/** The functions; those that are not there are undefined or missing. */
export type TypedHooks = { readonly [K in keyof Hooks]?: Hooks[K] | undefined }

/** The functions, and what they may take. Times in milliseconds. */
export type TypedHooksConfig = TypedHooks & {
  readonly timeout: number
  readonly dataTimeout: number
  readonly maxRewrites: number
}

const names = ['connect', 'helo', 'mail', 'rcpt', 'data', 'delivered'] as const

/** Whether any function is there at all. */
export function hasTypedHooks(hooks: TypedHooks): boolean {
  return names.some((name) => hooks[name] !== undefined)
}

/** One session's view of the functions; they keep nothing between calls, so neither does this. */
export function createTypedHooks(hooks: TypedHooksConfig, parts: HookParts): PolicySession {
  return new TypedHooksSession(hooks, parts)
}

type About = Parameters<typeof askedOf>[0]

class TypedHooksSession implements PolicySession {
  readonly #hooks: TypedHooksConfig
  readonly #parts: HookParts

  constructor(hooks: TypedHooksConfig, parts: HookParts) {
    this.#hooks = hooks
    this.#parts = parts
  }

  connect(connection: Parameters<PolicySession['connect']>[0]): Promise<PolicyRefusal | null> {
    return this.#envelope('connect', connection, () => this.#hooks.connect?.(connection))
  }

  hello(hello: Parameters<PolicySession['hello']>[0]): Promise<PolicyRefusal | null> {
    return this.#envelope('helo', hello, () => this.#hooks.helo?.(hello))
  }

  mail(mail: Parameters<PolicySession['mail']>[0]): Promise<PolicyRefusal | null> {
    return this.#envelope('mail', mail, () => this.#hooks.mail?.(mail))
  }

  rcpt(rcpt: Parameters<PolicySession['rcpt']>[0]): Promise<PolicyRefusal | null> {
    return this.#envelope('rcpt', rcpt, () => this.#hooks.rcpt?.(rcpt))
  }

  message(message: HookMessage): Promise<MessageVerdict | null> {
    return this.#run('data', message, () => this.#hooks.data?.(message))
  }

  delivered(delivered: HookDelivered): void {
    const { delivered: tell, timeout } = this.#hooks
    if (tell === undefined) return
    const asked = {
      by: 'hook delivered',
      stage: 'delivered',
      session: delivered.id,
      message: delivered.id,
    } as const
    within(timeout, this.#parts.clock, () => tell(delivered)).catch((error: unknown) =>
      failed(this.#parts, asked, { error, onFailure: 'accept' }),
    )
  }

  reset(): void {}

  closed(): void {}

  async #envelope(stage: Stage, about: About, ask: () => unknown): Promise<PolicyRefusal | null> {
    const verdict = await this.#run(stage, about, ask)
    return verdict?.type === 'refuse' ? verdict : null
  }

  async #run(stage: Stage, about: About, ask: () => unknown): Promise<MessageVerdict | null> {
    const by = `hook ${stage}`
    if (this.#hooks[stage] === undefined) return null
    const { timeout, dataTimeout, maxRewrites } = this.#hooks
    const scope: DecisionScope = stage === 'data' ? 'message' : 'envelope'
    try {
      const budget = stage === 'data' ? dataTimeout : timeout
      const answer = await within(budget, this.#parts.clock, async () => await ask())
      const decision = readDecision(answer, { scope, maxRewrites })
      return decided(this.#parts, { by, stage, ...askedOf(about) }, verdictOf(decision, { by, stage }))
    } catch (error) {
      return failed(this.#parts, { by, stage, ...askedOf(about) }, { error, onFailure: 'defer' })
    }
  }
}

/** What the session does about a decision. */
export function verdictOf(
  decision: ReturnType<typeof readDecision>,
  { by, stage }: { by: string; stage: Stage },
): MessageVerdict | null {
  switch (decision.type) {
    case 'accept':
      return null
    case 'defer':
    case 'reject':
      return makeRefusal(decision, { by, stage })
    case 'quarantine':
      return { type: 'quarantine', reason: decision.reason, rewrites: [], by }
    case 'rewrite':
      return { type: 'rewrite', rewrites: [decision.rewrite], by }
  }
}

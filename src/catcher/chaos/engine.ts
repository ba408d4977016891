// Chaos: which rule strikes at which moment. The same rules, seed and order of sessions strike the same way on each run; nothing here
// reads a clock or does anything: whoever asks, does it.
//
// Rules are tried in order, up to the first that does more than delay whose conditions hold and whose counters let it. Counters count
// the times that all conditions held, by what `per` says. Mailpit's three triggers come after the rules.
import type { Random } from '../../base/random.ts'
import type { ChaosAction, ChaosConfig, ChaosRule, ChaosStage } from '../../config/sections/catcher.ts'
import { compilePattern } from '../pattern.ts'

/** What is known at a moment. */
export interface ChaosMoment {
  readonly stage: ChaosStage
  readonly session: string
  /** Open connections, this one among them. */
  readonly connections: number
  /** Argument of EHLO or HELO; '' before. */
  readonly client: string
  /** Who logged in, or tries to. */
  readonly username: string
  /** From `mail` on; '' is the null reverse-path. */
  readonly sender: string | null
  /** At `rcpt` the one; from `data` on those that were accepted. */
  readonly recipients: readonly string[]
  /** '' before it is known. */
  readonly inbox: string
  /** At `end` alone. */
  readonly subject: string
}

export interface Strike {
  /** The rule's name, or its number; Mailpit's triggers by their names. */
  readonly rule: string
  readonly action: ChaosAction
}

/** Mailpit's. */
export interface ChaosTrigger {
  readonly errorCode: number
  readonly probability: number
}

export interface ChaosTriggers {
  readonly sender: ChaosTrigger
  readonly recipient: ChaosTrigger
  readonly authentication: ChaosTrigger
}

interface Armed {
  readonly rule: ChaosRule
  readonly name: string
  readonly fits: (moment: ChaosMoment) => boolean
  readonly counts: Map<string, number>
  struck: number
}

/** Keys of one rule's counters: a test that runs for days must not fill the memory. */
const mostCounters = 10_000

/** What a rule has done so far. */
export interface ChaosRuleState {
  readonly name: string
  readonly rule: ChaosRule
  readonly struck: number
}

export class Chaos {
  #armed: Armed[] = []
  #triggers: ChaosTriggers
  #random: Random
  readonly #seeded: (seed: number) => Random
  #seed: number
  readonly enabled: boolean

  constructor(config: ChaosConfig, seeded: (seed: number) => Random) {
    this.enabled = config.enabled
    this.#seeded = seeded
    this.#seed = config.seed
    this.#random = seeded(config.seed)
    const { sender, recipient, authentication } = config
    this.#triggers = { sender, recipient, authentication }
    this.setRules(config.rules)
  }

  get rules(): readonly ChaosRuleState[] {
    return this.#armed.map(({ rule, name, struck }) => ({ rule, name, struck }))
  }

  get triggers(): ChaosTriggers {
    return this.#triggers
  }

  get seed(): number {
    return this.#seed
  }

  /** Replaces all rules; counters and chance begin anew. */
  setRules(rules: readonly ChaosRule[], seed: number = this.#seed): void {
    this.#seed = seed
    this.#random = this.#seeded(seed)
    this.#armed = rules.map((rule, index) => arm(rule, index))
  }

  addRule(rule: ChaosRule): void {
    this.#armed.push(arm(rule, this.#armed.length))
  }

  /** False where there is none of that name. */
  removeRule(name: string): boolean {
    const before = this.#armed.length
    this.#armed = this.#armed.filter((armed) => armed.name !== name)
    return this.#armed.length < before
  }

  setTriggers(triggers: ChaosTriggers): void {
    this.#triggers = triggers
  }

  /** Whether anything could strike at this stage: then it is worth to ask. */
  watches(stage: ChaosStage): boolean {
    if (!this.enabled) return false
    if (this.#armed.some(({ rule }) => rule.stage === stage)) return true
    const trigger = this.#triggerOf(stage)
    return trigger !== null && trigger.probability > 0
  }

  /** What is to be done now, in order: delays and slowness first, at most one other thing, last. */
  strike(moment: ChaosMoment): readonly Strike[] {
    if (!this.enabled) return []
    const strikes: Strike[] = []
    for (const armed of this.#armed) {
      const { rule, name } = armed
      if (rule.stage !== moment.stage || !armed.fits(moment) || !this.#counted(armed, moment)) continue
      if (rule.probability < 100 && this.#random.below(10_000) >= rule.probability * 100) continue
      armed.struck++
      strikes.push({ rule: name, action: rule.action })
      if (rule.action.type !== 'delay' && rule.action.type !== 'slow') return strikes
    }
    const trigger = this.#triggerOf(moment.stage)
    if (trigger === null || trigger.probability === 0 || this.#random.below(100) >= trigger.probability)
      return strikes
    const rule = moment.stage === 'mail' ? 'Sender' : moment.stage === 'rcpt' ? 'Recipient' : 'Authentication'
    strikes.push({ rule, action: { type: 'reply', code: trigger.errorCode, close: false } })
    return strikes
  }

  #triggerOf(stage: ChaosStage): ChaosTrigger | null {
    switch (stage) {
      case 'mail':
        return this.#triggers.sender
      case 'rcpt':
        return this.#triggers.recipient
      case 'auth':
        return this.#triggers.authentication
      default:
        return null
    }
  }

  #counted({ rule, counts }: Armed, moment: ChaosMoment): boolean {
    const { first, skip, every } = rule
    if (first === undefined && skip === undefined && every === undefined) return true
    const key = counterKey(rule, moment)
    const count = (counts.get(key) ?? 0) + 1
    if (counts.size >= mostCounters && !counts.has(key)) counts.clear()
    counts.set(key, count)
    const place = count - (skip ?? 0)
    if (place < 1) return false
    if (every !== undefined && place % every !== 0) return false
    return first === undefined || (every === undefined ? place <= first : place / every <= first)
  }
}

function counterKey({ per }: ChaosRule, { session, sender, recipients }: ChaosMoment): string {
  switch (per) {
    case 'server':
      return ''
    case 'session':
      return session
    case 'sender':
      return sender ?? ''
    case 'recipient':
      return recipients.join(' ')
  }
}

function arm(rule: ChaosRule, index: number): Armed {
  const tests: ((moment: ChaosMoment) => boolean)[] = []
  const onText = (pattern: string | undefined, text: (moment: ChaosMoment) => string | null): void => {
    if (pattern === undefined) return
    const fits = compilePattern(pattern)
    tests.push((moment) => {
      const found = text(moment)
      return found !== null && fits(found)
    })
  }
  onText(rule.sender, ({ sender }) => sender)
  onText(rule.username, ({ username }) => username)
  onText(rule.client, ({ client }) => client)
  onText(rule.subject, ({ subject }) => subject)
  const { recipient, inbox, connections } = rule
  if (recipient !== undefined) {
    const fits = compilePattern(recipient)
    tests.push(({ recipients }) => recipients.some(fits))
  }
  if (inbox !== undefined) tests.push((moment) => moment.inbox === inbox)
  if (connections !== undefined) tests.push((moment) => moment.connections > connections)
  return {
    rule,
    name: rule.name === '' ? `rule ${index + 1}` : rule.name,
    fits: (moment) => tests.every((test) => test(moment)),
    counts: new Map(),
    struck: 0,
  }
}

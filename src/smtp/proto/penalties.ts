// What refusals cost a session: a budget of each kind, after which it ends, and pauses that grow (a tarpit).
//
// Counted apart: recipients, since a list with dead members is no attack; failed log-ins, since they are one; everything else.
// Only refusals of class 5 count.
import type { SmtpLimits } from './limits.ts'
import { replies, type Reply } from './reply.ts'
import type { Tarpit } from './session.ts'

/** What was refused. */
export type Offence = 'recipient' | 'log-in' | 'command'

export class Penalties {
  readonly #limits: SmtpLimits
  readonly #tarpit: Tarpit | null
  readonly #counts: Record<Offence, number> = { recipient: 0, 'log-in': 0, command: 0 }
  #pauses = 0

  constructor(limits: SmtpLimits, tarpit: Tarpit | null) {
    this.#limits = limits
    this.#tarpit = tarpit
  }

  /** How long to wait before a refusal goes out, in milliseconds; each call counts as one. */
  nextPause(): number {
    const tarpit = this.#tarpit
    if (tarpit === null) return 0
    const { recipient, command } = this.#counts
    if (recipient + command + this.#counts['log-in'] < tarpit.afterErrors) return 0
    // Beyond 2^30 every pause is the longest, whatever the first one was.
    const pause = tarpit.firstPause * 2 ** Math.min(this.#pauses, 30)
    this.#pauses++
    return Math.min(pause, tarpit.maxPause)
  }

  /** Counts a refusal; the farewell where it was the last that is borne, else null. */
  count(offence: Offence): Reply | null {
    const { maxErrors, maxRefusedRecipients, maxAuthFailures } = this.#limits
    this.#counts[offence]++
    if (reached(this.#counts['log-in'], maxAuthFailures)) return replies.tooManyAuthFailures
    const full =
      reached(this.#counts.command, maxErrors) || reached(this.#counts.recipient, maxRefusedRecipients)
    return full ? replies.tooManyErrors : null
  }
}

/** A limit of 0 is none. */
function reached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit
}

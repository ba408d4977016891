// A server exchange as SMTP, POP3 and IMAP carry it: base64 lines, `*` to cancel, `=` for an empty initial response, and
// no data beside the success (RFC 4954 §4, RFC 5034 §4, RFC 3501 §6.2.2), so that a mechanism's last words travel as one
// more challenge, answered by an empty line.
//
// The protocol brings the lines without their CRLF and bounds their length; what this object says is text to send.
import { encodeBase64, tryDecodeBase64 } from './base64.ts'
import type {
  SaslAnswer,
  SaslContext,
  SaslExchange,
  SaslMechanism,
  SaslQuestion,
  SaslStep,
} from './mechanism.ts'

/** What the protocol does next. */
export type DialogueStep =
  /** Send this base64 text as the protocol's challenge, then bring the next line. '' is an empty challenge. */
  | { readonly type: 'challenge'; readonly text: string }
  | SaslQuestion
  | Extract<SaslStep, { type: 'failure' }>
  | { readonly type: 'success'; readonly username: string; readonly authorizationId: string | null }
  /** The client gave up with `*`. */
  | { readonly type: 'cancelled' }

export class SaslDialogue {
  readonly #exchange: SaslExchange
  /** Success that waits for the client to acknowledge the final challenge. */
  #won: Extract<DialogueStep, { type: 'success' }> | null = null

  constructor(mechanism: SaslMechanism, context: SaslContext) {
    this.#exchange = mechanism.start(context)
  }

  /** `initialResponse` as it stood in the command; null where there was none. */
  begin(initialResponse: string | null): DialogueStep {
    if (initialResponse === null) return this.#carry(this.#exchange.step(null))
    // RFC 4954 §4, RFC 5034 §4: "=" is an initial response without data.
    return this.#receive(initialResponse === '=' ? '' : initialResponse)
  }

  /** The client's next line. */
  line(text: string): DialogueStep {
    if (text === '*') return { type: 'cancelled' }
    if (this.#won === null) return this.#receive(text)
    return text === '' ? this.#won : { type: 'failure', reason: 'malformed', username: this.#won.username }
  }

  /** The answer to what the last step asked. */
  resume(answer: SaslAnswer): DialogueStep {
    return this.#carry(this.#exchange.resume(answer))
  }

  #receive(text: string): DialogueStep {
    const response = tryDecodeBase64(text)
    if (response === undefined) return { type: 'failure', reason: 'malformed', username: null }
    return this.#carry(this.#exchange.step(response))
  }

  #carry(step: SaslStep): DialogueStep {
    if (step.type === 'challenge') return { type: 'challenge', text: encodeBase64(step.bytes) }
    if (step.type !== 'success') return step
    const { username, authorizationId, finalChallenge } = step
    const success = { type: 'success', username, authorizationId } as const
    if (finalChallenge === null) return success
    this.#won = success
    return { type: 'challenge', text: encodeBase64(finalChallenge) }
  }
}

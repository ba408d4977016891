// The typed hooks of `posthorn.config.ts`: functions of the operator's that look at each stage of a message's way and may
// decide. What a stage cannot know is not in its type: there is no message before DATA.
//
// - A hook that returns nothing accepts. One that takes longer than its budget, or throws, defers: the client hears 451 and tries
//   again, and the log names the hook.
// - Hooks run in the order: typed hooks, milters, HTTP hooks; the first that does not accept decides.
import type { Address } from '../mail/address.ts'
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'

export interface HookConnection {
  readonly sessionId: string
  /** `smtp`, `submission`, `lmtp`, `catcher`; `api` and `local` for mail that came by HTTP or `sendmail`. */
  readonly service: string
  readonly remoteAddress: string
  readonly remotePort: number
  /** By reverse DNS, confirmed; null where there is none. */
  readonly remoteName: string | null
  readonly tls: { readonly version: string; readonly cipher: string } | null
}

export interface HookHello extends HookConnection {
  readonly helo: string
  readonly extended: boolean
}

export interface HookMail extends HookHello {
  /** What the 250 will call the message, where that is known already. */
  readonly id?: string
  readonly username: string | null
  readonly reversePath: Address | null
  /** Declared by SIZE. */
  readonly size: number | null
  readonly options: Partial<MessageOptions>
}

export interface HookRecipient {
  readonly address: Address | null
  readonly options: RecipientOptions
}

export interface HookRcpt extends HookMail {
  readonly recipients: readonly HookRecipient[]
  readonly recipient: HookRecipient
}

/** A header field as it stands in the message. */
export interface HookHeaderField {
  readonly name: string
  /** Unfolded, without the leading space. */
  readonly value: string
}

export interface HookMessage extends HookMail {
  readonly id: string
  readonly recipients: readonly HookRecipient[]
  readonly headers: readonly HookHeaderField[]
  /** The whole message as received, header included, piece by piece; each call reads it anew. */
  content(): AsyncIterable<Uint8Array>
  /** Octets. */
  readonly bytes: number
}

/** After the 250: nothing can be refused any more. */
export interface HookDelivered {
  readonly id: string
  readonly reversePath: string
  /** Where the message went: an account's address, or `queue`. */
  readonly recipients: readonly { readonly address: string; readonly where: string }[]
  readonly bytes: number
}

/** A change to the message before it is kept. */
export interface Rewrite {
  readonly reversePath?: string
  readonly addRecipients?: readonly string[]
  readonly removeRecipients?: readonly string[]
  /**
   * In order. `index` counts fields of that name from 1 (milter's rule); absent: all. Line breaks in a value are kept where white
   * space follows (folding, which a signature may depend on); any other is refused. A number in `at` counts all fields from 0:
   * the new one stands before that field, or at the end.
   */
  readonly header?: readonly (
    | {
        readonly type: 'add'
        readonly name: string
        readonly value: string
        readonly at?: 'start' | 'end' | number
      }
    | { readonly type: 'change'; readonly name: string; readonly index?: number; readonly value: string }
    | { readonly type: 'remove'; readonly name: string; readonly index?: number }
  )[]
  /** Instead of everything behind the empty line. */
  readonly body?: Uint8Array
}

/** The reply's text is ours where none is given; `code` must be of the class that the decision says. */
export type Refusal = { readonly code?: number; readonly status?: string; readonly text?: string }

export type Decision = void | { readonly type: 'accept' } | ({ readonly type: 'defer' | 'reject' } & Refusal)

export type MessageDecision =
  | Decision
  /** Taken with 250, and held for an operator. */
  | { readonly type: 'quarantine'; readonly reason: string }
  | ({ readonly type: 'rewrite' } & Rewrite)

type Awaitable<T> = T | Promise<T>

/** All optional. */
export interface Hooks {
  connect?(connection: HookConnection): Awaitable<Decision>
  helo?(hello: HookHello): Awaitable<Decision>
  mail?(mail: HookMail): Awaitable<Decision>
  rcpt?(rcpt: HookRcpt): Awaitable<Decision>
  /** The whole message is there; nothing is promised yet. */
  data?(message: HookMessage): Awaitable<MessageDecision>
  /** It is durable. For telling others; what it throws is logged. */
  delivered?(delivered: HookDelivered): Awaitable<void>
}

// What the SMTP server asks at each stage of a session, whoever answers: typed hooks of the configuration, milters, HTTP hooks,
// or all of them one after the other (`chain.ts`). One object a session: a milter has a conversation.
//
// `null` accepts. An answer is a verdict, never an exception: whoever implements this turns his own trouble into a deferral.
import type {
  HookConnection,
  HookDelivered,
  HookHello,
  HookMail,
  HookMessage,
  HookRcpt,
  Rewrite,
} from '../config/hooks.ts'

/** 4yz or 5yz with its status code and text; the connection is closed afterwards where `close` says so. */
export interface PolicyRefusal {
  readonly type: 'refuse'
  readonly code: number
  readonly status: string
  readonly text: string
  readonly then: 'go-on' | 'close'
  /** Who decided, for the log: `hook rcpt`, `milter opendkim`, `http spam-check`. */
  readonly by: string
}

export type MessageVerdict =
  | PolicyRefusal
  /** Held for an operator, after these changes. */
  | {
      readonly type: 'quarantine'
      readonly reason: string
      readonly rewrites: readonly Rewrite[]
      readonly by: string
    }
  /** 250, and nothing is kept. */
  | { readonly type: 'discard'; readonly by: string }
  | { readonly type: 'rewrite'; readonly rewrites: readonly Rewrite[]; readonly by: string }

export interface PolicySession {
  connect(connection: HookConnection): Promise<PolicyRefusal | null>
  hello(hello: HookHello): Promise<PolicyRefusal | null>
  mail(mail: HookMail): Promise<PolicyRefusal | null>
  rcpt(rcpt: HookRcpt): Promise<PolicyRefusal | null>
  /** Several rewrites are applied in order; what stands after a rewrite sees the rewritten message. */
  message(message: HookMessage): Promise<MessageVerdict | null>
  /** The transaction is over without a message. */
  reset(): void
  delivered(delivered: HookDelivered): void
  closed(): void
}

/** Null where nothing is configured: the server then asks nobody. */
export interface Policy {
  open(): PolicySession
}

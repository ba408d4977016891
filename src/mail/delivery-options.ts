// What a sender asks for beside the delivery itself: the parameters of MAIL and RCPT that travel with a message from the
// protocol that took it, through the queue, to the next host. Plain data, so that the store can keep it as JSON.

/** RFC 6152 §3, RFC 3030 §3. */
export type BodyType = '7BIT' | '8BITMIME' | 'BINARYMIME'

/** RFC 3461 §4.1. */
export type NotifyOn = 'success' | 'failure' | 'delay'

/** RFC 2852 §4: what shall happen when a message is not delivered in time. */
export interface DeliverBy {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `return`: give up at that time. `notify`: tell the sender of the delay, and go on. */
  readonly mode: 'return' | 'notify'
  /** A report from every relay on the way is asked for. */
  readonly trace: 'asked' | 'not-asked'
}

/** Of a whole message. */
export interface MessageOptions {
  readonly body: BodyType
  /** RFC 6531 §3.4: addresses or header need a host that speaks SMTPUTF8. */
  readonly smtpUtf8: boolean
  /** RFC 3461 §4.3: what a report of failure returns; null where the sender did not say. */
  readonly ret: 'full' | 'headers' | null
  /** RFC 3461 §4.4: the sender's name for this envelope, decoded. */
  readonly envId: string | null
  /** RFC 8689 §2: only over TLS to hosts that prove who they are and speak REQUIRETLS too. */
  readonly requireTls: boolean
  /** RFC 8689 §3: the header field `TLS-Required: No`: rather in the clear than not at all. */
  readonly tlsOptional: boolean
  /** RFC 4865 §4: not to be released before, in milliseconds since the epoch; null: at once. */
  readonly holdUntil: number | null
  /** RFC 4865 §5.1.2: the HOLDFOR that `holdUntil` was made from, in seconds; a report repeats it. */
  readonly holdFor?: number
  readonly deliverBy: DeliverBy | null
  /** RFC 6710 §4: −9 to 9; 0 is usual. */
  readonly priority: number
  /** RFC 3865 §4: solicitation class keywords. */
  readonly solicitation: readonly string[]
  /** RFC 4954 §5: the AUTH parameter, decoded; '' for `<>`, null where absent. Never to be trusted on its own. */
  readonly auth: string | null
}

/** Of one recipient. */
export interface RecipientOptions {
  /** RFC 3461 §4.1: empty for NEVER; null where the sender did not say (then failure, and delay as we please). */
  readonly notify: readonly NotifyOn[] | null
  /** RFC 3461 §4.2: the address that the sender wrote, `type;address` with the address decoded; null where unknown. */
  readonly originalRecipient: string | null
  /** RFC 7293 §3.1: the mailbox must have had its owner since then (milliseconds since the epoch). */
  readonly requireValidSince: { readonly since: number; readonly onFailure: 'continue' | 'reject' } | null
  /** Redistributed by a list: ENVID and RET of the message are not this recipient's (RFC 3461 §5.2.7.1). */
  readonly redistributed?: true
  /** The alias or list of ours that sends it on, for a Delivered-To field in front: what comes back to it is a loop. */
  readonly passedOnBy?: string
  /** For a mailbox of ours: queued since it was held, not since it is elsewhere. */
  readonly local?: true
}

/** Nothing asked for. */
export const plainMessageOptions: MessageOptions = {
  body: '7BIT',
  smtpUtf8: false,
  ret: null,
  envId: null,
  requireTls: false,
  tlsOptional: false,
  holdUntil: null,
  deliverBy: null,
  priority: 0,
  solicitation: [],
  auth: null,
}

/** Nothing asked for. */
export const plainRecipientOptions: RecipientOptions = {
  notify: null,
  originalRecipient: null,
  requireValidSince: null,
}

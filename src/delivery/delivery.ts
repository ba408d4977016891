// The way in for every message, whoever brought it (a mail protocol, the HTTP API, the command line, the queue's own
// reports): one durable commit, or a refusal that leaves nothing.
//
// What "250" means is decided here (docs/architecture.md): `deliver` resolves with `ok` only when the message is in the mailbox
// of every local recipient and in the queue for every remote one. Loops are found here too, whatever brought the message,
// by counting the trace fields that earlier hops left (RFC 5321 §6.3). The caller owns the staged message and discards it on refusal.
import type { Peer } from '../base/core.ts'
import type { Address } from '../mail/address.ts'
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import type { AccountId, MailboxId, ObjectId, StagedMessage, Uid } from '../store/model.ts'
import type { QueueId, QueueOrigin } from '../store/queue.ts'

/** One mailbox owner that a recipient led to. */
export interface ArrivalRecipient {
  readonly account: AccountId
  /** The value of Delivered-To: the address that led to the account, after aliases. */
  readonly deliveredTo: string
  /** Into this mailbox, made where it is missing; absent: INBOX. */
  readonly mailbox?: string
  /** The address was the return path of one member of a list (VERP): what comes to it is about him. */
  readonly bounce?: { readonly owner: string; readonly member: string }
  readonly options?: RecipientOptions
  /** The recipient as the sender named it, where it led to more or to something else. */
  readonly named?: string
  /** The list that it is a member of; absent or null: none. */
  readonly list?: { readonly owner: string } | null
}

/** One address at another host that a recipient was, or led to. */
export interface RemoteRecipient {
  /** Where it goes. */
  readonly address: Address
  /** The address of ours that led there (an alias, a list); null where the sender named it himself. */
  readonly via: string | null
  /** Set for a member of a list: the address that gets what bounces (RFC 5321 §3.9.2). */
  readonly list: { readonly owner: string } | null
  readonly options?: RecipientOptions
  /** The recipient as the sender named it; absent: `via`, or the address itself. */
  readonly named?: string
}

/** A whole message, staged, and where it goes. */
export interface Arrival {
  readonly reversePath: Address | null
  /** Of all accepted recipients; an account that several lead to gets one copy, under the first name. */
  readonly recipients: readonly ArrivalRecipient[]
  readonly remote?: readonly RemoteRecipient[]
  readonly message: StagedMessage
  readonly structure: MessageStructure
  /**
   * The trace fields that stand before the message, each with its CRLF (RFC 5321 §4.4): for this recipient's mailbox, or, with
   * null, for relaying (no Return-Path, no Delivered-To).
   */
  readonly trace: (recipient: ArrivalRecipient | null) => string
  /** Milliseconds since the epoch; becomes INTERNALDATE. */
  readonly receivedAt: number
  /** What the reply calls the message, and the queue too. Needed with remote recipients. */
  readonly id?: string
  readonly origin?: QueueOrigin
  /** Who submitted it. */
  readonly account?: AccountId | null
  /** The ends of the connection that it came over, as the pump knows them: one object for each connection. */
  readonly connection?: Peer
  /** Whom the queue's fairness counts it to; default: the account, else the reverse-path's domain. */
  readonly sender?: string
  readonly options?: MessageOptions
  /** Not to be relayed or filed, but held for an operator: the reason. */
  readonly quarantine?: string
  /** The queue's rows that this message is the report for. */
  readonly reported?: readonly { readonly message: QueueId; readonly number: number }[]
  /** A request that must not be done twice (HTTP idempotency key). */
  readonly once?: {
    readonly account: AccountId
    readonly key: string
    /** What a second request gets, made when it is known who fails at once. */
    readonly result: (failed: readonly FailedAtOnce[]) => string
    readonly expiresAt: number
  }
  /** An object that comes into being in the same commit (`DeliveryExtras.keeps`), its key the arrival's `id`. */
  readonly keeps?: {
    readonly account: AccountId
    readonly kind: string
    /** Made when it is known who fails at once. */
    readonly value: (failed: readonly FailedAtOnce[]) => string
    readonly expiresAt: number | null
  }
  /** `each`: a full mailbox refuses its own recipient alone (LMTP answers for each); default: only when all are full. */
  readonly quota?: 'all' | 'each'
}

/** A recipient elsewhere that nobody will try to reach: it is on the suppression list. */
export interface FailedAtOnce {
  readonly address: string
  /** In words. */
  readonly reply: string
}

/** A message in a mailbox. */
export interface FiledPlace {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uid: Uid
}

export type DeliveryRefusal =
  /** Too many Received fields, or a Delivered-To that names the recipient already. */
  | 'loop'
  /** None of the recipients has room. */
  | 'over-quota'
  /** None of the accounts is there any more. */
  | 'no-such-account'
  /** The queue takes no more (its limit of messages or space). */
  | 'queue-full'
  /** There are remote recipients, and this Posthorn does not relay. */
  | 'no-relay'

/**
 * `unknown` lists recipients whose account went away between RCPT and now, `full` those without room (with `quota: 'each'`), while
 * others were served. `before`: it was done already by a request with the same key, with that result.
 */
export type DeliveryResult =
  | {
      readonly ok: true
      readonly unknown: readonly ArrivalRecipient[]
      readonly full?: readonly ArrivalRecipient[]
      /** Set where something went into the queue. */
      readonly queued?: string
      /** Set where some are over before they began; a report tells the sender, where he wants one. */
      readonly failed?: readonly FailedAtOnce[]
      readonly before?: string
      /** What `keeps` asked for. */
      readonly object?: ObjectId
      /** Where it is now, by mailbox; in the order of the recipients that got it. */
      readonly places?: readonly FiledPlace[]
    }
  | { readonly ok: false; readonly reason: DeliveryRefusal }

/** Rejects with `StoreUnavailable` when the store cannot serve; nothing was kept then. */
export interface Delivery {
  deliver(arrival: Arrival): Promise<DeliveryResult>
}

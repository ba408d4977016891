// The way in for every message that came by a mail protocol: one durable commit, or a refusal that leaves nothing.
//
// What "250" means is decided here (docs/architecture.md): `deliver` resolves with `ok` only when the message is in the mailbox of
// every local recipient. Loops are found here too, whatever protocol brought the message, by counting the trace fields
// that earlier hops left (RFC 5321 §6.3). The caller owns the staged message and discards it on refusal.
import type { Address } from '../mail/address.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import type { AccountId, StagedMessage } from '../store/model.ts'

/** One mailbox owner that a recipient led to. */
export interface ArrivalRecipient {
  readonly account: AccountId
  /** The value of Delivered-To: the address that led to the account, after aliases. */
  readonly deliveredTo: string
}

/** A whole message, staged, and where it goes. */
export interface Arrival {
  readonly reversePath: Address | null
  /** Of all accepted recipients; an account that several lead to gets one copy, under the first name. */
  readonly recipients: readonly ArrivalRecipient[]
  readonly message: StagedMessage
  readonly structure: MessageStructure
  /** The trace fields that stand before the message for this recipient, each with its CRLF (RFC 5321 §4.4). */
  readonly trace: (recipient: ArrivalRecipient) => string
  /** Milliseconds since the epoch; becomes INTERNALDATE. */
  readonly receivedAt: number
}

export type DeliveryRefusal =
  /** Too many Received fields, or a Delivered-To that names the recipient already. */
  | 'loop'
  /** None of the recipients has room. */
  | 'over-quota'
  /** None of the accounts is there any more. */
  | 'no-such-account'

/** `unknown` lists recipients whose account went away between RCPT and now, while others were served. */
export type DeliveryResult =
  | { readonly ok: true; readonly unknown: readonly ArrivalRecipient[] }
  | { readonly ok: false; readonly reason: DeliveryRefusal }

/** Rejects with `StoreUnavailable` when the store cannot serve; nothing was kept then. */
export interface Delivery {
  deliver(arrival: Arrival): Promise<DeliveryResult>
}

// One mail transaction as the server sees it: what each accepted RCPT led to, the options, and the bytes that are coming in.
//
// It is one object, dropped whole by RSET, by a new MAIL, at the end of the message, or with the connection.
import type { ArrivalRecipient, RemoteRecipient } from '../../delivery/delivery.ts'
import { formatAddress } from '../../mail/address.ts'
import type { MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import { plainRecipientOptions } from '../../mail/delivery-options.ts'
import type { Account } from '../../store/model.ts'
import type { Ingested } from '../../store/ingest.ts'
import type { Recipient, Sender, SmtpClient } from '../proto/questions.ts'
import type { MessageIntake } from './intake.ts'
import type { RecipientVerdict } from './recipients.ts'

/** One mailbox that a recipient led to. */
export interface LocalTarget {
  readonly account: Account
  readonly arrival: ArrivalRecipient
  /** RFC 5321 §3.9.2: the owner of the list that led here is the reverse-path of this copy; null without a list. */
  readonly listOwner: string | null
}

/** One RCPT that was answered 250. */
export interface Accepted {
  /** As the client wrote it; null for one that a filter added. */
  readonly recipient: Recipient | null
  readonly local: readonly LocalTarget[]
  readonly remote: readonly RemoteRecipient[]
}

export interface Transaction {
  /** What the reply will call the message, and the log. */
  readonly id: string
  readonly sender: Sender
  readonly options: MessageOptions
  readonly accepted: Accepted[]
  /** Set by DATA or the first BDAT. */
  intake: MessageIntake | null
}

/** A whole message, staged, with what was decided about it so far. */
export interface WholeMessage {
  readonly transaction: Transaction
  readonly ingested: Ingested
  readonly client: SmtpClient
  /** Why an operator shall look at it first; null where nobody asked for that. */
  readonly quarantine: string | null
  /** Every RCPT that was answered 250, whatever a filter made of it since: LMTP answers for each. */
  readonly named: readonly Accepted[]
}

/** What RCPT led to, with what it asked for. */
export function acceptedFrom(
  recipient: Recipient | null,
  found: RecipientVerdict & { readonly ok: true },
): Accepted {
  const options = optionsOf(recipient)
  const named = recipient?.address ? { named: formatAddress(recipient.address) } : {}
  return {
    recipient,
    local: found.recipients.map(({ account, deliveredTo, list }) => ({
      account,
      listOwner: list?.owner ?? null,
      arrival: {
        ...{ account: account.id, deliveredTo, list, ...named },
        ...(options === null ? {} : { options }),
        ...(found.bounce === undefined ? {} : { bounce: found.bounce }),
      },
    })),
    remote: found.remote.map((remote) => ({ ...remote, ...named, ...(options !== null && { options }) })),
  }
}

function optionsOf(recipient: Recipient | null): RecipientOptions | null {
  if (recipient === null) return null
  const { notify, originalRecipient, requireValidSince } = recipient
  if (notify === null && originalRecipient === null && requireValidSince === null) return null
  return { ...plainRecipientOptions, notify, originalRecipient, requireValidSince }
}

// Whose words are these? Every address of From, and of Sender, must belong to the account that logged in (RFC 6409 §6.3).
//
// Whoever sends another's mail on says so in Resent-From and Resent-Sender (RFC 5322 §3.6.6), which must be his in any case; From may
// be another's then, where `submission.allowResent` is set. What a header can claim is read in mail/authorship.ts.
import * as smtpEvents from '../../events/smtp.ts'
import { formatAddress } from '../../mail/address.ts'
import { type AuthorshipFault, readAuthorship } from '../../mail/authorship.ts'
import type { Account } from '../../store/model.ts'
import { replies, type Reply } from '../proto/reply.ts'
import type { SessionContext } from './context.ts'
import type { MessageHeader } from './message-header.ts'
import { ownershipOf } from './ownership.ts'

/** The refusal, or null. Rejects with `StoreUnavailable`. */
export async function checkSubmittedFields(
  context: SessionContext,
  { header, account, id }: { header: MessageHeader; account: Account; id: string },
): Promise<Reply | null> {
  const { directory, submission } = context.parts
  const authorship = readAuthorship(header.fields)
  if (!authorship.ok) return faults[authorship.fault](authorship.field)
  const { claims, resent } = authorship
  for (const { field, address } of claims) {
    const original = field === 'From' || field === 'Sender'
    if (original && resent && submission.allowResent) continue
    const ownership = await ownershipOf(directory, { account, address })
    if (ownership === 'own') continue
    context.emit(smtpEvents.fieldRefused, {
      ...{ ...context.who(), id, field },
      ...{ account: account.address, address: formatAddress(address) },
    })
    if (ownership === 'full') return replies.mailboxFull
    return original && resent ? replies.resendingRefused : replies.fieldNotYours(field)
  }
  return null
}

const faults: Record<AuthorshipFault, (field: string) => Reply> = {
  'no-author': () => replies.fromMissing,
  'several-fields': replies.fieldTwice,
  unreadable: replies.fieldUnreadable,
  'no-sender': replies.senderFieldMissing,
}

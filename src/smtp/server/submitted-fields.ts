// Whose words are these? Every address of From, and of Sender, must belong to the account that logged in (RFC 6409 §6.3).
//
// All fields of the name are looked at, not the first alone: what one reader skips is what another shows.
import { Buffer } from 'node:buffer'
import * as smtpEvents from '../../events/smtp.ts'
import { makeAddress, formatAddress, type Address } from '../../mail/address.ts'
import { parseAddressList } from '../../mail/address-list.ts'
import type { Account } from '../../store/model.ts'
import { replies, type Reply } from '../proto/reply.ts'
import type { SessionContext } from './context.ts'
import { valuesOf, type MessageHeader } from './message-header.ts'
import { ownershipOf } from './ownership.ts'

/** Addresses of one field that are looked up; more is refused. */
const maxAddresses = 100

/** The refusal, or null. Rejects with `StoreUnavailable`. */
export async function checkSubmittedFields(
  context: SessionContext,
  { header, account, id }: { header: MessageHeader; account: Account; id: string },
): Promise<Reply | null> {
  const from = tryAddresses(header, 'from')
  const sender = tryAddresses(header, 'sender')
  if (from === undefined || sender === undefined) return replies.fromUnreadable
  const wanted = [
    ...from.map((address) => ({ field: 'From', address, reply: replies.fromNotYours })),
    ...sender.map((address) => ({ field: 'Sender', address, reply: replies.senderFieldNotYours })),
  ]
  for (const { field, address, reply } of wanted) {
    const ownership = await ownershipOf(context.parts.directory, { account, address })
    if (ownership === 'own') continue
    context.emit(smtpEvents.fieldRefused, {
      ...{ ...context.who(), id, field },
      ...{ account: account.address, address: formatAddress(address) },
    })
    return ownership === 'full' ? replies.mailboxFull : reply
  }
  // RFC 5322 §3.6.2: with several authors, Sender MUST say who sent it.
  return from.length > 1 && sender.length === 0 ? replies.senderFieldMissing : null
}

/** Each address of the fields once; none where no such field is there; undefined where one cannot be read. */
function tryAddresses(header: MessageHeader, name: string): Address[] | undefined {
  const values = valuesOf(header, name)
  const found = new Map<string, Address>()
  for (const value of values) {
    const { addresses, truncated } = parseAddressList(value, maxAddresses)
    if (truncated) return undefined
    for (const { mailbox, host } of addresses) {
      // RFC 5322 §3.4: a group's name, or its end.
      if (host === null) continue
      const address = makeAddress(unicode(mailbox ?? ''), unicode(host), { utf8: true })
      if (address === undefined) return undefined
      found.set(formatAddress(address), address)
    }
  }
  return values.length > 0 && found.size === 0 ? undefined : [...found.values()]
}

/** RFC 6532 §3.2: raw UTF-8 in a header, here as octets. */
function unicode(binary: string): string {
  return Buffer.from(binary, 'latin1').toString('utf8')
}

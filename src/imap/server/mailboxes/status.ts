// STATUS (RFC 9051 §6.3.11), and what LIST tells by its STATUS return option (RFC 5819).
//
// Answered from the mailbox's row. Where the session has the mailbox selected, what is pending is told first, so that the numbers
// agree with what the client has been told.
import { allows, placeFor } from '../access.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import { encodeStatus } from '../../proto/encode/mailbox-data.ts'
import { no, ok } from '../context.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from '../messages/selected.ts'
import type { StatusItem } from '../../proto/requests/mailbox.ts'

export async function status(run: CommandRun, request: RequestOf<'STATUS'>): Promise<Done> {
  const { output, session } = run
  // RFC 4314 §4: "r" right on the mailbox.
  const found = await placeFor(session, request.mailbox, 'r')
  if (found.place === null) return found.refusal
  const { place } = found
  if (!place.mailbox.selectable) return no('NONEXISTENT', 'This name only holds other mailboxes')
  const selected = tryCurrent(session, place)
  if (selected !== null) await selected.tell(output, { expunges: 'tell' })
  const { store } = session.parts
  const fresh = selected === null ? place.mailbox : await store.getMailbox(atRow(place))
  await output.text(await statusResponse(run, { ...place, mailbox: fresh ?? place.mailbox }, request.items))
  await output.end()
  return ok('STATUS completed')
}

/** Of a mailbox that the session may read, with the row that `place` has. */
export async function statusResponse(
  run: CommandRun,
  place: Place,
  items: readonly StatusItem[],
): Promise<string> {
  const values: [string, string][] = []
  for (const item of items) values.push([item, `${await valueOf(run, place, item)}`])
  return encodeStatus({ name: place.name, modes: run.session.modes }, values)
}

/** The selected mailbox, if it is this one. */
function tryCurrent(session: SessionContext, { account, mailbox }: Place): Selected | null {
  const { selected } = session
  return selected?.account === account && selected.mailbox === mailbox.id ? selected : null
}

function atRow({ account, mailbox }: Place) {
  return { account, mailbox: mailbox.id }
}

async function valueOf(run: CommandRun, place: Place, item: StatusItem): Promise<number | string> {
  const { mailbox, account } = place
  const { store, maxMessageSize } = run.session.parts
  switch (item) {
    case 'MESSAGES':
      return mailbox.messages
    case 'UIDNEXT':
      return mailbox.uidNext
    case 'UIDVALIDITY':
      return mailbox.uidValidity
    case 'UNSEEN':
      return mailbox.unseen
    case 'RECENT':
      return recentIn(run.session, place)
    case 'DELETED':
      return mailbox.deleted
    case 'SIZE':
      return mailbox.bytes
    case 'DELETED-STORAGE':
      // RFC 9208 §4.1.4: "MAY instead return the sum of the RFC822.SIZE", in octets as number64.
      return mailbox.deleted === 0 ? 0 : store.deletedBytes(atRow(place))
    case 'HIGHESTMODSEQ':
      return mailbox.modSeq
    case 'MAILBOXID':
      return `(${encodeObjectId('mailbox', account, mailbox.id)})`
    case 'APPENDLIMIT':
      // RFC 7889 §3: NIL where there is no limit.
      return maxMessageSize === Number.MAX_SAFE_INTEGER ? 'NIL' : maxMessageSize
  }
}

/** RFC 3501 §6.3.10: in the selected mailbox those that are \Recent to this session, elsewhere those that would be to the next. */
async function recentIn(session: SessionContext, place: Place): Promise<number> {
  const { recentFrom, uidNext, messages, id } = place.mailbox
  const selected = tryCurrent(session, place)
  if (selected !== null) return selected.countRecent()
  if (recentFrom >= uidNext || !allows(place, 'r')) return 0
  if (recentFrom <= 1) return messages
  let count = 0
  const uids = [[recentFrom, uidNext - 1]] as const
  const rows = session.parts.store.messages({ account: place.account, mailbox: id, uids })
  for await (const batch of rows) count += batch.length
  return count
}

// Finds the messages of emails. There is no index from email to message, which every delivery would have to write: whoever asks
// usually knows where they were, and the number of messages that an email has (`email.refs`) tells whether that is all of them. Where
// it is not, the account's messages are looked through.
import type { AccountId, EmailId, MailboxId } from '../model.ts'
import type { SeenPlace } from '../email-changes.ts'
import { type Op, sql, tuples } from '../op.ts'
import { flagStates } from './flag-states.ts'
import { among, oneOf } from './rows.ts'
import { runsOf } from './uid-runs.ts'

/** A message of an email. */
export interface Place {
  readonly mailbox: MailboxId
  readonly uid: number
  readonly flags: number
  readonly keywords: string
}

type Found = Map<EmailId, { mailbox: MailboxId; uid: number }[]>

/** All messages of these emails, in order of mailbox and UID; emails that are not there are left out. */
export function* placesOf(
  account: AccountId,
  emails: readonly { readonly email: EmailId; readonly places?: readonly SeenPlace[] }[],
): Op<Map<EmailId, readonly Place[]>> {
  const refs = yield* tuples<[id: EmailId, refs: number]>`SELECT id, refs FROM email
    WHERE account = ${account} AND ${oneOf(
      sql`id`,
      emails.map(({ email }) => email),
    )}`
  const wanted = new Map(refs)
  const found = yield* seenPlaces(account, emails, wanted)
  const lacking = refs.flatMap(([email, count]) => (found.get(email)?.length === count ? [] : [email]))
  if (lacking.length > 0) {
    const rows = yield* tuples<[mailbox: MailboxId, uid: number, email: EmailId]>`
      SELECT mailbox, uid, email FROM message WHERE account = ${account} AND ${oneOf(sql`email`, lacking)}
      ORDER BY mailbox, uid`
    for (const email of lacking) found.delete(email)
    for (const [mailbox, uid, email] of rows) put(found, email, { mailbox, uid })
  }
  return yield* withFlags(account, found)
}

/** Those that stand where they were seen. */
function* seenPlaces(
  account: AccountId,
  emails: readonly { readonly email: EmailId; readonly places?: readonly SeenPlace[] }[],
  wanted: ReadonlyMap<EmailId, number>,
): Op<Found> {
  const byMailbox = new Map<MailboxId, Set<number>>()
  for (const { email, places = [] } of emails) {
    if (!wanted.has(email)) continue
    for (const [mailbox, uid] of places) {
      const uids = byMailbox.get(mailbox)
      if (uids === undefined) byMailbox.set(mailbox, new Set([uid]))
      else uids.add(uid)
    }
  }
  const found: Found = new Map()
  for (const mailbox of [...byMailbox.keys()].toSorted((a, b) => a - b)) {
    const uids = runsOf([...(byMailbox.get(mailbox) ?? [])].toSorted((a, b) => a - b))
    const rows = yield* tuples<[uid: number, email: EmailId]>`
      SELECT uid, email FROM message WHERE ${among({ account, mailbox, uids })} ORDER BY uid`
    for (const [uid, email] of rows) if (wanted.has(email)) put(found, email, { mailbox, uid })
  }
  return found
}

function put(found: Found, email: EmailId, place: { mailbox: MailboxId; uid: number }): void {
  const places = found.get(email)
  if (places === undefined) found.set(email, [place])
  else places.push(place)
}

function* withFlags(account: AccountId, found: Found): Op<Map<EmailId, readonly Place[]>> {
  const byMailbox = new Map<MailboxId, number[]>()
  for (const places of found.values()) {
    for (const { mailbox, uid } of places) {
      const uids = byMailbox.get(mailbox)
      if (uids === undefined) byMailbox.set(mailbox, [uid])
      else uids.push(uid)
    }
  }
  const known = new Map<MailboxId, Map<number, Place>>()
  for (const [mailbox, uids] of byMailbox) {
    const states = yield* flagStates({ account, mailbox, uids: runsOf(uids.sort((a, b) => a - b)) })
    const rows = new Map<number, Place>()
    for (const [index, uid] of states.uids.entries()) {
      const flags = (states.state[index] ?? 0) & flagBits
      rows.set(uid, { mailbox, uid, flags, keywords: states.keywords.get(uid) ?? '' })
    }
    known.set(mailbox, rows)
  }
  return new Map(
    [...found].map(([email, places]) => [
      email,
      places.flatMap(({ mailbox, uid }) => known.get(mailbox)?.get(uid) ?? []),
    ]),
  )
}

const flagBits = 31

// Mailboxes and subscriptions. A name's superiors always exist, be it as names that only hold others.
//
// A mailbox that is removed while it has inferiors is replaced by an unselectable one of the same name, with an id of its own:
// an id stands for one mailbox and its messages, whatever comes under that name later.
import type { AccountId, Mailbox, MailboxId, ModSeq, SpecialUse } from '../model.ts'
import { all, changed, get, many, type Op, run } from '../op.ts'
import type { Outcome } from '../store.ts'
import { copyAnnotations } from './annotations.ts'
import { inheritAccess } from './sharing.ts'
import { announce } from './news.ts'
import { releaseAll } from './expunge.ts'
import { moveAll } from './copy.ts'
import { inboxId, lockAccount, type MailboxRow, mailboxColumns, mailboxOf, nextModSeq } from './rows.ts'

export function* listMailboxes(account: AccountId): Op<Mailbox[]> {
  const rows =
    yield* all<MailboxRow>`SELECT ${mailboxColumns} FROM mailbox WHERE account = ${account} ORDER BY name`
  return rows.map(mailboxOf)
}

export function* getMailbox(request: { account: AccountId; mailbox: MailboxId }): Op<Mailbox | undefined> {
  const row = yield* get<MailboxRow>`
    SELECT ${mailboxColumns} FROM mailbox WHERE account = ${request.account} AND id = ${request.mailbox}`
  return row && mailboxOf(row)
}

export function* findMailbox(request: { account: AccountId; name: string }): Op<Mailbox | undefined> {
  const row = yield* get<MailboxRow>`
    SELECT ${mailboxColumns} FROM mailbox WHERE account = ${request.account} AND name = ${request.name}`
  return row && mailboxOf(row)
}

export interface CreateRequest {
  readonly account: AccountId
  readonly name: string
  readonly specialUse?: SpecialUse
  readonly now: number
}

type CreateRefusal = 'exists' | 'special-use-taken' | NoRoom

/** See `MailStore.createMailbox`. */
export function* createMailbox(
  request: CreateRequest,
  limits: { mailboxesPerAccount: number },
): Op<Outcome<{ mailbox: Mailbox }, CreateRefusal>> {
  const made = yield* createPath(request, limits)
  if (!made.ok) return made
  const mailbox = yield* getMailbox({ account: request.account, mailbox: made.mailbox })
  if (!mailbox) throw new Error('a mailbox vanished while it was made')
  return { ok: true, mailbox }
}

/** Makes the mailbox and the superiors that it lacks. Checks everything before it writes. */
export function* createPath(
  request: CreateRequest,
  limits: { mailboxesPerAccount: number },
): Op<Outcome<{ mailbox: MailboxId }, CreateRefusal>> {
  const { account, name, specialUse, now } = request
  yield* lockAccount(account)
  const present = yield* get<{ id: MailboxId; selectable: number }>`
    SELECT id, selectable FROM mailbox WHERE account = ${account} AND name = ${name}`
  if (present?.selectable === 1) return { ok: false, reason: 'exists' }
  if (specialUse) {
    const holder = yield* get<{ id: number }>`
      SELECT id FROM mailbox WHERE account = ${account} AND special_use = ${specialUse}`
    if (holder) return { ok: false, reason: 'special-use-taken' }
  }
  const lacking = yield* missingSuperiors(account, name)
  const crowded = yield* noRoomFor({ account, more: lacking.length + (present ? 0 : 1) }, limits)
  if (crowded) return { ok: false, reason: crowded }
  const modSeq = yield* nextModSeq(account)
  if (present) yield* dropRow(account, present.id, modSeq)
  for (const superior of lacking) yield* insertInferior({ account, name: superior, modSeq, now })
  const mailbox = yield* insertInferior({ account, name, modSeq, now, ...(specialUse && { specialUse }) })
  return { ok: true, mailbox }
}

type NoRoom = 'too-many-mailboxes' | 'over-quota'

/** Why the account may not have that many more mailboxes, unselectable ones included. */
function* noRoomFor(
  { account, more }: { account: AccountId; more: number },
  limits: { mailboxesPerAccount: number },
): Op<NoRoom | undefined> {
  if (more === 0) return undefined
  const state = yield* get<{ n: number; quota_mailboxes: number | null }>`
    SELECT (SELECT COUNT(*) FROM mailbox WHERE mailbox.account = account.id) AS n, quota_mailboxes
    FROM account WHERE id = ${account}`
  if (!state) return undefined
  if (state.n + more > limits.mailboxesPerAccount) return 'too-many-mailboxes'
  // RFC 9208 §5.3.
  return state.n + more > (state.quota_mailboxes ?? Infinity) ? 'over-quota' : undefined
}

/** The superiors of `name` that don't exist, the outermost first. */
function* missingSuperiors(account: AccountId, name: string): Op<string[]> {
  const missing: string[] = []
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
    const superior = name.slice(0, end)
    const found = yield* get<{
      id: number
    }>`SELECT id FROM mailbox WHERE account = ${account} AND name = ${superior}`
    if (found) break
    missing.unshift(superior)
  }
  return missing
}

interface NewMailbox {
  readonly account: AccountId
  readonly name: string
  readonly specialUse?: SpecialUse
  readonly selectable?: 0 | 1
  readonly modSeq: ModSeq
  readonly now: number
}

/** The same with the access control list of its superior, where it has one. */
function* insertInferior(row: NewMailbox): Op<MailboxId> {
  const mailbox = yield* insertMailbox(row)
  const end = row.name.lastIndexOf('/')
  if (end > 0) yield* inheritAccess(row.account, mailbox, row.name.slice(0, end))
  return mailbox
}

/** A new row with the account's next id and UIDVALIDITY, and its change. */
export function* insertMailbox(row: NewMailbox): Op<MailboxId> {
  const { account, name, modSeq, selectable = 1, specialUse = null } = row
  const seconds = Math.min(Math.floor(row.now / 1000), 0xffff_ff00)
  // RFC 3501 §2.3.1.1: a mailbox that comes again under its name has a greater UIDVALIDITY.
  const counters = yield* get<{ mailbox: MailboxId; uid_validity: number }>`
    UPDATE account SET next_mailbox = next_mailbox + 1,
      next_uid_validity = CASE WHEN next_uid_validity > ${seconds} THEN next_uid_validity ELSE ${seconds} END + 1
    WHERE id = ${account} RETURNING next_mailbox - 1 AS mailbox, next_uid_validity - 1 AS uid_validity`
  if (!counters) throw new Error(`account ${account} does not exist`)
  const { mailbox, uid_validity: uidValidity } = counters
  yield* run`INSERT INTO mailbox (account, id, name, special_use, selectable, uid_validity, modseq, added, changed)
    VALUES (${account}, ${mailbox}, ${name}, ${specialUse}, ${selectable}, ${uidValidity}, ${modSeq}, ${modSeq},
      ${modSeq})`
  yield* changed({ type: 'mailbox-created', account, mailbox, modSeq })
  return mailbox
}

function* dropRow(account: AccountId, mailbox: MailboxId, modSeq: ModSeq): Op<void> {
  yield* run`DELETE FROM tombstone WHERE account = ${account} AND mailbox = ${mailbox}`
  // Their mailbox may be none, so no foreign key does it.
  yield* run`DELETE FROM annotation WHERE account = ${account} AND mailbox = ${mailbox}`
  yield* run`DELETE FROM news WHERE account = ${account} AND mailbox = ${mailbox}`
  yield* run`INSERT INTO mailbox_tombstone (account, modseq, mailbox, added)
    VALUES (${account}, ${modSeq}, ${mailbox}, (SELECT added FROM mailbox WHERE account = ${account} AND id = ${mailbox}))`
  yield* run`DELETE FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  yield* changed({ type: 'mailbox-removed', account, mailbox, modSeq })
}

/** See `MailStore.removeMailbox`. */
export function* removeMailbox(request: {
  account: AccountId
  mailbox: MailboxId
}): Op<Outcome<object, 'not-found' | 'is-inbox' | 'has-children'>> {
  const { account, mailbox } = request
  if (mailbox === inboxId) return { ok: false, reason: 'is-inbox' }
  yield* lockAccount(account)
  const row = yield* get<{ name: string; selectable: number }>`
    SELECT name, selectable FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  if (!row) return { ok: false, reason: 'not-found' }
  const inferior = yield* get<{ id: number }>`
    SELECT id FROM mailbox WHERE account = ${account} AND name >= ${`${row.name}/`} AND name < ${`${row.name}0`} LIMIT 1`
  if (inferior && row.selectable === 0) return { ok: false, reason: 'has-children' }
  const modSeq = yield* nextModSeq(account)
  yield* releaseAll(account, mailbox, modSeq)
  yield* dropRow(account, mailbox, modSeq)
  // No one can select it, so its UIDVALIDITY may be any: the account's counter alone gives it.
  if (inferior) yield* insertMailbox({ account, name: row.name, selectable: 0, modSeq, now: 0 })
  return { ok: true }
}

/** See `MailStore.renameMailbox`. */
export function* renameMailbox(
  request: { account: AccountId; mailbox: MailboxId; name: string; now: number },
  limits: { mailboxesPerAccount: number },
): Op<Outcome<object, 'not-found' | 'exists' | 'into-itself' | NoRoom>> {
  const { account, mailbox, name, now } = request
  yield* lockAccount(account)
  const row = yield* get<{ name: string }>`
    SELECT name FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  if (!row) return { ok: false, reason: 'not-found' }
  const taken = yield* get<{ id: MailboxId; selectable: number }>`
    SELECT id, selectable FROM mailbox WHERE account = ${account} AND name = ${name}`
  if (taken) return { ok: false, reason: 'exists' }
  // The inferiors of INBOX stay where they are, so it may become one of them.
  if (mailbox !== inboxId && name.startsWith(`${row.name}/`)) return { ok: false, reason: 'into-itself' }
  const lacking = yield* missingSuperiors(account, name)
  const crowded = yield* noRoomFor({ account, more: lacking.length + (mailbox === inboxId ? 1 : 0) }, limits)
  if (crowded) return { ok: false, reason: crowded }
  const modSeq = yield* nextModSeq(account)
  for (const superior of lacking) yield* insertInferior({ account, name: superior, modSeq, now })
  if (mailbox === inboxId) {
    const made = yield* insertInferior({ account, name, modSeq, now })
    yield* moveAll({ account, from: mailbox, to: made, modSeq, now })
    yield* copyAnnotations(account, mailbox, made)
    return { ok: true }
  }
  const moving = yield* all<{ id: MailboxId; name: string }>`
    SELECT id, name FROM mailbox WHERE account = ${account}
      AND (id = ${mailbox} OR (name >= ${`${row.name}/`} AND name < ${`${row.name}0`})) ORDER BY name`
  yield* many(
    moving.map(({ id, name: old }) => {
      const fresh = name + old.slice(row.name.length)
      return run`UPDATE mailbox SET name = ${fresh}, modseq = ${modSeq}, changed = ${modSeq}
        WHERE account = ${account} AND id = ${id}`
    }),
  )
  for (const { id } of moving) yield* changed({ type: 'mailbox-changed', account, mailbox: id, modSeq })
  return { ok: true }
}

export function* subscriptions(account: AccountId): Op<string[]> {
  const rows = yield* all<{
    name: string
  }>`SELECT name FROM subscription WHERE account = ${account} ORDER BY name`
  return rows.map(({ name }) => name)
}

export function* setSubscription(request: {
  account: AccountId
  name: string
  subscribed: boolean
}): Op<void> {
  const { account, name, subscribed } = request
  const rows = subscribed
    ? yield* run`INSERT INTO subscription (account, name) VALUES (${account}, ${name}) ON CONFLICT DO NOTHING`
    : yield* run`DELETE FROM subscription WHERE account = ${account} AND name = ${name}`
  if (rows === 0) return
  const modSeq = yield* nextModSeq(account)
  yield* announce({ type: 'subscription-changed', account, modSeq, name, subscribed })
}

/** Makes all messages so far \Recent to the caller alone; the row as it was before. */
export function* claimRecent(request: {
  account: AccountId
  mailbox: MailboxId
}): Op<{ mailbox: Mailbox; recentFrom: Mailbox['recentFrom'] } | undefined> {
  const { account, mailbox } = request
  yield* lockAccount(account)
  const row = yield* get<MailboxRow>`
    SELECT ${mailboxColumns} FROM mailbox WHERE account = ${account} AND id = ${mailbox} AND selectable = 1`
  if (!row) return undefined
  yield* run`UPDATE mailbox SET recent_from = uid_next WHERE account = ${account} AND id = ${mailbox}`
  return { mailbox: { ...mailboxOf(row), recentFrom: row.uid_next }, recentFrom: row.recent_from }
}

/** See `MailStore.setSpecialUse`. */
export function* setSpecialUse(request: {
  account: AccountId
  mailbox: MailboxId
  specialUse: SpecialUse | null
}): Op<Outcome<object, 'not-found'>> {
  const { account, mailbox, specialUse } = request
  yield* lockAccount(account)
  const row = yield* get<{ special_use: SpecialUse | null }>`
    SELECT special_use FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  if (!row) return { ok: false, reason: 'not-found' }
  if (row.special_use === specialUse) return { ok: true }
  const modSeq = yield* nextModSeq(account)
  // RFC 8621 §2: what `unreadThreads` of all the others counts depends on which one is the trash.
  const concernsAll = row.special_use === 'trash' || specialUse === 'trash'
  const others = yield* all<{ id: MailboxId; special_use: SpecialUse | null }>`
    SELECT id, special_use FROM mailbox WHERE account = ${account} AND id <> ${mailbox}`
  // Taken first: no two of an account have the same.
  const rest = others.flatMap(({ id, special_use: use }) => {
    if (use !== null && use === specialUse) return { id, use: null }
    return concernsAll ? { id, use } : []
  })
  for (const { id, use } of [...rest, { id: mailbox, use: specialUse }]) {
    yield* run`UPDATE mailbox SET special_use = ${use}, modseq = ${modSeq}, changed = ${modSeq} WHERE account = ${account} AND id = ${id}`
    yield* changed({ type: 'mailbox-changed', account, mailbox: id, modSeq })
  }
  return { ok: true }
}

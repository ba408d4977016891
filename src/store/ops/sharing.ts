// Access control lists (RFC 4314): entries of a mailbox, and what an account has in the mailboxes of others by them.
//
// A change takes a modseq of the owner and, so that it reaches who listens to that account alone, one of the account that the
// entry names. An entry for anyone names no account: it is told to the owner's listeners only.
import { type AccessEntry, allRights, type Grantee, type Rights, type SharedMailbox } from '../sharing.ts'
import type { Account, AccountId, MailboxId } from '../model.ts'
import { all, get, type Op, run, sql } from '../op.ts'
import type { Outcome } from '../store.ts'
import { announce, nobody } from './news.ts'
import {
  accountColumns,
  accountOf,
  type AccountRow,
  lockAccounts,
  type MailboxRow,
  mailboxColumns,
  mailboxOf,
  nextModSeq,
  oneOf,
} from './rows.ts'

interface EntryRow {
  readonly grantee: AccountId
  readonly negative: number
  readonly rights: Rights
}

/** Letters that are rights, each once, in the order of `allRights`. */
export function rightsOf(letters: Iterable<string>): Rights {
  const asked = new Set(letters)
  return [...allRights].filter((right) => asked.has(right)).join('')
}

/** RFC 4314 §2: what the entries give together, less what the negative ones take away. */
function together(entries: readonly Pick<EntryRow, 'negative' | 'rights'>[]): Rights {
  const given = new Set(entries.flatMap(({ negative, rights }) => (negative === 0 ? [...rights] : [])))
  for (const { negative, rights } of entries) {
    if (negative === 1) for (const right of rights) given.delete(right)
  }
  return rightsOf(given)
}

function* entriesOf(account: AccountId, mailbox: MailboxId): Op<EntryRow[]> {
  return yield* all<EntryRow>`SELECT grantee, negative, rights FROM access_entry
    WHERE account = ${account} AND mailbox = ${mailbox} ORDER BY grantee, negative`
}

/** See `SharingStore.accessList`. */
export function* accessList(request: { account: AccountId; mailbox: MailboxId }): Op<AccessEntry[]> {
  const rows = yield* entriesOf(request.account, request.mailbox)
  return rows.map(({ grantee, negative, rights }) => ({
    grantee: grantee === nobody ? null : grantee,
    negative: negative === 1,
    rights,
  }))
}

export interface SetAccessRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly grantee: Grantee
  readonly negative: boolean
  readonly mode: 'replace' | 'add' | 'remove'
  readonly rights: Rights
}

/** See `SharingStore.setAccess`. */
export function* setAccess(
  request: SetAccessRequest,
  limits: { accessEntries: number },
): Op<Outcome<object, 'no-such-mailbox' | 'no-such-account' | 'too-many-entries'>> {
  const { account, mailbox } = request
  const grantee = request.grantee ?? nobody
  const negative = request.negative ? 1 : 0
  const present = yield* lockAccounts([account, ...(request.grantee === null ? [] : [request.grantee])])
  const place = yield* get<{ id: MailboxId }>`
    SELECT id FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
  if (!place) return { ok: false, reason: 'no-such-mailbox' }
  if (request.grantee !== null && !present.includes(request.grantee)) {
    return { ok: false, reason: 'no-such-account' }
  }
  const entries = yield* entriesOf(account, mailbox)
  const old = entries.find((entry) => entry.grantee === grantee && entry.negative === negative)
  const rights = changedRights(request, old?.rights ?? '')
  if (rights === (old?.rights ?? '')) return { ok: true }
  if (!old && entries.length >= limits.accessEntries) return { ok: false, reason: 'too-many-entries' }
  if (rights === '') {
    yield* run`DELETE FROM access_entry WHERE account = ${account} AND mailbox = ${mailbox}
      AND grantee = ${grantee} AND negative = ${negative}`
  } else {
    yield* run`INSERT INTO access_entry (account, mailbox, grantee, negative, rights)
      VALUES (${account}, ${mailbox}, ${grantee}, ${negative}, ${rights})
      ON CONFLICT (account, mailbox, grantee, negative) DO UPDATE SET rights = excluded.rights`
  }
  yield* announce({ type: 'rights-changed', account, mailbox, modSeq: yield* nextModSeq(account) })
  if (request.grantee !== null && request.grantee !== account) {
    const modSeq = yield* nextModSeq(request.grantee)
    yield* announce({ type: 'rights-changed', account: request.grantee, mailbox: null, modSeq })
  }
  return { ok: true }
}

function changedRights({ mode, rights }: SetAccessRequest, old: Rights): Rights {
  if (mode === 'replace') return rightsOf(rights)
  if (mode === 'add') return rightsOf(old + rights)
  return rightsOf([...old].filter((right) => !rights.includes(right)))
}

/** Gives a new mailbox the entries of its superior. */
export function* inheritAccess(account: AccountId, mailbox: MailboxId, superior: string): Op<void> {
  yield* run`INSERT INTO access_entry (account, mailbox, grantee, negative, rights)
    SELECT access_entry.account, CAST(${mailbox} AS BIGINT), grantee, negative, rights
    FROM access_entry JOIN mailbox ON mailbox.account = access_entry.account AND mailbox.id = access_entry.mailbox
    WHERE access_entry.account = ${account} AND mailbox.name = ${superior}`
}

/** Takes away what an account that goes has in others, and tells their owners. */
export function* forgetGrantee(grantee: AccountId): Op<void> {
  const places = yield* all<{ account: AccountId; mailbox: MailboxId }>`
    SELECT DISTINCT account, mailbox FROM access_entry WHERE grantee = ${grantee} AND account <> ${grantee}
    ORDER BY account, mailbox`
  yield* run`DELETE FROM access_entry WHERE grantee = ${grantee}`
  for (const { account, mailbox } of places) {
    yield* announce({ type: 'rights-changed', account, mailbox, modSeq: yield* nextModSeq(account) })
  }
}

/** See `SharingStore.rightsIn`. */
export function* rightsIn(request: {
  viewer: AccountId
  account: AccountId
  mailbox: MailboxId
}): Op<Rights> {
  const { viewer, account, mailbox } = request
  if (viewer === account) {
    const own = yield* get<{ id: MailboxId }>`
      SELECT id FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
    return own ? allRights : ''
  }
  const entries = yield* entriesOf(account, mailbox)
  return together(entries.filter(({ grantee }) => grantee === viewer || grantee === nobody))
}

/** See `SharingStore.sharingAccounts`. */
export function* sharingAccounts(viewer: AccountId): Op<Account[]> {
  const rows = yield* all<EntryRow & { account: AccountId; mailbox: MailboxId }>`
    SELECT account, mailbox, grantee, negative, rights FROM access_entry
    WHERE grantee IN (${nobody}, ${viewer}) AND account <> ${viewer}`
  const places = Map.groupBy(rows, ({ account, mailbox }) => `${account} ${mailbox}`)
  const sharing = new Set<AccountId>()
  for (const entries of places.values()) {
    const [first] = entries
    if (first && together(entries) !== '') sharing.add(first.account)
  }
  if (sharing.size === 0) return []
  const accounts = yield* all<AccountRow>`
    SELECT ${accountColumns} FROM account WHERE ${oneOf(sql`account.id`, [...sharing])} ORDER BY address`
  return accounts.map(accountOf)
}

/** See `SharingStore.sharedMailboxes`. */
export function* sharedMailboxes(request: { viewer: AccountId; account: AccountId }): Op<SharedMailbox[]> {
  const { viewer, account } = request
  if (viewer === account) return []
  const rows = yield* all<EntryRow & { mailbox: MailboxId }>`
    SELECT mailbox, grantee, negative, rights FROM access_entry
    WHERE account = ${account} AND grantee IN (${nobody}, ${viewer})`
  if (rows.length === 0) return []
  const places = Map.groupBy(rows, ({ mailbox }) => mailbox)
  const mailboxes = yield* all<MailboxRow>`
    SELECT ${mailboxColumns} FROM mailbox WHERE account = ${account} ORDER BY name`
  return mailboxes.flatMap((row) => {
    const rights = together(places.get(row.id) ?? [])
    return rights === '' ? [] : [{ mailbox: mailboxOf(row), rights }]
  })
}

// COPY and MOVE from one account to another: the target gets emails of its own, which name the same blobs, with threads of its
// own; messages of one email stay messages of one email. Both accounts change in one commit.
//
// What is there is charged to the target before anything is written; a move frees it at the source as an expunge does.
import type { AccountId, BlobId, EmailId, Uid } from '../model.ts'
import { all, changed, get, many, type Op, refuse, run, sql, type Stmt, tuples } from '../op.ts'
import type { Copied, Outcome, Transfer } from '../store.ts'
import { type Charged, insertEmail, insertMessage, placeAll } from './arrivals.ts'
import { takeAway } from './expunge.ts'
import { foldBlocks } from './flag-blocks.ts'
import { columnsOf } from './flags.ts'
import { among, count, lockAccounts, nextModSeq, noCounts, oneOf, selectableMailbox } from './rows.ts'
import { threadKeys, threadsFor } from './threads.ts'

/** Emails whose structures are in memory at once, and message rows that are sent at once. */
const atOnce = 500

type SourceRow = [
  uid: Uid,
  flags: number,
  keywords: string,
  size: number,
  email: EmailId,
  internalDate: number,
]

type Across = Transfer & { readonly toAccount: AccountId }

/** See `MailStore.copy` and `MailStore.move`. */
export function* transferAcross(
  request: Across,
  what: 'copy' | 'move',
  limits: { threadKeys: number },
): Op<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>> {
  const { account, toAccount, from, to, uids } = request
  yield* lockAccounts([account, toAccount])
  const target = yield* selectableMailbox(toAccount, to)
  const source = yield* selectableMailbox(account, from)
  if (!target || !source) return { ok: false, reason: 'no-such-mailbox' }
  yield* foldBlocks({ account, mailbox: from }, uids)
  const these = among({ account, mailbox: from, uids })
  const rows = yield* tuples<SourceRow>`
    SELECT uid, flags, keywords, size, email, internal_date FROM message WHERE ${these} ORDER BY uid`
  if (rows.length === 0) {
    return { ok: true, uidValidity: target.uid_validity, modSeq: target.modseq, from: [], to: [] }
  }
  const copied = yield* enterAcross(request, rows, limits)
  if (!copied.ok || what === 'copy') return copied
  const doomed = rows.map(([uid, flags, , size]) => [uid, flags, size] as const)
  yield* takeAway({ account, mailbox: from, modSeq: yield* nextModSeq(account), these, doomed })
  return copied
}

function* enterAcross(
  request: Across,
  rows: readonly SourceRow[],
  limits: { threadKeys: number },
): Op<Outcome<Copied, 'no-such-mailbox' | 'over-quota'>> {
  const { toAccount, to, now, flags: kept = 31, keywords: words = 'all' } = request
  const emails = new Map<EmailId, { size: number; refs: number }>()
  const counts = noCounts()
  for (const [, flags, , size, email] of rows) {
    count(counts, flags & kept, size)
    emails.set(email, { size, refs: (emails.get(email)?.refs ?? 0) + 1 })
  }
  const charged = yield* charge(toAccount, { emails, messages: rows.length })
  if (!charged) return { ok: false, reason: 'over-quota' }
  const { modseq: modSeq } = charged
  const fresh = new Map([...emails.keys()].map((old, index) => [old, (charged.email + index) as EmailId]))
  yield* insertEmails(request, { fresh, refsOf: (old) => emails.get(old)?.refs ?? 1 }, limits.threadKeys)
  const placed = yield* placeAll({ account: toAccount, mailbox: to, modSeq, counts })
  if (!placed) return yield* refuse({ ok: false, reason: 'no-such-mailbox' })
  // The range up to uid_next was just taken for these.
  const arrived = rows.map((_, index) => (placed.uid + index) as Uid)
  const statements = rows.map(([, flags, keywords, size, email, internalDate], index) =>
    insertMessage({
      ...{ account: toAccount, mailbox: to, modSeq, size, internalDate, savedAt: now },
      uid: arrived[index] ?? placed.uid,
      flags: flags & kept,
      keywords: words === 'all' ? keywords : '',
      email: fresh.get(email) ?? charged.email,
    }),
  )
  yield* inSlices(statements)
  const columns = columnsOf(
    rows.map(([, flags, keywords], index) => {
      return [arrived[index] ?? 0, flags & kept, words === 'all' ? keywords : ''] as const
    }),
  )
  yield* changed({ type: 'batch', of: 'message-added', account: toAccount, mailbox: to, modSeq, columns })
  return { ok: true, uidValidity: placed.uid_validity, modSeq, from: rows.map(([uid]) => uid), to: arrived }
}

/** The target's ids for emails of the source, and how many messages will name each. */
interface Fresh {
  readonly fresh: ReadonlyMap<EmailId, EmailId>
  readonly refsOf: (old: EmailId) => number
}

function* charge(
  account: AccountId,
  { emails, messages }: { emails: ReadonlyMap<EmailId, { size: number }>; messages: number },
): Op<Charged | undefined> {
  let bytes = 0
  for (const { size } of emails.values()) bytes += size
  return yield* get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + ${emails.size},
      used_bytes = used_bytes + ${bytes}, used_messages = used_messages + ${messages}
    WHERE id = ${account} AND (quota_bytes IS NULL OR used_bytes + ${bytes} <= quota_bytes)
      AND (quota_messages IS NULL OR used_messages + ${messages} <= quota_messages)
    RETURNING modseq, next_email - ${emails.size} AS email`
}

function* insertEmails({ account, toAccount }: Across, { fresh, refsOf }: Fresh, mostKeys: number): Op<void> {
  const ids = [...fresh.keys()]
  for (let start = 0; start < ids.length; start += atOnce) {
    const slice = ids.slice(start, start + atOnce)
    const rows = yield* all<{
      id: EmailId
      blob: BlobId
      size: number
      received_at: number
      prefix: string
      structure: string
    }>`SELECT email.id, email.blob, email.size, email.received_at, email.prefix, blob.structure
      FROM email JOIN blob ON blob.id = email.blob WHERE email.account = ${account} AND ${oneOf(sql`email.id`, slice)}`
    const known = new Map(rows.map((row) => [row.id, row]))
    const coming = slice.flatMap((old) => {
      const row = known.get(old)
      const email = fresh.get(old)
      return row && email ? [{ ...row, email, keys: threadKeys(row.structure, mostKeys) }] : []
    })
    const threads = yield* threadsFor(toAccount, coming)
    yield* many(
      coming.map(({ id, email, blob, size, received_at: receivedAt, prefix }) =>
        insertEmail({
          ...{ account: toAccount, email, blob, refs: refsOf(id), size, receivedAt, prefix },
          thread: threads.get(email) ?? null,
        }),
      ),
    )
    yield* run`UPDATE blob SET refs = refs + more.n
      FROM (SELECT blob, COUNT(*) AS n FROM email WHERE account = ${account} AND ${oneOf(sql`id`, slice)} GROUP BY blob) AS more
      WHERE blob.id = more.blob`
  }
}

function* inSlices(statements: readonly Stmt<number>[]): Op<void> {
  for (let start = 0; start < statements.length; start += atOnce) {
    yield* many(statements.slice(start, start + atOnce))
  }
}

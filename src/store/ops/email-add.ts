// A new email in several mailboxes at once (`../email-changes.ts`): one row for the email and one message in each mailbox.
import type { BlobId, EmailId, ThreadId } from '../model.ts'
import type { AddedEmail, EmailChangeStore } from '../email-changes.ts'
import { changed, get, many, type Op, refuse, run, type Stmt } from '../op.ts'
import type { Outcome } from '../store.ts'
import { type Charged, insertBlob, insertEmail, insertMessage, placeAll } from './arrivals.ts'
import { type KeywordLimits, tooManyKeywords } from './flags.ts'
import { count, lockAccounts, noCounts } from './rows.ts'
import { threadKeys, threadsFor } from './threads.ts'

type AddRequest = Parameters<EmailChangeStore['addEmail']>[0]
type Added = Outcome<AddedEmail, 'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'no-such-email'>

/** What the new email names. */
interface Text {
  readonly blob: BlobId
  readonly size: number
  readonly structure: string
  readonly prefix: string
  readonly receivedAt: number
}

/** See `EmailChangeStore.addEmail`. */
export function* addEmail(request: AddRequest, limits: KeywordLimits & { threadKeys: number }): Op<Added> {
  const { account, source, flags, keywords } = request
  const mailboxes = [...new Set(request.mailboxes)]
  if (mailboxes.length === 0) throw new TypeError('an email is in a mailbox')
  if (tooManyKeywords(keywords, limits)) return { ok: false, reason: 'too-many-keywords' }
  yield* lockAccounts([account, source.type === 'email' ? source.account : account])
  const text = yield* textOf(request)
  if (text === undefined) return yield* refuse({ ok: false, reason: 'no-such-email' })
  const { blob, size, structure, prefix, receivedAt } = text
  const charged = yield* get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + 1, used_bytes = used_bytes + ${size},
      used_messages = used_messages + ${mailboxes.length}
    WHERE id = ${account} AND (quota_bytes IS NULL OR used_bytes + ${size} <= quota_bytes)
      AND (quota_messages IS NULL OR used_messages + ${mailboxes.length} <= quota_messages)
    RETURNING modseq, next_email - 1 AS email`
  if (!charged) return yield* refuse({ ok: false, reason: 'over-quota' })
  const { email, modseq: modSeq } = charged
  const keys = threadKeys(structure, limits.threadKeys)
  const threads = yield* threadsFor(account, [{ email, keys }])
  const thread = threads.get(email) ?? null
  const rows: Stmt<number>[] = [
    insertEmail({ account, email, blob, refs: mailboxes.length, size, receivedAt, prefix, thread }),
  ]
  for (const mailbox of mailboxes) {
    const counts = noCounts()
    count(counts, flags, size)
    const placed = yield* placeAll({ account, mailbox, modSeq, counts })
    if (!placed) return yield* refuse({ ok: false, reason: 'no-such-mailbox' })
    const { uid } = placed
    rows.push(
      insertMessage({
        ...{ account, mailbox, uid, modSeq, flags, keywords, email, size, internalDate: receivedAt },
        savedAt: request.now,
      }),
    )
    yield* changed({ type: 'message-added', account, mailbox, modSeq, uid, flags, keywords })
  }
  yield* many(rows)
  return { ok: true, email, thread: threadOf(thread, email), blob, size }
}

/** A thread has the id of the email that began it. */
function threadOf(thread: EmailId | null, email: EmailId): ThreadId {
  const id: number = thread ?? email
  return id as ThreadId
}

/** Its blob is counted as one more email's. */
function* textOf({ source, receivedAt, now }: AddRequest): Op<Text | undefined> {
  if (source.type === 'message') {
    const { message } = source
    const blob = yield* insertBlob(message, 1)
    if (!blob) throw new Error('a blob got no id')
    const { structure } = message
    return {
      ...{ blob: blob.id, size: message.blob.size, structure, prefix: '', receivedAt: receivedAt ?? now },
    }
  }
  const row = yield* get<{
    blob: BlobId
    size: number
    received_at: number
    prefix: string
    structure: string
  }>`
    SELECT email.blob, email.size, email.received_at, email.prefix, blob.structure
    FROM email JOIN blob ON blob.id = email.blob
    WHERE email.account = ${source.account} AND email.id = ${source.email}`
  if (!row) return undefined
  yield* run`UPDATE blob SET refs = refs + 1 WHERE id = ${row.blob}`
  const { blob, size, prefix, structure } = row
  return { blob, size, prefix, structure, receivedAt: receivedAt ?? row.received_at }
}

// Which thread a new email belongs to, decided once when it comes (docs/decisions/014-emails-threads-modseqs.md).
//
// - RFC 8621 §3: two emails are one thread when an identical message identifier stands in any of Message-ID, In-Reply-To and
//   References of both, and their subjects agree. So each identifier together with the subject is a key, kept as a number; the
//   first email that names a key says whose it is.
// - An email whose keys lead to several threads joins the oldest. Threads are never merged: THREADID does not change.
// - A thread is of one account, and its id is that of the email that began it.
import { hash } from 'node:crypto'
import { decodeThreading, StructureDamaged, type Threading } from '../../mail/mime/codec.ts'
import { threadSubject } from '../../mail/thread-subject.ts'
import type { AccountId, EmailId, StagedMessage } from '../model.ts'
import { all, dialect, type Op, run, sql, type Stmt } from '../op.ts'
import { oneOf } from './rows.ts'

/** The keys of a message with that structure, at most `most`. A structure that cannot be read has none. */
export function threadKeys(structure: string, most: number): number[] {
  try {
    return keysOf(decodeThreading(structure), most)
  } catch (error) {
    if (error instanceof StructureDamaged) return []
    throw error
  }
}

/** The same of a message on its way in: what its walk found is not read from the text again. */
export function stagedThreadKeys({ structure, threading }: StagedMessage, most: number): number[] {
  return threading === undefined ? threadKeys(structure, most) : keysOf(threading, most)
}

function keysOf(threading: Threading, most: number): number[] {
  const { messageId, references, inReplyTo } = threading
  let ids = [...new Set([...(messageId === null ? [] : [messageId]), ...references, ...inReplyTo])]
  if (ids.length === 0) return []
  // The own one, the root of the conversation, and what stands nearest.
  if (ids.length > most) ids = [...ids.slice(0, 2), ...ids.slice(2 - most)].slice(0, most)
  const subject = threadSubject(threading.subject ?? '')
  return ids.map((id) => keyOf(`${id}\0${subject}`))
}

/** 47 bits of a digest: SQLite keeps them in six octets. */
function keyOf(text: string): number {
  return Math.floor(Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) / 2)
}

export interface KeyRow {
  readonly key: number
  readonly thread: EmailId
}

/** Those of the keys that the account knows. */
export function knownThreadKeys(account: AccountId, keys: readonly number[]): Stmt<KeyRow[]> {
  const [single] = keys
  if (keys.length === 1 && single !== undefined) {
    return all<KeyRow>`SELECT key, thread FROM thread_key WHERE account = ${account} AND key = ${single}`
  }
  return all<KeyRow>`SELECT key, thread FROM thread_key WHERE account = ${account} AND ${oneOf(sql`key`, keys)}`
}

/** Keeps a key for the thread that this email begins, unless the account knows it; whose it is then. */
export function claimThreadKey(account: AccountId, key: number, email: EmailId): Stmt<KeyRow[]> {
  return all<KeyRow>`INSERT INTO thread_key (account, key, thread) VALUES (${account}, ${key}, ${email})
    ON CONFLICT (account, key) DO UPDATE SET thread = thread_key.thread RETURNING key, thread`
}

/** The threads that emails join, and the keys that lead to them from now on. */
export interface Joined {
  /** By email: null for one that begins its own. */
  readonly threads: ReadonlyMap<EmailId, EmailId | null>
  readonly fresh: readonly (readonly [key: number, thread: EmailId])[]
}

/** Decides for emails that come in this order. */
export function joinThreads(
  known: readonly KeyRow[],
  emails: Iterable<{ readonly email: EmailId; readonly keys: readonly number[] }>,
): Joined {
  const threadOf = new Map(known.map(({ key, thread }) => [key, thread]))
  const threads = new Map<EmailId, EmailId | null>()
  const fresh: [number, EmailId][] = []
  for (const { email, keys } of emails) {
    let thread = email
    for (const key of keys) {
      const found = threadOf.get(key)
      if (found !== undefined && found < thread) thread = found
    }
    threads.set(email, thread === email ? null : thread)
    for (const key of keys) {
      if (threadOf.has(key)) continue
      threadOf.set(key, thread)
      fresh.push([key, thread])
    }
  }
  return { threads, fresh }
}

/** Keeps the fresh keys. */
export function keepThreadKeys(account: AccountId, fresh: Joined['fresh']): Stmt<number>[] {
  const [only] = fresh
  if (!only) return []
  if (fresh.length === 1) {
    return [run`INSERT INTO thread_key (account, key, thread) VALUES (${account}, ${only[0]}, ${only[1]})`]
  }
  const json = JSON.stringify(fresh)
  const rows = dialect({
    sqlite: sql`(SELECT value ->> 0 AS key, value ->> 1 AS thread FROM json_each(${json}))`,
    pg: sql`(SELECT (value ->> 0)::bigint AS key, (value ->> 1)::bigint AS thread FROM json_array_elements(${json}::json))`,
  })
  return [
    run`INSERT INTO thread_key (account, key, thread)
      SELECT CAST(${account} AS BIGINT), key, thread FROM ${rows} AS fresh`,
  ]
}

/** Looks up, decides and keeps, for emails of one account. */
export function* threadsFor(
  account: AccountId,
  emails: readonly { readonly email: EmailId; readonly keys: readonly number[] }[],
): Op<Joined['threads']> {
  const keys = [...new Set(emails.flatMap((one) => one.keys))]
  const known = keys.length === 0 ? [] : yield* knownThreadKeys(account, keys)
  const { threads, fresh } = joinThreads(known, emails)
  for (const statement of keepThreadKeys(account, fresh)) yield* statement
  return threads
}

/** Keys of an account, in slices: drops those whose thread has no email any more; where to go on, or null at the end. */
export function* forgetThreadKeys(request: {
  account: AccountId
  after: number
  limit: number
}): Op<number | null> {
  const { account, after, limit } = request
  const rows = yield* all<{ key: number }>`SELECT key FROM thread_key
    WHERE account = ${account} AND key > ${after} ORDER BY key LIMIT ${limit}`
  const last = rows.at(-1)
  if (!last) return null
  yield* run`DELETE FROM thread_key WHERE account = ${account} AND key > ${after} AND key <= ${last.key}
    AND NOT EXISTS (SELECT 1 FROM email WHERE email.account = thread_key.account AND email.id = thread_key.thread)
    AND NOT EXISTS (SELECT 1 FROM email WHERE email.account = thread_key.account
      AND email.thread IS NOT NULL AND email.thread = thread_key.thread)`
  return rows.length < limit ? null : last.key
}

// Deliveries that were answered before their rows were written (`sqlite/in-tray.ts`): many of them at once, each into the INBOX of its
// accounts. What `deliver` asks of an account and a mailbox for each message is asked once for all of them; the rows are the same.
import { Buffer } from 'node:buffer'
import type { AccountId, EmailId, ModSeq, StagedMessage, Uid } from '../model.ts'
import { get, many, type Op, type Stmt } from '../op.ts'
import { insertBlob, insertEmail, insertMessage } from './arrivals.ts'
import { inboxId } from './rows.ts'
import {
  claimThreadKey,
  joinThreads,
  keepThreadKeys,
  type KeyRow,
  knownThreadKeys,
  threadKeys,
} from './threads.ts'

/** What the next message of an account gets, in its INBOX. */
export interface NextMessage {
  readonly modSeq: ModSeq
  readonly uid: Uid
  readonly uidValidity: number
}

/** One message with the accounts that have it, none of them twice. */
export interface TakenDelivery {
  readonly message: StagedMessage
  readonly internalDate: number
  readonly targets: readonly { readonly account: AccountId; readonly prefix: string }[]
}

/** The next message of an account without quotas that may get mail; undefined for all others. */
export function* nextMessage(account: AccountId): Op<NextMessage | undefined> {
  const row = yield* get<{ modseq: number; uid_next: number; uid_validity: number }>`
    SELECT account.modseq, uid_next, uid_validity FROM account
      JOIN mailbox ON mailbox.account = account.id AND mailbox.id = ${inboxId}
    WHERE account.id = ${account} AND state = 'active' AND quota_bytes IS NULL AND quota_messages IS NULL`
  // Numbers of the account's own row.
  return (
    row && { modSeq: (row.modseq + 1) as ModSeq, uid: row.uid_next as Uid, uidValidity: row.uid_validity }
  )
}

interface Charge {
  messages: number
  bytes: number
}

interface Numbers {
  modSeq: number
  email: number
  uid: number
}

/** Gives the number of messages in all mailboxes. Nothing is told: that was done when they were taken. */
export function* fileDeliveries(
  { deliveries }: { deliveries: readonly TakenDelivery[] },
  limits: { readonly threadKeys: number },
): Op<number> {
  const numbers = yield* charge(deliveries)
  let filed = 0
  for (const delivery of deliveries) {
    yield* file(delivery, { numbers, keys: threadKeys(delivery.message.structure, limits.threadKeys) })
    filed += delivery.targets.length
  }
  return filed
}

/** Charges each account for all of its messages, and gives the numbers of its first. */
function* charge(deliveries: readonly TakenDelivery[]): Op<Map<AccountId, Numbers>> {
  const charges = new Map<AccountId, Charge>()
  for (const { message, targets } of deliveries) {
    for (const { account, prefix } of targets) {
      const sum = charges.get(account) ?? { messages: 0, bytes: 0 }
      sum.messages++
      sum.bytes += message.blob.size + Buffer.byteLength(prefix)
      charges.set(account, sum)
    }
  }
  const numbers = new Map<AccountId, Numbers>()
  for (const [account, { messages, bytes }] of charges) {
    const paid = yield* get<{ modseq: number; email: number }>`
      UPDATE account SET modseq = modseq + ${messages}, next_email = next_email + ${messages},
        used_bytes = used_bytes + ${bytes}, used_messages = used_messages + ${messages}
      WHERE id = ${account} RETURNING modseq - ${messages} AS modseq, next_email - ${messages} AS email`
    const placed =
      paid &&
      (yield* get<{ uid: number }>`
        UPDATE mailbox SET uid_next = uid_next + ${messages}, modseq = ${paid.modseq + messages},
          messages = messages + ${messages}, unseen = unseen + ${messages}, bytes = bytes + ${bytes}
        WHERE account = ${account} AND id = ${inboxId} RETURNING uid_next - ${messages} AS uid`)
    // It was there when its mail was taken, and whatever removes it has its mail filed first.
    if (!placed) throw new Error(`account ${account} is gone before its mail was filed`)
    numbers.set(account, { modSeq: paid.modseq + 1, email: paid.email, uid: placed.uid })
  }
  return numbers
}

function* file(
  { message, targets, internalDate }: TakenDelivery,
  { numbers, keys }: { numbers: ReadonlyMap<AccountId, Numbers>; keys: readonly number[] },
): Op<void> {
  const legs = targets.map(({ account, prefix }) => {
    const next = numbers.get(account)
    if (next === undefined) throw new Error(`account ${account} was not charged`)
    // Numbers of the account's own rows.
    const leg = {
      ...{ account, prefix, modSeq: next.modSeq++ as ModSeq },
      ...{ email: next.email++ as EmailId, uid: next.uid++ as Uid },
    }
    return leg
  })
  const [blob, ...known] = yield* many([
    insertBlob(message, legs.length),
    ...(keys.length === 0 ? [] : legs.map(({ account, email }) => whoseKeys(account, { email, keys }))),
  ])
  if (!blob) throw new Error('the blob got no id')
  const rows: Stmt<number>[] = []
  for (const [index, leg] of legs.entries()) {
    const { account, prefix, modSeq, email, uid } = leg
    const rowsOfKeys = known[index]
    const joined = threadOf(leg, { keys, known: Array.isArray(rowsOfKeys) ? rowsOfKeys : [] })
    rows.push(...joined.rows)
    const size = message.blob.size + Buffer.byteLength(prefix)
    const { thread } = joined
    rows.push(
      insertEmail({ account, email, blob: blob.id, size, receivedAt: internalDate, prefix, thread }),
      insertMessage({
        ...{ account, mailbox: inboxId, uid, modSeq, flags: 0, keywords: '', email, size, internalDate },
        savedAt: internalDate,
      }),
    )
  }
  yield* many(rows)
}

/** Nearly all mail that is no answer has one key: it is looked up and kept in one statement. */
function whoseKeys(
  account: AccountId,
  { email, keys }: { email: EmailId; keys: readonly number[] },
): Stmt<KeyRow[]> {
  const [key] = keys
  return keys.length === 1 && key !== undefined
    ? claimThreadKey(account, key, email)
    : knownThreadKeys(account, keys)
}

/** The thread of an email, null where it begins one, and what keeps its keys. */
function threadOf(
  { account, email }: { account: AccountId; email: EmailId },
  { keys, known }: { keys: readonly number[]; known: readonly KeyRow[] },
): { thread: EmailId | null; rows: readonly Stmt<number>[] } {
  const [claimed] = known
  if (keys.length === 0) return { thread: null, rows: [] }
  if (keys.length === 1 && claimed !== undefined)
    return { thread: claimed.thread < email ? claimed.thread : null, rows: [] }
  const joined = joinThreads(known, [{ email, keys }])
  return { thread: joined.threads.get(email) ?? null, rows: keepThreadKeys(account, joined.fresh) }
}

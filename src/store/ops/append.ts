// IMAP APPEND of one or more messages, and REPLACE (RFC 8508), which takes another one away in the same commit.
import type { AccountId, EmailId, MailboxId, ModSeq, StagedMessage, Uid } from '../model.ts'
import { changed, get, many, type Op, refuse, type Stmt } from '../op.ts'
import type { Outcome } from '../store.ts'
import { type Charged, insertBlob, insertEmail, insertMessage, placeAll, type Placed } from './arrivals.ts'
import { type DoomedRow, takeAway } from './expunge.ts'
import { foldBlocks } from './flag-blocks.ts'
import { type KeywordLimits, tooManyKeywords } from './flags.ts'
import { among, count, type Counts, lockAccounts, nextModSeq, noCounts, selectableMailbox } from './rows.ts'
import { remember } from './remembered.ts'
import { stagedThreadKeys, threadsFor } from './threads.ts'

export interface AppendRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly messages: readonly {
    readonly message: StagedMessage
    readonly flags: number
    readonly keywords: string
    readonly internalDate: number
  }[]
  readonly replaces?: { readonly account?: AccountId; readonly mailbox: MailboxId; readonly uid: Uid }
  readonly remembers?: Parameters<typeof remember>[0]
  /** For whoever orders the writes. */
  readonly behind?: true
  readonly now: number
}

type Appended = Outcome<
  { uids: readonly Uid[]; uidValidity: number; modSeq: ModSeq },
  'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'not-there'
>

/** The message that is replaced. `freed`: octets of its email, where that goes with it. */
interface Replaced {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly row: DoomedRow
  readonly freed: number
}

/** See `MailStore.append`. */
export function* append(
  request: AppendRequest,
  limits: KeywordLimits & { threadKeys: number },
): Op<Appended> {
  const { account, mailbox, messages, replaces } = request
  if (messages.some(({ keywords }) => tooManyKeywords(keywords, limits))) {
    return { ok: false, reason: 'too-many-keywords' }
  }
  yield* lockAccounts([account, replaces?.account ?? account])
  const target = yield* selectableMailbox(account, mailbox)
  if (!target) return { ok: false, reason: 'no-such-mailbox' }
  const replaced = replaces && (yield* findReplaced({ account, ...replaces }))
  if (replaces && !replaced) return { ok: false, reason: 'not-there' }
  const counts = noCounts()
  for (const { message, flags } of messages) count(counts, flags, message.blob.size)
  const charged = yield* charge(account, counts, replaced?.account === account ? replaced : undefined)
  if (!charged) return { ok: false, reason: 'over-quota' }
  const { modseq: modSeq } = charged
  const placed = yield* placeAll({ account, mailbox, modSeq, counts })
  if (!placed) return yield* refuse({ ok: false, reason: 'no-such-mailbox' })
  const uids = yield* insertAll(request, { charged, placed }, limits.threadKeys)
  if (request.remembers) yield* remember(request.remembers)
  if (replaced) yield* takeReplaced(replaced, replaced.account === account ? modSeq : undefined)
  return { ok: true, uids, uidValidity: placed.uid_validity, modSeq }
}

function* findReplaced(place: {
  account: AccountId
  mailbox: MailboxId
  uid: Uid
}): Op<Replaced | undefined> {
  const { account, mailbox, uid } = place
  yield* foldBlocks(place, [[uid, uid]])
  const row = yield* get<{ flags: number; size: number; refs: number }>`
    SELECT message.flags, message.size, email.refs FROM message
      JOIN email ON email.account = message.account AND email.id = message.email
    WHERE message.account = ${account} AND message.mailbox = ${mailbox} AND message.uid = ${uid}`
  if (!row) return undefined
  const { flags, size, refs } = row
  return { account, mailbox, row: [uid, flags, size], freed: refs === 1 ? size : 0 }
}

/** RFC 8508 §3.4: "only the net quota consumption is considered". */
function* charge(account: AccountId, counts: Counts, replaced?: Replaced): Op<Charged | undefined> {
  const { bytes, messages } = counts
  const moreBytes = bytes - (replaced?.freed ?? 0)
  const moreMessages = messages - (replaced ? 1 : 0)
  return yield* get<Charged>`
    UPDATE account SET modseq = modseq + 1, next_email = next_email + ${messages},
      used_bytes = used_bytes + ${bytes}, used_messages = used_messages + ${messages}
    WHERE id = ${account} AND (quota_bytes IS NULL OR used_bytes + ${moreBytes} <= quota_bytes)
      AND (quota_messages IS NULL OR used_messages + ${moreMessages} <= quota_messages)
    RETURNING modseq, next_email - ${messages} AS email`
}

function* insertAll(
  { account, mailbox, messages, now }: AppendRequest,
  { charged, placed }: { charged: Charged; placed: Placed },
  mostKeys: number,
): Op<Uid[]> {
  const { modseq: modSeq } = charged
  // Both ranges were just taken for these.
  const emailAt = (index: number): EmailId => (charged.email + index) as EmailId
  const uidAt = (index: number): Uid => (placed.uid + index) as Uid
  const blobs = yield* many(messages.map(({ message }) => insertBlob(message, 1)))
  const threads = yield* threadsFor(
    account,
    messages.map(({ message }, index) => ({
      email: emailAt(index),
      keys: stagedThreadKeys(message, mostKeys),
    })),
  )
  const rows: Stmt<number>[] = []
  for (const [index, { message, flags, keywords, internalDate }] of messages.entries()) {
    const blob = blobs[index]
    if (!blob) throw new Error('a blob got no id')
    const email = emailAt(index)
    const uid = uidAt(index)
    const { size } = message.blob
    const thread = threads.get(email) ?? null
    rows.push(
      insertEmail({ account, email, blob: blob.id, size, receivedAt: internalDate, prefix: '', thread }),
      insertMessage({
        ...{ account, mailbox, uid, modSeq, flags, keywords, email, size, internalDate },
        savedAt: now,
      }),
    )
    yield* changed({ type: 'message-added', account, mailbox, modSeq, uid, flags, keywords })
  }
  yield* many(rows)
  return messages.map((_, index) => uidAt(index))
}

/** At the modseq of what replaces it, or of its own account's next. */
function* takeReplaced({ account, mailbox, row }: Replaced, modSeq: ModSeq | undefined): Op<void> {
  yield* takeAway({
    account,
    mailbox,
    modSeq: modSeq ?? (yield* nextModSeq(account)),
    these: among({ account, mailbox, uids: [[row[0], row[0]]] }),
    doomed: [row],
  })
}

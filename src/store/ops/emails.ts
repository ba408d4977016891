// Reading mail by email (`../emails.ts`). Flags, keywords and modseqs come from `messageBatch`, which knows where they are kept.
import type { AccountId, BlobId, EmailId, MailboxId, ModSeq, ThreadId, Uid } from '../model.ts'
import type { DatedMailbox, EmailPlaces, EmailText, MailboxNews } from '../emails.ts'
import { all, get, type Op, sql, tuples } from '../op.ts'
import { among, type MailboxRow, mailboxColumns, mailboxOf, oneOf } from './rows.ts'
import { type BatchRequest, messageBatch } from './view.ts'

/** See `EmailStore.emailPlaces`. */
export function* placeBatch(request: BatchRequest): Op<EmailPlaces> {
  const messages = yield* messageBatch(request)
  const rows = yield* tuples<[uid: Uid, shown: ModSeq, thread: ThreadId]>`
    SELECT message.uid, COALESCE(message.shown, message.added), COALESCE(email.thread, email.id)
    FROM message JOIN email ON email.account = message.account AND email.id = message.email
    WHERE ${among(request)} ORDER BY message.uid LIMIT ${request.limit}`
  const count = messages.length
  const keywords = new Map<number, string>()
  const places = {
    uids: new Uint32Array(count),
    flags: new Uint8Array(count),
    keywords,
    modSeqs: new Float64Array(count),
    shownSince: new Float64Array(count),
    emails: new Float64Array(count),
    threads: new Float64Array(count),
    sizes: new Float64Array(count),
    receivedAt: new Float64Array(count),
  }
  for (const [index, message] of messages.entries()) {
    const row = rows[index]
    if (row?.[0] !== message.uid) throw new Error(`message ${message.uid} has no email`)
    places.uids[index] = message.uid
    places.flags[index] = message.flags
    if (message.keywords !== '') keywords.set(index, message.keywords)
    places.modSeqs[index] = message.modSeq
    places.shownSince[index] = row[1]
    places.emails[index] = message.email
    places.threads[index] = row[2]
    places.sizes[index] = message.size
    places.receivedAt[index] = message.internalDate
  }
  return places
}

/** See `EmailStore.emailTexts`. */
export function* emailTextBatch(request: {
  account: AccountId
  emails: readonly EmailId[]
  data?: boolean
}): Op<EmailText[]> {
  const { account, emails, data } = request
  const octets = data === true ? sql`, blob.data` : sql``
  const rows = yield* tuples<
    [
      email: EmailId,
      thread: ThreadId,
      blob: BlobId,
      size: number,
      receivedAt: number,
      prefix: string,
      structure: string,
      data?: Uint8Array | null,
    ]
  >`SELECT email.id, COALESCE(email.thread, email.id), email.blob, email.size, email.received_at, email.prefix,
      blob.structure${octets}
    FROM email JOIN blob ON blob.id = email.blob
    WHERE email.account = ${account} AND ${oneOf(sql`email.id`, emails)} ORDER BY email.id`
  return rows.map(([email, thread, blob, size, receivedAt, prefix, structure, bytes]) => {
    const text = { email, thread, blob, size, receivedAt, prefix, structure }
    return bytes === undefined ? text : { ...text, data: bytes }
  })
}

/** See `EmailStore.datedMailboxes`. */
export function* datedMailboxes(account: AccountId): Op<DatedMailbox[]> {
  const rows = yield* all<MailboxRow & { added: ModSeq; changed: ModSeq }>`
    SELECT ${mailboxColumns}, added, changed FROM mailbox WHERE account = ${account} ORDER BY name`
  return rows.map((row) => ({
    mailbox: mailboxOf(row),
    createdModSeq: row.added,
    changedModSeq: row.changed,
  }))
}

/** See `EmailStore.mailboxNewsSince`. */
export function* mailboxNewsSince(request: { account: AccountId; since: ModSeq }): Op<MailboxNews> {
  const { account, since } = request
  const state = yield* get<{ forgotten: number }>`SELECT forgotten FROM account WHERE id = ${account}`
  const gone = yield* all<{ mailbox: MailboxId; modseq: ModSeq }>`
    SELECT mailbox, modseq FROM mailbox_tombstone WHERE account = ${account} AND modseq > ${since} ORDER BY modseq`
  const news = yield* all<{ name: string; modseq: ModSeq }>`
    SELECT name, modseq FROM news
    WHERE account = ${account} AND modseq > ${since} AND kind = 'subscription' ORDER BY modseq, name`
  let modSeq: ModSeq = 0 as ModSeq
  for (const row of [...gone, ...news]) if (row.modseq > modSeq) modSeq = row.modseq
  return {
    removed: gone.map(({ mailbox, modseq }) => ({ mailbox, modSeq: modseq })),
    subscriptions: news.map(({ name, modseq }) => ({ name, modSeq: modseq })),
    modSeq,
    complete: state !== undefined && since >= state.forgotten,
  }
}

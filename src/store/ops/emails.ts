// Reading mail by email (`../emails.ts`). Over flags and modseqs of messages goes what the blocks of flags say (`flag-blocks.ts`).
import type { AccountId, BlobId, EmailId, MailboxId, ModSeq, ThreadId } from '../model.ts'
import type { DatedMailbox, EmailPlaces, EmailText, MailboxNews } from '../emails.ts'
import { all, dialect, type Fragment, get, type Op, sql, tuples } from '../op.ts'
import { flagBlocks, overlay } from './flag-blocks.ts'
import { among, type MailboxRow, mailboxColumns, mailboxOf, oneOf } from './rows.ts'
import type { BatchRequest } from './view.ts'

/** Values of one column of many rows in one text: a row for each message costs several times as much. */
function columnOf(name: Fragment): Fragment {
  return dialect({ sqlite: sql`json_group_array(${name})`, pg: sql`json_agg(${name} ORDER BY uid)::text` })
}

interface PackedPlaces {
  readonly uids: string | null
  readonly modseqs: string | null
  readonly flags: string | null
  readonly keywords: string | null
  readonly emails: string | null
  readonly sizes: string | null
  readonly received: string | null
  readonly shown: string | null
  readonly threads: string | null
}

/** See `EmailStore.emailPlaces`. */
export function* placeBatch(request: BatchRequest): Op<EmailPlaces> {
  const row = yield* get<PackedPlaces>`SELECT
      ${columnOf(sql`uid`)} AS uids, ${columnOf(sql`modseq`)} AS modseqs, ${columnOf(sql`flags`)} AS flags,
      ${columnOf(sql`keywords`)} AS keywords, ${columnOf(sql`email`)} AS emails, ${columnOf(sql`size`)} AS sizes,
      ${columnOf(sql`received`)} AS received, ${columnOf(sql`shown`)} AS shown, ${columnOf(sql`thread`)} AS threads
    FROM (SELECT message.uid, message.modseq, message.flags, message.keywords, message.email, message.size,
        message.internal_date AS received, COALESCE(message.shown, message.added) AS shown,
        COALESCE(email.thread, email.id) AS thread
      FROM message JOIN email ON email.account = message.account AND email.id = message.email
      WHERE ${among(request)} ORDER BY message.uid LIMIT ${request.limit}) AS picked`
  const places = {
    uids: Uint32Array.from(numbersOf(row?.uids)),
    flags: Uint8Array.from(numbersOf(row?.flags)),
    keywords: wordsOf(row?.keywords),
    modSeqs: Float64Array.from(numbersOf(row?.modseqs)),
    shownSince: Float64Array.from(numbersOf(row?.shown)),
    emails: Float64Array.from(numbersOf(row?.emails)),
    threads: Float64Array.from(numbersOf(row?.threads)),
    sizes: Float64Array.from(numbersOf(row?.sizes)),
    receivedAt: Float64Array.from(numbersOf(row?.received)),
  }
  const [first, last] = [places.uids[0], places.uids.at(-1)]
  if (first === undefined || last === undefined) return places
  const blocks = yield* flagBlocks(request, [[first, last]])
  if (blocks.length === 0) return places
  overlay(Array.from(places.uids.keys()), blocks, {
    uidOf: (index) => places.uids[index] ?? 0,
    set(index, flags, modSeq) {
      places.flags[index] = flags
      places.modSeqs[index] = modSeq
    },
  })
  return places
}

function numbersOf(text: string | null | undefined): number[] {
  // An array of numbers, as it was put together.
  return text ? (JSON.parse(text) as number[]) : []
}

/** By index, of those that have some. */
function wordsOf(text: string | null | undefined): Map<number, string> {
  const found = new Map<number, string>()
  // An array of texts.
  const all = text ? (JSON.parse(text) as string[]) : []
  for (const [index, words] of all.entries()) if (words !== '') found.set(index, words)
  return found
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
  const state = yield* get<{ forgotten: ModSeq }>`
    SELECT forgotten_mailboxes AS forgotten FROM account WHERE id = ${account}`
  const gone = yield* all<{ mailbox: MailboxId; modseq: ModSeq; added: ModSeq }>`
    SELECT mailbox, modseq, added FROM mailbox_tombstone WHERE account = ${account} AND modseq > ${since} ORDER BY modseq`
  const news = yield* all<{ name: string; modseq: ModSeq }>`
    SELECT name, modseq FROM news
    WHERE account = ${account} AND modseq > ${since} AND kind = 'subscription' ORDER BY modseq, name`
  // What is forgotten was there, so that states never go back.
  let modSeq: ModSeq = state?.forgotten ?? (0 as ModSeq)
  for (const row of [...gone, ...news]) if (row.modseq > modSeq) modSeq = row.modseq
  return {
    removed: gone.map(({ mailbox, modseq, added }) => ({ mailbox, modSeq: modseq, createdModSeq: added })),
    subscriptions: news.map(({ name, modseq }) => ({ name, modSeq: modseq })),
    modSeq,
    complete: state !== undefined && since >= state.forgotten,
  }
}

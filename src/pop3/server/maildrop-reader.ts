// Reads a maildrop: what is in it, and its messages one after the other.
//
// - Opening reads rows, never bodies, and keeps two numbers a message.
// - Clients read messages in order, so their rows are fetched a few at a time; a row that came early is good for as long
//   as its blob can be read.
// - A message that fits in memory is encoded whole; a large one is streamed with back-pressure, after its first octets
//   have been read, so that a message that has gone is refused and not broken off.
import { Buffer } from 'node:buffer'
import { encodeMessage, headerNeedsUtf8, MessageEncoder } from '../proto/message-encoder.ts'
import type { Sink } from '../../base/core.ts'
import type { AccountId, MailboxId, MessageText } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import type { MaildropContents } from '../proto/maildrop.ts'
import type { Pop3Answer, Pop3Question } from '../proto/questions.ts'

type Retrieve = Extract<Pop3Question, { type: 'retrieve' }>

/** Larger messages are streamed. */
const wholeMessageBytes = 65_536
/** Rows fetched at once, with the octets of small messages, when a client reads in order. */
const rowsAhead = 16

interface Stream {
  readonly encoder: MessageEncoder
  readonly start: Uint8Array
  readonly rest: AsyncIterator<Uint8Array>
}

export class MaildropReader {
  readonly #store: Store
  readonly #account: AccountId
  readonly #mailbox: MailboxId
  readonly contents: MaildropContents
  #ahead = new Map<number, MessageText>()
  /** Index of the message that a client reading in order wants next. */
  #expected = 0
  #stream: Stream | null = null

  private constructor(store: Store, account: AccountId, mailbox: MailboxId, contents: MaildropContents) {
    this.#store = store
    this.#account = account
    this.#mailbox = mailbox
    this.contents = contents
  }

  /** Undefined when the account is gone. Rejects with `StoreUnavailable`. */
  static async open(store: Store, account: AccountId): Promise<MaildropReader | undefined> {
    const inbox = await store.findMailbox({ account, name: 'INBOX' })
    if (inbox === undefined) return undefined
    const { uids, sizes } = await store.loadSizes({ account, mailbox: inbox.id })
    return new MaildropReader(store, account, inbox.id, {
      uidValidity: inbox.uidValidity,
      uids,
      sizes,
    })
  }

  get mailbox(): MailboxId {
    return this.#mailbox
  }

  /** Rejects with `StoreUnavailable`. */
  async retrieve(question: Retrieve): Promise<Pop3Answer> {
    await this.#abandon()
    const row = await this.#row(question.uid)
    if (row === undefined) return { type: 'gone' }
    const { prefix } = row
    if (row.size <= wholeMessageBytes) {
      // Small messages came with their row.
      const body = row.data ?? (await this.#store.blobs.readSmall(row.blob))
      if (body !== undefined) {
        const message = prefix === '' ? body : Buffer.concat([Buffer.from(prefix), body])
        if (!question.utf8 && headerNeedsUtf8(message)) return { type: 'needs-utf8' }
        return { type: 'message', bytes: encodeMessage(message, question.bodyLines) }
      }
    }
    return this.#prepareStream(question)
  }

  /** Writes what `retrieve` prepared. Rejects where the message breaks off. */
  async stream(sink: Sink): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    if (stream === null) throw new Error('nothing was prepared to be streamed')
    const { encoder, rest } = stream
    try {
      await writePieces(sink, encoder.push(stream.start))
      while (!encoder.complete && !sink.gone.aborted) {
        const next = await rest.next()
        if (next.done === true) break
        await writePieces(sink, encoder.push(next.value))
      }
      await sink.write(encoder.finish())
    } finally {
      await rest.return?.()
    }
  }

  /** Forgets what was prepared. */
  async close(): Promise<void> {
    await this.#abandon()
  }

  async #abandon(): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    await stream?.rest.return?.()
  }

  async #prepareStream(question: Retrieve): Promise<Pop3Answer> {
    // The row anew: one that was fetched ahead may name a blob that has been collected since.
    const row = await this.#fetch(question.uid, question.uid)
    if (row === undefined) return { type: 'gone' }
    const rest = this.#store.blobs.read(row.blob)[Symbol.asyncIterator]()
    const first = await rest.next()
    const start = Buffer.concat([
      Buffer.from(row.prefix),
      first.done === true ? new Uint8Array() : first.value,
    ])
    // The first 64 KB or so stand for the header: a longer one is judged by its beginning.
    if (!question.utf8 && headerNeedsUtf8(start)) {
      await rest.return?.()
      return { type: 'needs-utf8' }
    }
    this.#stream = { encoder: new MessageEncoder(question.bodyLines), start, rest }
    return { type: 'stream' }
  }

  async #row(uid: number): Promise<MessageText | undefined> {
    const { uids } = this.contents
    const inOrder = uids[this.#expected] === uid
    const at = inOrder ? this.#expected : uids.indexOf(uid)
    this.#expected = at + 1
    const fetched = this.#ahead.get(uid)
    if (fetched !== undefined) {
      this.#ahead.delete(uid)
      return fetched
    }
    const last = inOrder ? (uids[Math.min(at + rowsAhead, uids.length) - 1] ?? uid) : uid
    return this.#fetch(uid, last)
  }

  /** The row of `uid`; those up to `last` are kept for later. */
  async #fetch(uid: number, last: number): Promise<MessageText | undefined> {
    this.#ahead = new Map()
    const uids = [[uid, last]] as const
    const request = { account: this.#account, mailbox: this.#mailbox, uids, data: true }
    for await (const batch of this.#store.messageTexts(request)) {
      for (const row of batch) this.#ahead.set(row.uid, row)
    }
    const row = this.#ahead.get(uid)
    this.#ahead.delete(uid)
    return row
  }
}

async function writePieces(sink: Sink, pieces: readonly Uint8Array[]): Promise<void> {
  const [only] = pieces
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
  // A promise only where the peer is slow.
  const room = sink.write(bytes)
  if (room !== undefined) await room
}

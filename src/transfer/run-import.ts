// The side of an import that reads the source: one message after the other becomes records, in constant memory. What cannot be
// read is told by name, and the rest goes on; only a source that breaks as a whole (a lost server) ends it.
import { createHash } from 'node:crypto'
import { takeStatusFields } from '../mail/mbox/status-fields.ts'
import { Flag } from '../store/model.ts'
import { isNamed } from './folder-names.ts'
import { contentDigest, contentKey } from './content-key.ts'
import { headerTime, openMessage, TextOctets } from './octets.ts'
import type { ImportEvent, ImportRecord } from './records.ts'
import { type Source, type SourceFolder, type SourceMessage, SourceUnreadable } from './source.ts'

export interface ImportChoice {
  /** Only these folders of the source; `*` is any text. None: all. */
  readonly folders: readonly string[]
  readonly exclude: readonly string[]
  /** All goes into this mailbox: a source with several folders, into mailboxes below it. */
  readonly into: string | null
  /** Milliseconds since the epoch. */
  readonly since: number | null
  /** For messages that tell no date. */
  readonly now: number
}

/** How far it is. */
export interface ImportProgress {
  readonly folder: string
  readonly messages: number
  readonly bytes: number
  /** Null where it is not known. */
  readonly totalMessages: number | null
  readonly totalBytes: number | null
}

export interface ImportReading {
  readonly source: Source
  readonly choice: ImportChoice
  readonly onProgress: (progress: ImportProgress) => void
  readonly onProblem: (name: string, reason: string) => void
  /** Ends it between two messages. */
  readonly signal: AbortSignal
}

/** What was read: those that were not sent on are counted here. */
export interface ReadTotals {
  known: number
  older: number
  elsewhere: number
  failed: number
  interrupted: boolean
}

/** Of one record. */
const dataOctets = 192 * 1024

/** Reads a source into records. `heard` gives it the answers to its folders. */
export class ImportReader {
  readonly #reading: ImportReading
  readonly totals: ReadTotals = { known: 0, older: 0, elsewhere: 0, failed: 0, interrupted: false }
  #answer = Promise.withResolvers<Extract<ImportEvent, { type: 'folder' }>>()
  /** Of the folder that is read. */
  #known: ReadonlySet<string> = new Set()
  /** How often each content came in it. */
  readonly #seen = new Map<string, number>()
  #messages = 0
  #bytes = 0
  #totalMessages: number | null = 0
  #totalBytes: number | null = 0

  constructor(reading: ImportReading) {
    this.#reading = reading
  }

  heard(event: ImportEvent): void {
    if (event.type === 'folder') this.#answer.resolve(event)
    else this.#reading.onProblem(event.name, event.reason)
  }

  async *records(): AsyncGenerator<ImportRecord> {
    const { source, choice, signal } = this.#reading
    const all = await source.folders()
    const chosen = all.filter(
      ({ name }) =>
        (choice.folders.length === 0 || isNamed(name, choice.folders)) && !isNamed(name, choice.exclude),
    )
    if (chosen.length === 0) throw new SourceUnreadable(nothingFound(source, all))
    this.#totalMessages = sumOf(chosen.map(({ messages }) => messages))
    this.#totalBytes = sumOf(chosen.map(({ bytes }) => bytes))
    for (const folder of chosen) {
      if (signal.aborted) break
      yield* this.#folder(folder, all.length > 1)
    }
    this.totals.interrupted = signal.aborted
    yield { type: 'finish' }
  }

  async *#folder(folder: SourceFolder, isOneOfMany: boolean): AsyncGenerator<ImportRecord> {
    const { choice, signal } = this.#reading
    const { name, specialUse, goesBy, subscribed } = folder
    const { into } = choice
    const target = into === null ? null : isOneOfMany && name !== 'INBOX' ? `${into}/${name}` : into
    yield { type: 'folder', name, target, specialUse, goesBy, subscribed }
    const known = new Set((await this.#answer.promise).known)
    this.#answer = Promise.withResolvers()
    this.#known = known
    this.#seen.clear()
    const skipped = (reason: 'known' | 'older' | 'elsewhere'): void => {
      this.totals[reason]++
      this.#moved(name, 0)
    }
    for await (const message of folder.read({ known, since: choice.since, skipped })) {
      if (signal.aborted) return
      yield* this.#message(message, name)
    }
  }

  async *#message(message: SourceMessage, folder: string): AsyncGenerator<ImportRecord> {
    const { name, key, identity, isCopy, flags, keywords } = message
    if (isCopy) {
      const internalDate = message.internalDate ?? this.#reading.choice.now
      yield {
        type: 'message',
        name,
        key,
        flags,
        keywords,
        internalDate,
        identity,
        isCopy,
        data: '',
        more: false,
      }
      this.#moved(folder, 0)
      return
    }
    let size = 0
    let hasBegun = false
    try {
      for await (const record of this.#pieces(message)) {
        if ('data' in record) size += (record.data.length * 3) / 4
        hasBegun ||= record.type === 'message'
        yield record
      }
    } catch (error) {
      if (error instanceof SourceUnreadable) throw error
      this.totals.failed++
      this.#reading.onProblem(
        name,
        `it cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      )
      if (hasBegun) yield { type: 'broken' }
    }
    this.#moved(folder, Math.floor(size))
  }

  async *#pieces(message: SourceMessage): AsyncGenerator<ImportRecord> {
    const { choice } = this.#reading
    const opened = await openMessage(message.open())
    const { header, state } =
      message.header === 'file' ? takeStatusFields(opened.header) : { header: opened.header, state: null }
    const internalDate = message.internalDate ?? headerTime(header) ?? message.fallbackDate ?? choice.now
    if (choice.since !== null && internalDate < choice.since) {
      this.totals.older++
      for await (const _ of opened.rest) continue
      return
    }
    let flags = message.flags
    for (const flag of state?.flags ?? []) flags |= Flag[flag]
    const { name, key, identity } = message
    const keywords = [...message.keywords, ...(state?.keywords ?? [])]
    let first = true
    for await (const [data, more] of inBlocks(octetsOf(header, opened.rest, message.octets))) {
      if (first) {
        // What can be told to be known here is not sent at all: a repetition costs the server nothing.
        const ownKey = key ?? (more ? null : this.#keyOf(data))
        if (ownKey !== null && this.#known.has(ownKey)) {
          this.totals.known++
          return
        }
        const facts = { name, key: ownKey, flags, keywords, internalDate, identity, isCopy: false }
        yield { type: 'message', ...facts, data, more }
      } else yield { type: 'data', data }
      if (!first && !more) yield { type: 'end' }
      first = false
    }
  }

  #keyOf(data: string): string {
    const digest = contentDigest(createHash('sha256').update(data, 'base64'))
    const count = (this.#seen.get(digest) ?? 0) + 1
    this.#seen.set(digest, count)
    return contentKey(digest, count)
  }

  #moved(folder: string, bytes: number): void {
    this.#messages++
    this.#bytes += bytes
    this.#reading.onProgress({
      folder,
      messages: this.#messages,
      bytes: this.#bytes,
      totalMessages: this.#totalMessages,
      totalBytes: this.#totalBytes,
    })
  }
}

function nothingFound(source: Source, all: readonly SourceFolder[]): string {
  if (all.length === 0)
    return `There is no mail in ${source.label} that can be recognised: it may be Maildir, mbox, .eml or a zip of these; --format says which.`
  const names = all.map(({ name }) => name).slice(0, 20)
  return `No folder of ${source.label} is chosen. It has: ${names.join(', ')}${all.length > 20 ? ', …' : ''}.`
}

function sumOf(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}

async function* octetsOf(
  header: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  octets: SourceMessage['octets'],
): AsyncGenerator<Uint8Array> {
  const text = octets === 'text' ? new TextOctets() : null
  if (header.length > 0) yield text?.push(header) ?? header
  for await (const chunk of rest) yield text?.push(chunk) ?? chunk
}

/** In base64, each with whether another one follows; at least one. */
async function* inBlocks(
  octets: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly [data: string, more: boolean]> {
  let held: Buffer[] = []
  let size = 0
  let ready: Buffer | null = null
  for await (const chunk of octets) {
    if (chunk.length === 0) continue
    held.push(Buffer.from(chunk))
    size += chunk.length
    if (size < dataOctets) continue
    if (ready !== null) yield [ready.toString('base64'), true]
    ready = Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0 || ready === null) {
    if (ready !== null) yield [ready.toString('base64'), true]
    ready = Buffer.concat(held)
  }
  yield [ready.toString('base64'), false]
}

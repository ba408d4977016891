// What an export writes into: one file a mailbox (mbox), a Maildir++, a folder of .eml files, or a zip archive of these. A target is
// made anew: nothing that is there is changed, since half an export over another one would be neither.
import { createWriteStream, type WriteStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { makeFolder } from '../store/blobs/make-folder.ts'
import type { ExportedMailbox, ExportedMessage } from './exporter.ts'

/** What the manifest says of a message that was written. */
export interface Written {
  readonly file: string | null
  readonly added: number
  readonly octets: 'exact' | 'lf'
}

export interface ExportTarget {
  readonly format: 'mbox' | 'maildir' | 'eml'
  /** Gives the file of the mailbox, where it has one. */
  mailbox(mailbox: ExportedMailbox): Promise<string | null>
  message(message: ExportedMessage, content: () => AsyncIterable<Uint8Array>): Promise<Written>
  /** One line, without its end. */
  manifest(line: string): Promise<void>
  /** Nothing comes any more. Everything is in its place when it resolves. */
  finish(): Promise<void>
  /** Instead of `finish`: closes what is open; what was written stays. */
  abandon(): Promise<void>
}

/** A target that is not empty, with a sentence. */
export class TargetTaken extends Error {
  override name = 'TargetTaken'
}

/** Makes an empty folder, or takes one that is empty. */
export async function emptyFolder(path: string): Promise<void> {
  await makeFolder(path)
  if ((await readdir(path)).length > 0) {
    throw new TargetTaken(`${path} is not empty: an export begins in a new folder.`)
  }
}

/** A level of a mailbox's name as a file name on any system. */
export function fileLevel(level: string): string {
  const safe = level.replace(/[\u0000-\u001f<>:"/\\|?*\u007f]/g, '_').replace(/^\.|[. ]$/g, '_')
  return /^(?:con|prn|aux|nul|com\d|lpt\d)$/i.test(safe) ? `${safe}_` : safe
}

/** Names that no two mailboxes share, even where case does not count. */
export class FileNames {
  readonly #taken = new Set<string>()

  take(name: string): string {
    let free = name
    for (let number = 2; this.#taken.has(free.toLowerCase()); number++) free = `${name} (${number})`
    this.#taken.add(free.toLowerCase())
    return free
  }
}

/** Appends to a file, with back-pressure. */
export class FileAppender {
  readonly #stream: WriteStream
  readonly #done: Promise<void>

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: 256 * 1024 })
    this.#done = finished(this.#stream)
    this.#done.catch(() => undefined)
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    if (this.#stream.write(bytes)) return
    const drained = Promise.withResolvers<void>()
    this.#stream.once('drain', drained.resolve)
    await Promise.race([drained.promise, this.#done])
  }

  async end(): Promise<void> {
    this.#stream.end()
    await this.#done
  }
}

/** Whether every line ends in CRLF, and no CR stands alone: then LF can stand for it in a file. */
export async function hasPlainLineEnds(content: AsyncIterable<Uint8Array>): Promise<boolean> {
  let wasCr = false
  for await (const chunk of content) {
    for (const octet of chunk) {
      if ((octet === 10) !== wasCr) return false
      wasCr = octet === 13
    }
  }
  return !wasCr
}

/** Octets for a file with LF: every CR goes. */
export function withoutCrs(bytes: Uint8Array): Uint8Array {
  return bytes.includes(13) ? bytes.filter((octet) => octet !== 13) : bytes
}

// A message on its way in: its bytes go to the store as they come, through the header editor where the role asks for edits.
//
// Nothing here holds more than a header; a promise is back-pressure. Exactly one of `finish` and `discard` ends it.
import { type Address, formatAddress } from '../../mail/address.ts'
import { formatDate } from '../../mail/date.ts'
import { HeaderEditor, type HeaderEdit } from '../../mail/header-edit.ts'
import type { Ingest, Ingested } from '../../store/ingest.ts'
import type { Account } from '../../store/model.ts'
import type { HandlerParts } from './parts.ts'

export interface MessageIntake {
  /** True where the header was too large to be edited; the message is lost then. */
  readonly failed: boolean
  write(bytes: Uint8Array): void | Promise<void>
  finish(): Ingested | Promise<Ingested>
  discard(): Promise<void>
}

/** What is known of a message before its first octet. */
export interface Submitted {
  readonly id: string
  readonly reversePath: Address | null
  /** Null where nobody logged in. */
  readonly account: Account | null
}

/** The intake of a role: for submission with what RFC 6409 §8 puts right, for all others as it comes. */
export function openIntake(parts: HandlerParts, submitted: Submitted): MessageIntake {
  if (parts.role !== 'submission') return plainIntake(parts.stage())
  const edits = submissionEdits(parts, submitted)
  // What is checked must not be larger than what the check looks at.
  if (edits.length === 0 && !parts.submission.checkFrom) return plainIntake(parts.stage())
  return new EditingIntake(parts.stage(), {
    edits,
    maxHeaderOctets: parts.submission.maxHeaderSize,
  })
}

/** The staged bytes through a set of edits; of a submission, or of a filter's rewrite. */
export class EditingIntake implements MessageIntake {
  readonly #staged: Ingest
  readonly #editor: HeaderEditor

  constructor(staged: Ingest, options: { edits: readonly HeaderEdit[]; maxHeaderOctets: number }) {
    this.#staged = staged
    this.#editor = new HeaderEditor(options)
  }

  get failed(): boolean {
    return this.#editor.failed
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return writeAll(this.#staged, this.#editor.push(bytes))
  }

  finish(): Ingested | Promise<Ingested> {
    const room = writeAll(this.#staged, this.#editor.finish())
    return room === undefined ? this.#staged.finish() : room.then(() => this.#staged.finish())
  }

  discard(): Promise<void> {
    return this.#staged.discard()
  }
}

function writeAll(staged: Ingest, pieces: readonly Uint8Array[]): void | Promise<void> {
  const waits: Promise<void>[] = []
  for (const piece of pieces) {
    const room = staged.write(piece)
    if (room !== undefined) waits.push(room)
  }
  // The store keeps its own order; the caller waits for all of them.
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => {})
}

function plainIntake(staged: Ingest): MessageIntake {
  return {
    failed: false,
    write: (bytes) => staged.write(bytes),
    finish: () => staged.finish(),
    discard: () => staged.discard(),
  }
}

function submissionEdits(
  { submission, hostName, clock }: HandlerParts,
  { id, reversePath, account }: Submitted,
): HeaderEdit[] {
  const edits: HeaderEdit[] = []
  // RFC 5322 §3.6.3: the field is removed, so that no recipient learns of the others.
  if (submission.removeBcc)
    edits.push({ type: 'remove', name: 'Bcc' }, { type: 'remove', name: 'Resent-Bcc' })
  if (submission.addMissingFields) {
    // RFC 5322 §3.6: From MUST be there. A reverse-path that nobody checked is not taken for the author.
    const proven = submission.checkSender && reversePath !== null ? formatAddress(reversePath) : undefined
    const author = proven ?? account?.address ?? ''
    // RFC 6532 makes a message with such an author a UTF-8 one, which is the client's to decide.
    if (/^[\x21-\x7e]+$/.test(author)) edits.push({ type: 'add-missing', name: 'From', value: author })
    edits.push(
      // RFC 6409 §8.2
      { type: 'add-missing', name: 'Date', value: formatDate(clock.now()) },
      // RFC 6409 §8.3, RFC 5322 §3.6.4
      { type: 'add-missing', name: 'Message-ID', value: `<${id}@${hostName}>` },
    )
  }
  return edits
}

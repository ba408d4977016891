// A message on its way into the store: its bytes go to a blob and through the MIME walk at once, chunk by chunk, so that
// nothing is read twice and nothing large is held. SMTP DATA and BDAT, IMAP APPEND and imports all come this way.
import { encodeStructure } from '../mail/mime/codec.ts'
import type { MimeLimits } from '../mail/mime/limits.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import type { StagedBlob, StagedMessage } from './model.ts'
import type { BlobStore, BlobWriter } from './store.ts'

/** What `finish` gives: the message for the store, and what the walk found, for whoever decides on it. */
export interface Ingested {
  readonly message: StagedMessage
  readonly structure: MessageStructure
}

/** One message. Exactly one of `finish` and `discard` ends it; `discard` is harmless after `finish`. */
export interface Ingest {
  /** Octets so far. */
  readonly size: number
  /** A promise where the medium asks for patience. Rejects or throws with `StoreUnavailable`. */
  write(bytes: Uint8Array): void | Promise<void>
  /** Synchronous for messages that stay in memory. */
  finish(): Ingested | Promise<Ingested>
  discard(): Promise<void>
}

export function ingest(options: { blobs: BlobStore; limits?: Partial<MimeLimits> }): Ingest {
  return new Staging(options.blobs.stage(), new MimeWalker(options.limits))
}

// A class, since an object literal with a getter is made anew, property by property, for each message.
class Staging implements Ingest {
  readonly #writer: BlobWriter
  readonly #walker: MimeWalker
  #size = 0

  constructor(writer: BlobWriter, walker: MimeWalker) {
    this.#writer = writer
    this.#walker = walker
  }

  get size(): number {
    return this.#size
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#size += bytes.length
    this.#walker.push(bytes)
    return this.#writer.write(bytes)
  }

  finish(): Ingested | Promise<Ingested> {
    const blob = this.#writer.finish()
    return blob instanceof Promise ? blob.then((stored) => this.#complete(stored)) : this.#complete(blob)
  }

  discard(): Promise<void> {
    return this.#writer.discard()
  }

  #complete(blob: StagedBlob): Ingested {
    const structure = this.#walker.finish()
    const { envelope, messageId, inReplyTo, references } = structure
    const threading = { subject: envelope.subject, messageId, inReplyTo, references }
    return { message: { blob, structure: encodeStructure(structure), threading }, structure }
  }
}

// A message on its way into the store: its bytes go to a blob and through the MIME walk at once, chunk by chunk, so that
// nothing is read twice and nothing large is held. SMTP DATA and BDAT, IMAP APPEND and imports all come this way.
import { encodeStructure } from '../mail/mime/codec.ts'
import type { MimeLimits } from '../mail/mime/limits.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import type { StagedBlob, StagedMessage } from './model.ts'
import type { BlobStore } from './store.ts'

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
  const writer = options.blobs.stage()
  const walker = new MimeWalker(options.limits)
  let size = 0
  const complete = (blob: StagedBlob): Ingested => {
    const structure = walker.finish()
    return { message: { blob, structure: encodeStructure(structure) }, structure }
  }
  return {
    get size() {
      return size
    },
    write(bytes) {
      size += bytes.length
      walker.push(bytes)
      return writer.write(bytes)
    },
    finish() {
      const blob = writer.finish()
      return blob instanceof Promise ? blob.then(complete) : complete(blob)
    },
    discard: () => writer.discard(),
  }
}

// A message to tell properties of: its structure, and its octets where they are wanted. Of the store, or of any blob (Email/parse).
import { Buffer } from 'node:buffer'
import { decodeStructure } from '../../../mail/mime/codec.ts'
import type { MessageStructure } from '../../../mail/mime/structure.ts'
import type { EmailText } from '../../../store/emails.ts'
import type { AccountId } from '../../../store/model.ts'
import type { BlobStore } from '../../../store/store.ts'
import { emailBlobId } from '../../proto/blob-ids.ts'

export interface EmailSource {
  readonly blobId: string
  /** Offsets count from where `read` does. */
  readonly structure: MessageStructure
  /** Trace fields of the recipient, which stand before the message as received. */
  readonly prefix: Uint8Array
  read(start: number, end: number): Promise<Uint8Array>
}

/** Octets of a stretch together. */
export async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const chunk of chunks) pieces.push(chunk)
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}

export function storedSource(blobs: BlobStore, account: AccountId, text: EmailText): EmailSource {
  const { blob, data } = text
  const whole = data ?? null
  return {
    blobId: emailBlobId(account, text.email),
    structure: decodeStructure(text.structure),
    prefix: Buffer.from(text.prefix),
    async read(start, end) {
      if (end <= start) return new Uint8Array(0)
      return whole !== null ? whole.subarray(start, end) : collected(blobs.read(blob, { start, end }))
    },
  }
}

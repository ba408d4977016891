// A filter's changes to a message that is staged already: header fields and body.
//
// The message is read back and staged again, changed, in bounded memory; the first one is left to whoever staged it. Throws a
// TypeError for what no header can hold: the filter is broken, and the message is to be deferred.
import { Buffer } from 'node:buffer'
import type { Rewrite } from '../config/hooks.ts'
import { openMessage } from '../hooks/message-parts.ts'
import { HeaderEditor } from '../mail/header-edit.ts'
import type { Ingest, Ingested } from '../store/ingest.ts'
import type { BlobStore } from '../store/store.ts'

export interface RestageParts {
  readonly stage: () => Ingest
  readonly readStaged: BlobStore['readStaged']
  /** Octets. */
  readonly maxHeaderSize: number
}

/** The same where nothing is changed. Rejects with `StoreUnavailable`, or with a TypeError; what was staged here is dropped then. */
export async function restage(
  parts: RestageParts,
  ingested: Ingested,
  { header = [], body }: Rewrite,
): Promise<Ingested> {
  if (header.length === 0 && body === undefined) return ingested
  const editor = new HeaderEditor({ edits: header, maxHeaderOctets: parts.maxHeaderSize })
  const staged = parts.stage()
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) await staged.write(piece)
  }
  try {
    const content = parts.readStaged(ingested.message.blob)
    for await (const piece of body === undefined ? content : withBody(content, body)) {
      await write(editor.push(piece))
    }
    await write(editor.finish())
    if (editor.failed) throw new TypeError('the header is too large to be changed')
    return await staged.finish()
  } catch (error) {
    await staged.discard()
    throw error
  }
}

/** The header of the one, and the other behind it. */
async function* withBody(
  content: AsyncIterable<Uint8Array>,
  body: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const opened = await openMessage(content)
  await opened.close()
  const { header } = opened
  // RFC 5322 §2.1: an empty line between them, also where the message had no body.
  const end =
    header.endsWith('\r\n\r\n') || header === '\r\n' ? '' : header.endsWith('\r\n') ? '\r\n' : '\r\n\r\n'
  yield Buffer.from(header + end, 'latin1')
  yield body
}

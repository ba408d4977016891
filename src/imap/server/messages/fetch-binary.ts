// BINARY[…] (RFC 3516 §4.2, RFC 9051 §6.4.5): a part with its transfer encoding undone.
//
// The count of a literal stands before its octets, so an encoded part is decoded twice: once to be counted and looked through for NUL,
// once to be sent; what is small is kept in between. Messages and multiparts have no encoding of their own (RFC 2045 §6.4) and
// are sent as they are.
import { cut, sizeOf } from './message-bytes.ts'
import { sectionAt } from '../../../mail/mime/section.ts'
import { transferDecoder } from '../../../mail/transfer.ts'
import type { MessageBytes, Piece } from './message-bytes.ts'
import type { Partial } from '../../proto/grammar/fetch.ts'

/** What is to be sent. */
export type Binary =
  | { readonly type: 'absent' }
  | {
      readonly type: 'octets'
      /** Octets, decoded. */
      readonly size: number
      readonly hasNul: boolean
      read(): AsyncIterable<Uint8Array>
    }

/** Decoded octets up to this many are kept from counting to sending. */
const kept = 262_144

/** Undefined where the part's transfer encoding is not known (RFC 3516 §4.3 UNKNOWN-CTE). */
export async function openBinary(
  message: MessageBytes,
  path: readonly number[],
  partial: Partial | null,
): Promise<Binary | undefined> {
  const found = piecesOf(message, path)
  if (found === undefined) return { type: 'absent' }
  const { pieces, encoding } = found
  if (encoding === null) return undefined
  const { start, end } = windowOf(partial)
  if (encoding === 'identity') {
    const cutOut = cut(pieces, start, Math.min(end, sizeOf(pieces)))
    return measure(() => readAll(message, cutOut))
  }
  return measure(() => slice(decode(readAll(message, pieces), encoding), start, end))
}

function windowOf(partial: Partial | null): { start: number; end: number } {
  return partial === null
    ? { start: 0, end: Infinity }
    : { start: partial.start, end: partial.start + partial.length }
}

const encodings: ReadonlyMap<string, 'identity' | 'base64' | 'quoted-printable'> = new Map([
  ['7bit', 'identity'],
  ['8bit', 'identity'],
  ['binary', 'identity'],
  ['base64', 'base64'],
  ['quoted-printable', 'quoted-printable'],
])

/** Where a part's octets are and how they are encoded; null: nobody knows. */
function piecesOf(
  message: MessageBytes,
  path: readonly number[],
): { pieces: Piece[]; encoding: 'identity' | 'base64' | 'quoted-printable' | null } | undefined {
  const { prefix, blobSize } = message
  if (path.length === 0) {
    const whole: Piece[] = [
      { from: 'memory', bytes: prefix },
      { from: 'blob', start: 0, end: blobSize },
    ]
    return { pieces: whole, encoding: 'identity' }
  }
  const part = sectionAt(message.structure, path)?.part
  if (part === undefined) return undefined
  const pieces: Piece[] = [{ from: 'blob', start: part.bodyStart, end: part.bodyEnd }]
  const composite = part.type === 'multipart' || part.message !== null
  return { pieces, encoding: composite ? 'identity' : (encodings.get(part.encoding) ?? null) }
}

async function* readAll(message: MessageBytes, pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield* message.read(piece)
}

async function* decode(
  octets: AsyncIterable<Uint8Array>,
  encoding: 'base64' | 'quoted-printable',
): AsyncGenerator<Uint8Array> {
  const decoder = transferDecoder(encoding)
  for await (const chunk of octets) yield decoder.push(chunk)
  yield decoder.finish()
}

/** The octets from `start` up to `end`. */
async function* slice(
  octets: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of octets) {
    const from = Math.max(0, start - at)
    const to = Math.min(chunk.length, end - at)
    at += chunk.length
    if (from < to) yield chunk.subarray(from, to)
    if (at >= end) return
  }
}

async function measure(read: () => AsyncIterable<Uint8Array>): Promise<Binary> {
  const chunks: Uint8Array[] = []
  let size = 0
  let hasNul = false
  for await (const chunk of read()) {
    size += chunk.length
    hasNul ||= chunk.includes(0)
    if (size <= kept) chunks.push(chunk)
  }
  if (size > kept) return { type: 'octets', size, hasNul, read }
  return { type: 'octets', size, hasNul, read: () => inMemory(chunks) }
}

async function* inMemory(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

// A message's octets on their way in and out: line ends, the header before the rest, and the moment that a header tells.
import { Buffer } from 'node:buffer'
import { tryDate } from '../mail/date.ts'
import { fieldValue, splitHeader } from '../mail/header.ts'

/** A header beyond this is passed on as it is, without being read. */
const longestHeader = 1024 * 1024

/** The header with the empty line that ends it, and what follows. */
export interface OpenedMessage {
  readonly header: Buffer
  readonly rest: AsyncIterable<Uint8Array>
}

/** Reads the header alone. An empty one where it is too long to be read: then `rest` is all of it. */
export async function openMessage(content: AsyncIterable<Uint8Array>): Promise<OpenedMessage> {
  const iterator = content[Symbol.asyncIterator]()
  const chunks: Buffer[] = []
  let size = 0
  let window = ''
  for (;;) {
    const next = await iterator.next()
    if (next.done === true) return split(Buffer.concat(chunks), iterator)
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    chunks.push(Buffer.from(chunk))
    size += chunk.length
    window = window.slice(-3) + chunk.toString('latin1')
    if (/\n\r?\n/.test(window) || /^\r?\n/.test(chunks[0]?.toString('latin1', 0, 2) ?? '')) {
      return split(Buffer.concat(chunks), iterator)
    }
    if (size > longestHeader)
      return { header: Buffer.alloc(0), rest: joined(Buffer.concat(chunks), iterator) }
  }
}

function split(bytes: Buffer, iterator: AsyncIterator<Uint8Array>): OpenedMessage {
  const end = headerEnd(bytes)
  return { header: bytes.subarray(0, end), rest: joined(bytes.subarray(end), iterator) }
}

function headerEnd(bytes: Buffer): number {
  for (let at = 0; ;) {
    const lf = bytes.indexOf(10, at)
    if (lf < 0) return bytes.length
    const length = lf - at - (lf > at && bytes[lf - 1] === 13 ? 1 : 0)
    at = lf + 1
    if (length === 0) return at
  }
}

async function* joined(first: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const next = await iterator.next()
    if (next.done === true) return
    yield next.value
  }
}

/** RFC 5322 §2.3: CR and LF stand together alone. NUL, which IMAP cannot send (RFC 9051 §4.3.1), becomes 0x80. */
export class TextOctets {
  /** The chunk before ended in a CR, which has been given out with its LF. */
  #owesNothing = false

  push(bytes: Uint8Array): Buffer {
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const wasCr = this.#owesNothing
    if (input.length > 0) this.#owesNothing = input.at(-1) === 13
    const start = wasCr && input[0] === 10 ? 1 : 0
    return isClean(input, start) ? input.subarray(start) : cleaned(input, start)
  }
}

function isClean(input: Buffer, start: number): boolean {
  if (input.indexOf(0, start) >= 0 || input.at(-1) === 13) return false
  for (let at = input.indexOf(10, start); at >= 0; at = input.indexOf(10, at + 1)) {
    if (at === start || input[at - 1] !== 13) return false
  }
  for (let at = input.indexOf(13, start); at >= 0; at = input.indexOf(13, at + 1)) {
    if (input[at + 1] !== 10) return false
  }
  return true
}

function cleaned(input: Buffer, start: number): Buffer {
  const out = Buffer.allocUnsafe((input.length - start) * 2)
  let to = 0
  for (let at = start; at < input.length; at++) {
    const octet = input[at] ?? 0
    if (octet === 10 || octet === 13) {
      out[to++] = 13
      out[to++] = 10
      if (octet === 13 && input[at + 1] === 10) at++
    } else out[to++] = octet === 0 ? 0x80 : octet
  }
  return out.subarray(0, to)
}

/** When the message came: the newest Received (RFC 5321 §4.4), else Date. Milliseconds since the epoch. */
export function headerTime(header: Buffer): number | undefined {
  const { fields } = splitHeader(header.toString('latin1'))
  const received = fields.find(({ name }) => name === 'received')
  if (received !== undefined) {
    const value = fieldValue(received)
    const time = tryDate(value.slice(value.lastIndexOf(';') + 1))?.time
    if (time !== undefined) return time
  }
  const date = fields.find(({ name }) => name === 'date')
  return date === undefined ? undefined : tryDate(fieldValue(date))?.time
}

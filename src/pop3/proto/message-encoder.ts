// A message as a multi-line response carries it (RFC 1939 §3): every line ended by CRLF, a dot before each line that
// begins with one, and for TOP (RFC 1939 §7) only so many lines of the body. Streaming, one pass, cut-invariant.
//
// A bare LF becomes CRLF, so that what a client takes for a line is one for us too, and the end of the message can't be
// forged from inside it. An unfinished last line is finished. The terminating dot is the caller's.
import { Buffer } from 'node:buffer'

const lf = 0x0a
const cr = 0x0d
const dotOctet = 0x2e
const dot = Buffer.from('.')
const carriageReturn = Buffer.from('\r')

export class MessageEncoder {
  /** Lines of the body still to send; null for all. */
  #bodyLines: number | null
  #inHeader = true
  #atLineStart = true
  /** Octets of the current line in earlier chunks. */
  #lineLength = 0
  #last = 0
  #complete = false

  /** `bodyLines` is the argument of TOP; null sends everything. */
  constructor(bodyLines: number | null) {
    this.#bodyLines = bodyLines
  }

  /** True when TOP has all it wants; further chunks give nothing. */
  get complete(): boolean {
    return this.#complete
  }

  /** The octets to send for this chunk, as pieces that may refer to it. */
  push(chunk: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    if (chunk.length === 0 || this.#complete) return pieces
    let sent = 0
    let at = 0
    while (at < chunk.length && !this.#complete) {
      if (this.#atLineStart) {
        this.#atLineStart = false
        // RFC 1939 §3: a line that begins with the termination octet gets another one in front.
        if (chunk[at] === dotOctet) {
          pieces.push(chunk.subarray(sent, at), dot)
          sent = at
        }
      }
      const end = chunk.indexOf(lf, at)
      if (end === -1) {
        this.#lineLength += chunk.length - at
        at = chunk.length
        break
      }
      const before = end > 0 ? chunk[end - 1] : this.#last
      const length = this.#lineLength + end - at
      if (before !== cr || length === 0) {
        pieces.push(chunk.subarray(sent, end), carriageReturn)
        sent = end
      }
      at = end + 1
      this.#endLine(length === 0 || (length === 1 && before === cr))
    }
    this.#last = chunk[at - 1] ?? 0
    pieces.push(chunk.subarray(sent, at))
    return pieces
  }

  /** What is missing at the end: the rest of an unfinished last line's CRLF. */
  finish(): string {
    if (this.#atLineStart || this.#complete) return ''
    this.#atLineStart = true
    return this.#last === cr ? '\n' : '\r\n'
  }

  #endLine(isEmpty: boolean): void {
    this.#atLineStart = true
    this.#lineLength = 0
    if (this.#inHeader) {
      if (!isEmpty) return
      this.#inHeader = false
    } else if (this.#bodyLines !== null) this.#bodyLines--
    if (this.#bodyLines === 0) this.#complete = true
  }
}

/** A whole message at once: `encodeMessage(text, null)` is the text where nothing needs a change. */
export function encodeMessage(message: Uint8Array, bodyLines: number | null): Uint8Array {
  const encoder = new MessageEncoder(bodyLines)
  const pieces = encoder.push(message)
  const rest = encoder.finish()
  const [only] = pieces
  if (rest === '' && pieces.length === 1 && only !== undefined) return only
  return Buffer.concat([...pieces, Buffer.from(rest)])
}

/**
 * True when a header holds UTF-8 (RFC 6532), so that the message may go only to a client in UTF-8 mode (RFC 6856 §2.1).
 * Octets that are not UTF-8 are an old offence with which clients have always coped. `start` is the beginning of the message, as
 * much of it as is at hand.
 */
export function headerNeedsUtf8(start: Uint8Array): boolean {
  let end = 0
  let nonAscii = false
  while (end < start.length) {
    const next = start.indexOf(lf, end)
    const stop = next === -1 ? start.length : next
    if (stop === end || (stop === end + 1 && start[end] === cr)) break
    for (let at = end; !nonAscii && at < stop; at++) nonAscii = (start[at] ?? 0) >= 0x80
    end = stop + 1
  }
  return nonAscii && isUtf8(start.subarray(0, Math.min(end, start.length)))
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    // The chunk may end inside a character, which `stream` forgives.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

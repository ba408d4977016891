// Encoding for transfer (RFC 2045 §6.7 and §6.8) as a stream: bytes in, bytes out, a few bytes of state between.
// Lines are at most 76 characters. What comes out is US-ASCII with CRLF alone, and decodes to exactly what went in.
import { Buffer } from 'node:buffer'

/** A transfer encoder. `finish` gives what the end of the input releases; afterwards the encoder is used up. */
export interface TransferEncoder {
  push(chunk: Uint8Array): Uint8Array
  finish(): Uint8Array
}

/** RFC 2045 §6.7 and §6.8: characters of a line without its CRLF. */
const lineLength = 76

/** RFC 2045 §6.8. Lines are separated by CRLF; none follows the last one. */
export class Base64Encoder implements TransferEncoder {
  #held: Uint8Array = new Uint8Array(0)
  #begun = false

  push(chunk: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk])
    const whole = all.length - (all.length % octetsOfLine)
    this.#held = Buffer.from(all.subarray(whole))
    return this.#lines(all.subarray(0, whole))
  }

  finish(): Uint8Array {
    const rest = this.#held
    this.#held = new Uint8Array(0)
    return this.#lines(Buffer.from(rest))
  }

  #lines(bytes: Buffer): Uint8Array {
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += octetsOfLine) {
      lines.push(bytes.subarray(at, at + octetsOfLine).toString('base64'))
    }
    if (lines.length === 0) return nothing
    const text = (this.#begun ? '\r\n' : '') + lines.join('\r\n')
    this.#begun = true
    return Buffer.from(text, 'latin1')
  }
}

const octetsOfLine = (lineLength / 4) * 3
const nothing = new Uint8Array(0)

/** RFC 2045 §6.7. CRLF stays a line break; any other control, and a CR or LF alone, is encoded. */
export class QuotedPrintableEncoder implements TransferEncoder {
  #column = 0
  /** White space whose fate hangs on what follows, or a CR that may begin a line break. */
  #held = ''

  push(chunk: Uint8Array): Uint8Array {
    let out = ''
    for (let at = 0; at < chunk.length; at++) out += this.#take(chunk[at] ?? 0)
    return Buffer.from(out, 'latin1')
  }

  finish(): Uint8Array {
    const out = this.#release('last')
    return Buffer.from(out, 'latin1')
  }

  #take(octet: number): string {
    if (octet === lf && this.#held.endsWith('\r')) {
      // RFC 2045 §6.7 (3): white space at the end of a line must be encoded.
      const space = this.#held.slice(0, -1)
      this.#held = ''
      const out = space === '' ? '\r\n' : `${this.#put(hex(space.charCodeAt(0)))}\r\n`
      this.#column = 0
      return out
    }
    if (octet === cr) {
      if (this.#held.endsWith('\r')) {
        const out = this.#release('more')
        this.#held = '\r'
        return out
      }
      this.#held += '\r'
      return ''
    }
    const before = this.#release('more')
    if (octet === space || octet === tab) {
      this.#held = String.fromCharCode(octet)
      return before
    }
    const plain = octet > 32 && octet < 127 && octet !== equals
    // RFC 5321 §4.5.2 and mbox readers: a dot or "From " at the start of a line survives, but encoded dots never meet stuffing.
    const safe = plain && !(octet === dot && this.#column === 0)
    return before + this.#put(safe ? String.fromCharCode(octet) : hex(octet))
  }

  /** What was held, now that it is known what follows; at the very end white space is encoded. */
  #release(where: 'more' | 'last'): string {
    const held = this.#held
    this.#held = ''
    let out = ''
    for (const character of held) {
      const encode = character === '\r' || where === 'last'
      out += this.#put(encode ? hex(character.charCodeAt(0)) : character)
    }
    return out
  }

  /** RFC 2045 §6.7 (5): soft line breaks keep lines within 76 characters, their `=` included. */
  #put(text: string): string {
    if (this.#column + text.length < lineLength) {
      this.#column += text.length
      return text
    }
    const first = text === '.' ? hex(dot) : text
    this.#column = first.length
    return `=\r\n${first}`
  }
}

function hex(octet: number): string {
  return `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
}

const tab = 9
const lf = 10
const cr = 13
const space = 32
const dot = 0x2e
const equals = 0x3d

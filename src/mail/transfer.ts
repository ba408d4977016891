// Content-Transfer-Encodings (RFC 2045 §6), decoded as a stream: bytes in, bytes out, a few bytes of state between.
//
// Hostile input is decoded as far as it goes: RFC 2045 §6.8 has characters outside the alphabet ignored, and §6.7 asks
// for robustness with illegal `=` sequences, which stay as they are. No output is longer than input plus carried bytes.

/** A transfer decoder. `finish` gives what the end of the input releases; afterwards the decoder is used up. */
export interface TransferDecoder {
  push(chunk: Uint8Array): Uint8Array
  finish(): Uint8Array
}

/** The decoder of an encoding name (lower-cased); `7bit`, `8bit`, `binary` and unknown ones pass through. */
export function transferDecoder(encoding: string): TransferDecoder {
  if (encoding === 'base64') return new Base64Decoder()
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder()
  return new IdentityDecoder()
}

/** Decodes a whole body at once. */
export function decodeTransfer(bytes: Uint8Array, encoding: string): Uint8Array {
  if (encoding !== 'base64' && encoding !== 'quoted-printable') return bytes
  const decoder = transferDecoder(encoding)
  const head = decoder.push(bytes)
  const tail = decoder.finish()
  if (tail.length === 0) return head
  const all = new Uint8Array(head.length + tail.length)
  all.set(head)
  all.set(tail, head.length)
  return all
}

/** Passes bytes through. */
export class IdentityDecoder implements TransferDecoder {
  push(chunk: Uint8Array): Uint8Array {
    return chunk
  }
  finish(): Uint8Array {
    return nothing
  }
}

/** RFC 2045 §6.8. Padding ends a quantum, not the data: concatenated base64 goes on after it. */
export class Base64Decoder implements TransferDecoder {
  #bits = 0
  /** Characters of the quantum seen, 0 to 3. */
  #count = 0

  push(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(Math.floor(((chunk.length + this.#count) * 3) / 4) + 3)
    let length = 0
    let bits = this.#bits
    let count = this.#count
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      const value = sextets[byte] ?? ignored
      if (value < 64) {
        bits = (bits << 6) | value
        if (++count < 4) continue
        out[length++] = bits >> 16
        out[length++] = bits >> 8
        out[length++] = bits
        bits = count = 0
      } else if (byte === equals && count > 0) {
        length = releaseQuantum(out, length, bits, count)
        bits = count = 0
      }
    }
    this.#bits = bits
    this.#count = count
    return out.subarray(0, length)
  }

  finish(): Uint8Array {
    const out = new Uint8Array(2)
    return out.subarray(0, releaseQuantum(out, 0, this.#bits, this.#count))
  }
}

/** Writes the whole octets of an unfinished quantum: 2 characters hold one, 3 hold two. */
function releaseQuantum(out: Uint8Array, start: number, bits: number, count: number): number {
  let length = start
  if (count === 2) out[length++] = bits >> 4
  if (count === 3) {
    out[length++] = bits >> 10
    out[length++] = bits >> 2
  }
  return length
}

/** RFC 2045 §6.7. */
export class QuotedPrintableDecoder implements TransferDecoder {
  /** An `=` and what followed it so far, or white space that may turn out to be trailing. */
  #held: number[] = []

  push(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(chunk.length + this.#held.length)
    let length = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#held.length === 0 && byte !== equals && byte !== space && byte !== tab) {
        out[length++] = byte
        continue
      }
      length = this.#take(byte, out, length)
    }
    return out.subarray(0, length)
  }

  finish(): Uint8Array {
    const first = this.#held[0]
    // Trailing white space and a soft line break at the very end are no content.
    const rest = first === equals && this.#held.length === 2 ? this.#held.filter((byte) => byte !== cr) : []
    this.#held = []
    return Uint8Array.from(rest.length > 1 ? rest : [])
  }

  #take(byte: number, out: Uint8Array, start: number): number {
    const held = this.#held
    if (held[0] === equals) return this.#takeEscape(byte, out, start)
    if (byte === space || byte === tab) {
      // RFC 2045 §6.7 (3): a line is at most 76 long; more white space than a long line is kept as content.
      if (held.length < longestHeld) held.push(byte)
      else return this.#release(out, start, byte)
      return start
    }
    // RFC 2045 §6.7 (3): trailing white space on a line was added in transport and must be deleted.
    if (byte === cr || byte === lf) {
      held.length = 0
      out[start] = byte
      return start + 1
    }
    const length = this.#release(out, start)
    if (byte === equals) {
      held.push(byte)
      return length
    }
    out[length] = byte
    return length + 1
  }

  #takeEscape(byte: number, out: Uint8Array, start: number): number {
    const held = this.#held
    const second = held[1]
    if (second === undefined) {
      // `=` LF: a soft line break with the line end of another system.
      if (byte === lf) held.length = 0
      else held.push(byte)
      return start
    }
    if (second === cr || isBlank(second)) return this.#takeSoftBreak(byte, out, start)
    held.length = 0
    const high = hexValue(second)
    const low = hexValue(byte)
    if (high >= 0 && low >= 0) {
      out[start] = high * 16 + low
      return start + 1
    }
    // RFC 2045 §6.7, note on robustness: an illegal sequence stays in the text as it is.
    out[start] = equals
    return this.#again([second, byte], out, start + 1)
  }

  /** After `=` and white space or CR: a soft break with trailing space, or no escape at all. */
  #takeSoftBreak(byte: number, out: Uint8Array, start: number): number {
    const held = this.#held
    const last = held[held.length - 1] ?? 0
    if (byte === lf) {
      held.length = 0
      return start
    }
    if (last !== cr && (isBlank(byte) || byte === cr) && held.length < longestHeld) {
      held.push(byte)
      return start
    }
    const rest = held.splice(0)
    out[start] = equals
    return this.#again([...rest.slice(1), byte], out, start + 1)
  }

  /** Takes bytes once more, now that they are known not to belong to an escape. */
  #again(bytes: readonly number[], out: Uint8Array, start: number): number {
    let length = start
    for (const byte of bytes) {
      const special = byte === equals || byte === space || byte === tab || this.#held.length > 0
      if (special) length = this.#take(byte, out, length)
      else out[length++] = byte
    }
    return length
  }

  #release(out: Uint8Array, start: number, extra?: number): number {
    let length = start
    for (const byte of this.#held) out[length++] = byte
    this.#held.length = 0
    if (extra !== undefined) out[length++] = extra
    return length
  }
}

const longestHeld = 1000
const tab = 0x09
const lf = 0x0a
const cr = 0x0d
const space = 0x20
const equals = 0x3d
const ignored = 255
const nothing = new Uint8Array(0)

const sextets = makeSextets()

function makeSextets(): Uint8Array {
  const table = new Uint8Array(256).fill(ignored)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let value = 0; value < 64; value++) table[alphabet.charCodeAt(value)] = value
  return table
}

function isBlank(byte: number): boolean {
  return byte === space || byte === tab
}

/** Both cases: RFC 2045 §6.7 has readers take lower case too. */
function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

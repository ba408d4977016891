// The other way of `splitter.ts` in mboxrd: a `>` before each line that begins with `From `, `>From `, `>>From ` … However the
// octets are cut, what comes out is the same.
import { Buffer } from 'node:buffer'
import { longestQuote } from './splitter.ts'

const LF = 10

export class MboxQuoter {
  /** The begin of a line that may yet have to be quoted. */
  #carry: Buffer = Buffer.alloc(0)
  #atLineStart = true

  push(bytes: Uint8Array): Buffer {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const input = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    this.#carry = Buffer.alloc(0)
    const pieces: Buffer[] = []
    let given = 0
    let at = 0
    while (at < input.length) {
      if (this.#atLineStart) {
        const verdict = quoteAt(input, at)
        if (verdict === 'unknown') {
          this.#carry = Buffer.from(input.subarray(at))
          break
        }
        if (verdict === 'quote') {
          pieces.push(input.subarray(given, at), mark)
          given = at
        }
      }
      const lf = input.indexOf(LF, at)
      this.#atLineStart = lf >= 0
      at = lf < 0 ? input.length : lf + 1
    }
    pieces.push(input.subarray(given, input.length - this.#carry.length))
    return pieces.length === 1 ? (pieces[0] ?? mark) : Buffer.concat(pieces)
  }

  /** What was held back: the message ended within it. */
  finish(): Buffer {
    return this.#carry
  }
}

const mark = Buffer.from('>')
const word = Buffer.from('From ')

function quoteAt(input: Buffer, start: number): 'quote' | 'plain' | 'unknown' {
  let at = start
  while (input[at] === 0x3e && at - start < longestQuote) at++
  const end = Math.min(word.length, input.length - at)
  for (let index = 0; index < end; index++) if (input[at + index] !== word[index]) return 'plain'
  return end === word.length ? 'quote' : 'unknown'
}

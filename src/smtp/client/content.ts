// Content for DATA and BDAT: dots stuffed (RFC 5321 §4.5.2), line endings watched.
//
// A CR or LF alone in text is what SMTP smuggling is made of: a server may take it for a line's end, and what follows for
// commands. So it never leaves: `scan` and `stuff` tell of it, and the sender stops before it completes the message.
import { Buffer } from 'node:buffer'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e
/** Octets looked at as one string. */
const window = 262_144
// "\n." is where a dot is stuffed; the others are what text may not have.
const remarkable = /\n\.|\r(?!\n)|(?<!\r)\n/g
const bare = /\r(?!\n)|(?<!\r)\n/g

const dot = Buffer.from('.')

/** Watches one message, piece by piece. */
export class LineEndings {
  /** A CR or LF stood alone. */
  hasBareNewline = false
  /** The last octet; at the beginning, which is the beginning of a line, LF. */
  #last = LF

  /** Whether what came so far ends in CRLF (nothing at all does, too). */
  get atLineStart(): boolean {
    return this.#last === LF
  }

  /** The message is whole: a CR at its end stands alone. */
  finish(): void {
    if (this.#last === CR) this.hasBareNewline = true
  }

  /** Looks at text that is sent as it is. */
  scan(bytes: Uint8Array): void {
    for (const input of windows(bytes)) this.#search(input, bare, null)
  }

  /** The pieces to send for these: the input itself, cut before each dot that begins a line, with dots between. */
  stuff(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    for (const input of windows(bytes)) {
      let start = 0
      this.#search(input, remarkable, (at) => {
        if (at > start) pieces.push(input.subarray(start, at))
        pieces.push(dot)
        start = at
      })
      pieces.push(start === 0 ? input : input.subarray(start))
    }
    return pieces
  }

  /** Finds bare newlines, and gives the place of each dot that begins a line. */
  #search(input: Buffer, pattern: RegExp, onDot: ((at: number) => void) | null): void {
    const first = input[0]
    // The pair of the last piece's end and this one's beginning, which the pattern cannot see.
    if ((this.#last === CR) !== (first === LF)) this.hasBareNewline = true
    if (first === DOT && this.atLineStart) onDot?.(0)
    const text = input.toString('latin1')
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const { index } = match
      if (match[0].length === 2) {
        if (index > 0 && text.charCodeAt(index - 1) !== CR) this.hasBareNewline = true
        onDot?.(index + 1)
      } else if (index !== (match[0] === '\r' ? text.length - 1 : 0)) {
        this.hasBareNewline = true
      }
    }
    this.#last = input[input.length - 1] ?? LF
  }
}

/** The octets in pieces that are worth one string each; none for none. */
function windows(bytes: Uint8Array): Iterable<Buffer> {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return input.length > 0 && input.length <= window ? [input] : cut(input)
}

function* cut(input: Buffer): Generator<Buffer> {
  for (let at = 0; at < input.length; at += window) yield input.subarray(at, at + window)
}

// The dialogue of one SMTP session as it is kept for people: lines of both sides with their times, credentials left out, messages
// counted instead of kept, all of it bounded.
//
// It reads what the client sends only to tell commands from content: after 354 up to the lone dot, and behind BDAT as many octets as it
// names. Nothing is decided here.
import { Buffer } from 'node:buffer'
import type { TlsState } from '../base/core.ts'
import type { TranscriptLine } from './message.ts'

export interface DialogueLimits {
  readonly lines: number
  /** Octets, as characters of the lines. */
  readonly size: number
}

const longestLine = 1_000

/** How the client's next octets are to be read. */
type Mode =
  | { readonly type: 'command' }
  | { readonly type: 'data'; octets: number; tail: string }
  | { readonly type: 'chunk'; remaining: number; readonly octets: number }

export class Dialogue {
  readonly #limits: DialogueLimits
  readonly #now: () => number
  readonly #startedAt: number
  /** Up to the first MAIL: what all messages of the session have in common. */
  #prelude: TranscriptLine[] = []
  #current: TranscriptLine[] = []
  #inPrelude = true
  #size = 0
  #truncated = false
  #mode: Mode = { type: 'command' }
  #partial = ''
  #inAuth = false

  constructor(limits: DialogueLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#startedAt = now()
  }

  /** Lines of the session's beginning and of what came since the last message. */
  get lines(): readonly TranscriptLine[] {
    return [...this.#prelude, ...this.#current]
  }

  get truncated(): boolean {
    return this.#truncated
  }

  /** A message is over: what comes now belongs to the next. */
  nextMessage(): void {
    this.#current = []
    this.#inPrelude = false
    this.#size = sizeOf(this.#prelude)
    this.#truncated = false
  }

  fromServer(bytes: Uint8Array | string): void {
    const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
    for (const line of linesOf(text)) {
      this.#add('server', line)
      // RFC 4954 §4: the next line is the client's answer to a challenge.
      this.#inAuth = line.startsWith('334')
      if (line.startsWith('354') && this.#mode.type === 'command')
        this.#mode = { type: 'data', octets: 0, tail: '\r\n' }
    }
  }

  fromClient(bytes: Uint8Array): void {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    while (rest.length > 0) rest = this.#take(rest)
  }

  note(text: string): void {
    this.#add('note', text)
  }

  secured({ version, cipher }: TlsState): void {
    this.#mode = { type: 'command' }
    this.#partial = ''
    this.note(`TLS: ${version}, ${cipher}`)
  }

  #take(bytes: Buffer): Buffer {
    const mode = this.#mode
    switch (mode.type) {
      case 'command':
        return this.#takeLine(bytes)
      case 'data':
        return this.#takeData(bytes, mode)
      case 'chunk': {
        const taken = Math.min(bytes.length, mode.remaining)
        mode.remaining -= taken
        if (mode.remaining === 0) {
          this.note(`${mode.octets} octets of the message`)
          this.#mode = { type: 'command' }
        }
        return bytes.subarray(taken)
      }
    }
  }

  #takeLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf(0x0a)
    const piece = end < 0 ? bytes : bytes.subarray(0, end)
    if (this.#partial.length < longestLine) this.#partial += piece.subarray(0, longestLine).toString('latin1')
    if (end < 0) return bytes.subarray(bytes.length)
    const octets = this.#partial.endsWith('\r') ? this.#partial.slice(0, -1) : this.#partial
    const line = plain.test(octets) ? octets : Buffer.from(octets, 'latin1').toString('utf8')
    this.#partial = ''
    this.#command(line)
    return bytes.subarray(end + 1)
  }

  #command(line: string): void {
    if (this.#inAuth) {
      this.#inAuth = false
      this.#add('client', '[secret]')
      return
    }
    if (/^MAIL\b/i.test(line)) this.#inPrelude = false
    // RFC 4954 §4: an initial response is a credential.
    this.#add('client', line.replace(/^(AUTH\s+\S+\s+)\S.*$/i, '$1[secret]'))
    const chunk = /^BDAT\s+(\d{1,15})/i.exec(line)?.[1]
    const octets = Number(chunk ?? 0)
    if (octets > 0) this.#mode = { type: 'chunk', remaining: octets, octets }
  }

  /** RFC 5321 §4.1.1.4: up to CRLF, dot, CRLF. */
  #takeData(bytes: Buffer, mode: Mode & { type: 'data' }): Buffer {
    const end = endOfData(mode.tail, bytes)
    if (end < 0) {
      mode.octets += bytes.length
      mode.tail = (mode.tail + bytes.toString('latin1', Math.max(bytes.length - 4, 0))).slice(-4)
      return bytes.subarray(bytes.length)
    }
    this.note(`${Math.max(mode.octets + end - 3, 0)} octets of the message`)
    this.#add('client', '.')
    this.#mode = { type: 'command' }
    return bytes.subarray(end)
  }

  #add(side: TranscriptLine['side'], text: string): void {
    const lines = this.#inPrelude ? this.#prelude : this.#current
    const count = this.#prelude.length + this.#current.length
    if (count >= this.#limits.lines || this.#size >= this.#limits.size) {
      this.#truncated = true
      return
    }
    const shown = printable(text.slice(0, longestLine))
    this.#size += shown.length
    lines.push({ at: this.#now() - this.#startedAt, side, text: shown })
  }
}

/** Nearly always one. */
function linesOf(text: string): readonly string[] {
  const end = text.indexOf('\r\n')
  if (end > 0 && end + 2 === text.length) return [text.slice(0, end)]
  return text.split('\r\n').filter((line) => line !== '')
}

function sizeOf(lines: readonly TranscriptLine[]): number {
  return lines.reduce((sum, { text }) => sum + text.length, 0)
}

const finalDot = Buffer.from('\r\n.\r\n')

/** Octets up to the end of the final dot's line, that behind `tail` included; -1 where it is not in here. */
function endOfData(tail: string, bytes: Buffer): number {
  const across = tail + bytes.toString('latin1', 0, 4)
  const early = across.indexOf('\r\n.\r\n')
  if (early >= 0) return early + finalDot.length - tail.length
  const at = bytes.indexOf(finalDot)
  return at < 0 ? -1 : at + finalDot.length
}

/** ASCII without control characters. */
const plain = /^[ -~]*$/

function printable(text: string): string {
  if (plain.test(text)) return text
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return `\\u{${hex}}`
  })
}

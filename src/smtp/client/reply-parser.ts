// Replies out of octets (RFC 5321 §4.2), however the network cuts them. Knows nothing of commands.
//
// Lenient where servers err and nothing can be mistaken: lines that end in LF alone, a code without text, text that is no
// ASCII. Refused for good (`malformed`, after which nothing more is read): lines that do not begin with a reply code, lines
// and replies beyond the limits, and a reply whose lines contradict each other in class, since an acceptance is never guessed.
import { Buffer } from 'node:buffer'
import type { ClientLimits } from './limits.ts'
import type { ServerReply } from './reply.ts'

/** What came is no reply, and nothing after it can be told apart. */
export interface MalformedReply {
  readonly type: 'malformed'
  readonly problem: string
}

const LF = 0x0a

export class ReplyParser {
  readonly #limits: Pick<ClientLimits, 'maxReplyLine' | 'maxReplyLines'>
  /** Octets of the line that has begun, as Latin-1. */
  #line = ''
  /** Lines of the reply that has begun. */
  #lines: string[] = []
  #malformed = false

  constructor(limits: Pick<ClientLimits, 'maxReplyLine' | 'maxReplyLines'>) {
    this.#limits = limits
  }

  /** True inside a reply: octets have come that belong to no finished one. */
  get midReply(): boolean {
    return this.#line !== '' || this.#lines.length > 0
  }

  /** Takes octets; gives the replies that they finish. `malformed` is the last thing that is ever given. */
  feed(bytes: Uint8Array): (ServerReply | MalformedReply)[] {
    const found: (ServerReply | MalformedReply)[] = []
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let at = 0
    while (at < input.length && !this.#malformed) {
      const lf = input.indexOf(LF, at)
      const end = lf < 0 ? input.length : lf
      if (this.#line.length + end - at > this.#limits.maxReplyLine) {
        found.push(this.#fail(`a reply line of more than ${this.#limits.maxReplyLine} octets`))
        break
      }
      this.#line += input.toString('latin1', at, end)
      if (lf < 0) break
      at = lf + 1
      const reply = this.#endLine()
      if (reply !== null) found.push(reply)
    }
    return found
  }

  #endLine(): ServerReply | MalformedReply | null {
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line
    this.#line = ''
    // RFC 5321 §4.2.1: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    if (!/^[2-5][0-9]{2}(?:[ -]|$)/.test(line)) {
      return this.#fail(`a line without a reply code: ${readable(line).slice(0, longestQuote)}`)
    }
    this.#lines.push(line)
    if (this.#lines.length > this.#limits.maxReplyLines) {
      return this.#fail(`a reply of more than ${this.#limits.maxReplyLines} lines`)
    }
    if (line.charAt(3) === '-') return null
    const lines = this.#lines
    this.#lines = []
    const last = line.charAt(0)
    if (lines.length > 1 && lines.some((other) => other.charAt(0) !== last)) {
      return this.#fail(`a reply whose lines contradict each other: ${lines.map(codeOf).join(', ')}`)
    }
    return makeServerReply(lines)
  }

  #fail(problem: string): MalformedReply {
    this.#malformed = true
    return { type: 'malformed', problem }
  }
}

const longestQuote = 200

function codeOf(line: string): string {
  return line.slice(0, 3)
}

/** RFC 5321 §4.2.1: where codes of one class differ, the last line's counts. */
function makeServerReply(lines: readonly string[]): ServerReply {
  const code = Number(codeOf(lines.at(-1) ?? '500'))
  const verbatim = lines.map(readable)
  const texts = verbatim.map((line) => line.slice(4))
  const enhanced = enhancedOf(texts[0] ?? '', code)
  return {
    type: 'reply',
    code,
    enhanced,
    texts: enhanced === null ? texts : texts.map((text) => withoutEnhanced(text, enhanced)),
    verbatim: verbatim.join('\n'),
  }
}

/** RFC 2034 §4: the text begins with `class.subject.detail`, and the class is that of the code. */
function enhancedOf(text: string, code: number): string | null {
  const match = /^([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)/.exec(text)
  return match !== null && Number(match[1]) === Math.trunc(code / 100) ? match[0] : null
}

function withoutEnhanced(text: string, enhanced: string): string {
  return text.startsWith(enhanced) ? text.slice(enhanced.length).trimStart() : text
}

/** RFC 6531 §3.7.4: UTF-8 as it is. Controls, and what is no UTF-8, are replaced, so that no terminal obeys a server. */
function readable(line: string): string {
  const text = /[\x80-\xff]/.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line
  return text.replace(/\t/g, ' ').replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?')
}

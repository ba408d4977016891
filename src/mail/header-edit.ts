// Changes to the header of a message while it streams by: fields are added, changed and removed; every other octet, and the
// whole body, passes as it came.
//
// - The header is held until it ends (an empty line, or the end of the message), at most `maxHeaderOctets` of it. One that is
//   larger makes the editor fail: nothing more comes out, and the caller refuses the message.
// - What is added cannot become more than one field: the name is `ftext`, line breaks stay only where white space follows them,
//   and text beyond US-ASCII becomes encoded words (RFC 2047), so that no ASCII message turns into a UTF-8 one.
import { Buffer } from 'node:buffer'
import { splitHeader } from './header.ts'

/** One change. Names are compared without regard to case; `index` counts the fields of a name from 1. */
export type HeaderEdit =
  /** A number in `at` counts fields from 0: the new one stands before that field, or at the end. Default: the end. */
  | {
      readonly type: 'add'
      readonly name: string
      readonly value: string
      readonly at?: 'start' | 'end' | number
    }
  /** Only where no field of the name is there. */
  | { readonly type: 'add-missing'; readonly name: string; readonly value: string }
  /** Every field of the name, or the one at `index`; added at the end where there is none. */
  | { readonly type: 'change'; readonly name: string; readonly index?: number; readonly value: string }
  | { readonly type: 'remove'; readonly name: string; readonly index?: number }

export interface HeaderEditorOptions {
  /** Done in order, each on what the one before left. */
  readonly edits: readonly HeaderEdit[]
  readonly maxHeaderOctets: number
}

/** A field with its line end, as a binary string; `name` in lower case, '' for lines that are no field. */
interface Line {
  readonly name: string
  readonly text: string
}

/** See the file header. Throws a TypeError, when it is made, for an edit whose name is no field name. */
export class HeaderEditor {
  readonly #edits: readonly HeaderEdit[]
  readonly #limit: number
  /** Of the header, while it lasts. */
  #pieces: Uint8Array[] = []
  #octets = 0
  #state: 'header' | 'body' | 'failed' = 'header'
  /** Where the current line stands: at its start, after a CR that opened it, or within it. */
  #line: 'start' | 'cr' | 'within' = 'start'

  constructor({ edits, maxHeaderOctets }: HeaderEditorOptions) {
    for (const { name } of edits) {
      if (!isFieldName(name)) throw new TypeError(`"${name.slice(0, 100)}" is no name of a header field`)
    }
    this.#edits = edits
    this.#limit = maxHeaderOctets
  }

  /** True where the header was too large; nothing comes out then. */
  get failed(): boolean {
    return this.#state === 'failed'
  }

  /** What may go on now; the pieces may share memory with what was pushed. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    if (this.#state === 'body') return [bytes]
    if (this.#state === 'failed' || bytes.length === 0) return []
    const end = this.#findEnd(bytes)
    const header = end < 0 ? bytes : bytes.subarray(0, end)
    this.#octets += header.length
    if (this.#octets > this.#limit) {
      this.#state = 'failed'
      this.#pieces = []
      return []
    }
    if (end < 0) {
      // A copy: the caller may not touch the bytes, but a small piece would keep its whole buffer alive.
      this.#pieces.push(bytes.slice())
      return []
    }
    this.#pieces.push(header)
    this.#state = 'body'
    const edited = this.#edited()
    return end === bytes.length ? [edited] : [edited, bytes.subarray(end)]
  }

  /** The end of the message: what was still held. */
  finish(): readonly Uint8Array[] {
    if (this.#state !== 'header') return []
    this.#state = 'body'
    return [this.#edited()]
  }

  /** Where the header ends in these octets, behind the empty line; −1 where it does not. */
  #findEnd(bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length; at++) {
      const octet = bytes[at]
      if (octet === lf) {
        if (this.#line !== 'within') return at + 1
        this.#line = 'start'
      } else if (octet === cr && this.#line === 'start') this.#line = 'cr'
      else {
        this.#line = 'within'
        // The rest of the line tells nothing.
        const next = bytes.indexOf(lf, at)
        if (next < 0) return -1
        this.#line = 'start'
        at = next
      }
    }
    return -1
  }

  #edited(): Uint8Array {
    const text = Buffer.concat(this.#pieces).toString('latin1')
    this.#pieces = []
    return Buffer.from(editHeader(text, this.#edits), 'latin1')
  }
}

/** The header, a binary string, with the edits done; a header that needs none is returned as it is. */
export function editHeader(header: string, edits: readonly HeaderEdit[]): string {
  const lines = linesOf(header)
  const before = lines.slice()
  const rest = header.slice(lines.reduce((sum, { text }) => sum + text.length, 0))
  for (const edit of edits) apply(lines, edit)
  if (lines.length === before.length && lines.every((line, at) => line === before[at])) return header
  let edited = ''
  for (const { text } of lines) {
    // A message that ends within its header may lack the last line end.
    if (edited !== '' && !edited.endsWith('\n')) edited += '\r\n'
    edited += text
  }
  return edited + rest
}

/** All fields, and what is none, in order; they make up the header up to its empty line. */
function linesOf(header: string): Line[] {
  const lines: Line[] = []
  let at = 0
  for (const { name, start, end } of splitHeader(header).fields) {
    if (start > at) lines.push({ name: '', text: header.slice(at, start) })
    lines.push({ name, text: header.slice(start, end) })
    at = end
  }
  // Lines behind the last field that are none; the empty line stays behind.
  const tail = header.slice(at).replace(/^\r?\n$/, '')
  const stray = tail.replace(/\n\r?\n$/, '\n')
  if (stray !== '') lines.push({ name: '', text: stray })
  return lines
}

function apply(lines: Line[], edit: HeaderEdit): void {
  const name = edit.name.toLowerCase()
  const found: number[] = []
  for (const [at, line] of lines.entries()) {
    if (line.name === name) found.push(at)
  }
  switch (edit.type) {
    case 'add':
      lines.splice(placeOf(lines, edit.at), 0, { name, text: formatField(edit.name, edit.value) })
      return
    case 'add-missing':
      if (found.length === 0) lines.push({ name, text: formatField(edit.name, edit.value) })
      return
    case 'change': {
      const line = { name, text: formatField(edit.name, edit.value) }
      const meant = pick(found, edit.index)
      for (const at of meant) lines[at] = line
      if (meant.length === 0) lines.push(line)
      return
    }
    case 'remove': {
      const meant = new Set(pick(found, edit.index))
      if (meant.size === 0) return
      const kept = lines.filter((_, at) => !meant.has(at))
      lines.splice(0, lines.length, ...kept)
    }
  }
}

/** Where a new field goes; lines that are no field do not count. */
function placeOf(lines: readonly Line[], at: 'start' | 'end' | number = 'end'): number {
  if (at === 'start') return 0
  if (at === 'end') return lines.length
  let fields = 0
  for (const [index, line] of lines.entries()) {
    if (line.name !== '' && fields++ === at) return index
  }
  return lines.length
}

function pick(found: readonly number[], index: number | undefined): readonly number[] {
  return index === undefined ? found : found.slice(index - 1, index)
}

/** RFC 5322 §3.6.8: `ftext` is printable US-ASCII without the colon. */
export function isFieldName(name: string): boolean {
  return /^[!-9;-~]{1,200}$/.test(name)
}

/** RFC 5322 §2.1.1: lines should have at most 78 characters, and must have at most 998. */
const usualLine = 78
const longestLine = 998

/** A field with its CRLF, as a binary string, from a value in Unicode; folded where it is long and not folded already. */
export function formatField(name: string, value: string): string {
  const lines = ascii(value)
    .replace(/\0/g, ' ')
    // A line break that no white space follows would begin another field.
    .replace(/\r\n|\r|\n/g, '\n')
    .replace(/\n(?![ \t])/g, ' ')
    .trim()
    .split('\n')
    // RFC 5322 §3.2.2: a folded line must not be made of white space alone.
    .filter((line) => line.trim() !== '')
  const widest = lines.length > 1 ? longestLine : usualLine
  const [first = '', ...more] = lines
  const folded = [fold(`${name}: ${first}`, widest), ...more.map((line) => fold(line, widest))]
  return `${folded.join('\r\n')}\r\n`
}

/** RFC 5322 §2.2.3: breaks a line before white space, as near below the limit as it can be. */
function fold(line: string, widest: number): string {
  if (line.length <= widest) return line
  const lines: string[] = []
  let start = 0
  while (line.length - start > widest) {
    let at = line.lastIndexOf(' ', start + widest)
    // The first word stays with the name; one that is too long stays whole, as long as the line may be.
    const earliest = start === 0 ? line.indexOf(': ') + 2 : start + 1
    if (at < earliest) at = line.indexOf(' ', start + widest)
    if (at < 0) break
    lines.push(line.slice(start, at))
    start = at
  }
  lines.push(line.slice(start))
  return lines.join('\r\n')
}

/** Words beyond US-ASCII as encoded words, with those between them: white space between two of them is not shown (RFC 2047 §6.2). */
function ascii(value: string): string {
  if (!/[^\0-\x7f]/.test(value)) return value
  return value.replace(/\S*[^\0-\x7f]\S*(?:[ \t]+\S*[^\0-\x7f]\S*)*/g, (words) => encodedWords(words))
}

/** RFC 2047 §2: an encoded word has at most 75 characters, so 45 octets in base64. */
const wordOctets = 45

function encodedWords(text: string): string {
  const words: string[] = []
  let octets: number[] = []
  const end = (): void => {
    if (octets.length > 0) words.push(`=?utf-8?B?${Buffer.from(octets).toString('base64')}?=`)
    octets = []
  }
  for (const character of text) {
    const bytes = Buffer.from(character)
    // RFC 2047 §5: no character is split between two words.
    if (octets.length + bytes.length > wordOctets) end()
    octets.push(...bytes)
  }
  end()
  return words.join(' ')
}

const lf = 10
const cr = 13

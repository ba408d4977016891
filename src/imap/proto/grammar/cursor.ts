// The reading head of the IMAP grammar: a place in a command's parts, and the terminals of RFC 3501 §9.
//
// Strings are binary strings (one UTF-16 unit per octet); what is text becomes Unicode where its meaning is known. A
// literal can only be read where the line before it ended, so no octet of a literal is ever taken for syntax. All
// methods throw `ParseError` and nothing else, and never go back: parsing is linear.
//
// Refuses: NUL anywhere (§9 note 3), 8-bit characters in atoms, control characters in atoms, numbers beyond 32 bits.
import { Buffer, isUtf8 } from 'node:buffer'
import { noModes, takesUtf8 } from '../modes.ts'
import type { CommandPart } from '../fragments.ts'
import type { Modes } from '../modes.ts'

/** The syntax is not what the grammar wants; `message` says what was expected, in words fit for a client. */
export class ParseError extends Error {
  override name = 'ParseError'
}

/** The command needs the literal that is announced but not read yet. */
export class LiteralWanted extends ParseError {
  override name = 'LiteralWanted'
  /** What is said where it is too big for any argument; null: that the command is wrong. */
  readonly tooBig: TooBig | null

  constructor(message: string, tooBig: TooBig | null = null) {
    super(message)
    this.tooBig = tooBig
  }
}

const beyondAscii = /[^\0-\u007f]/

/** A tagged NO with its code. */
export interface TooBig {
  readonly code: string
  readonly text: string
}

/** Character classes of RFC 3501 §9, as bits. */
const atomBit = 1
const astringBit = 2
const listBit = 4
const tagBit = 8
const digitBit = 16
const alphaBit = 32

const classes = buildClasses()

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256)
  // atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
  const atomSpecials = new Set('(){ %*"\\]')
  for (let code = 0x21; code < 0x7f; code++) {
    const character = String.fromCharCode(code)
    let bits = 0
    if (!atomSpecials.has(character)) bits |= atomBit
    // ASTRING-CHAR = ATOM-CHAR / resp-specials
    if (bits !== 0 || character === ']') bits |= astringBit
    // list-char = ATOM-CHAR / list-wildcards / resp-specials
    if ((bits & astringBit) !== 0 || character === '%' || character === '*') bits |= listBit
    // tag = 1*<any ASTRING-CHAR except "+">
    if ((bits & astringBit) !== 0 && character !== '+') bits |= tagBit
    if (character >= '0' && character <= '9') bits |= digitBit
    if (/[a-z]/i.test(character)) bits |= alphaBit
    table[code] = bits
  }
  return table
}

/** The largest `number` of RFC 3501 §9. */
export const largestNumber = 4_294_967_295
/** RFC 7162 §7 mod-sequence-value, RFC 9051 §9 number64. */
const largestNumber64 = 9_223_372_036_854_775_807n

/** A place in one command. */
export class Cursor {
  readonly #parts: readonly CommandPart[]
  readonly #pending: boolean
  /** What the session has enabled: some terminals mean something else then. */
  readonly modes: Modes
  #index = 0
  #text: string
  #at = 0

  /** `pending` says that a literal is announced behind the last part. */
  constructor(parts: readonly CommandPart[], options: { pending?: boolean; modes?: Modes } = {}) {
    this.#parts = parts
    this.#pending = options.pending ?? false
    this.modes = options.modes ?? noModes
    this.#text = parts[0]?.text ?? ''
  }

  fail(expected: string): never {
    throw new ParseError(expected)
  }

  /** The next character of the line, or '' at its end or before a literal. */
  peek(): string {
    return this.#text.charAt(this.#at)
  }

  /** Up to `count` characters that come next in the line, for the few places where one does not decide. */
  ahead(count: number): string {
    return this.#text.slice(this.#at, this.#at + count)
  }

  /** Whether the cursor stands before a literal, read or announced. */
  atLiteral(): boolean {
    if (this.#at !== this.#text.length) return false
    return (this.#parts[this.#index]?.literal ?? null) !== null || this.#atPending()
  }

  /** Whether the cursor stands before the literal that is announced and not read. */
  atPendingLiteral(): boolean {
    return this.#at === this.#text.length && this.#atPending()
  }

  #atPending(): boolean {
    return this.#pending && this.#index === this.#parts.length - 1
  }

  /** Whether nothing is left of the command. */
  get done(): boolean {
    return this.#at === this.#text.length && !this.atLiteral()
  }

  /** The command must end here. */
  end(): void {
    if (this.atPendingLiteral()) this.fail('no literal is allowed here')
    if (!this.done) this.fail('extra text after the command')
  }

  /** Takes `character` if it is next. */
  take(character: string): boolean {
    if (this.peek() !== character) return false
    this.#at++
    return true
  }

  expect(character: string, name: string = `"${character}"`): void {
    if (this.atLiteral() || !this.take(character)) this.fail(`expected ${name}`)
  }

  /** `SP` is exactly one space (RFC 3501 §9 note 2). */
  sp(): void {
    this.expect(' ', 'a single space')
  }

  #run(bit: number): string {
    const text = this.#text
    const start = this.#at
    let at = start
    while (at < text.length && ((classes[text.charCodeAt(at)] ?? 0) & bit) !== 0) at++
    this.#at = at
    return text.slice(start, at)
  }

  /** `atom = 1*ATOM-CHAR` */
  atom(what = 'an atom'): string {
    const text = this.#run(atomBit)
    if (text === '') this.fail(`expected ${what}`)
    return text
  }

  /** An atom in upper case: names of commands, keys and items are case-insensitive (RFC 3501 §9 note 1). */
  keyword(what = 'a keyword'): string {
    return this.atom(what).toUpperCase()
  }

  /** Letters, digits and dots only, in upper case; '' where none stands: `BODY.PEEK` before its `[`. */
  word(): string {
    const text = this.#text
    const start = this.#at
    let at = start
    while (at < text.length) {
      const code = text.charCodeAt(at)
      if (((classes[code] ?? 0) & (alphaBit | digitBit)) === 0 && code !== 0x2e && code !== 0x2d) break
      at++
    }
    this.#at = at
    return text.slice(start, at).toUpperCase()
  }

  /** `tag = 1*<any ASTRING-CHAR except "+">` */
  tag(): string {
    const text = this.#run(tagBit)
    // What goes on behind it is no tag of the client's: it waits for no answer to the half of it.
    const more = this.#at < this.#text.length && this.peek() !== ' '
    if (text === '' || more) this.fail('expected a tag')
    return text
  }

  /** `number = 1*DIGIT`, at most 2^32 - 1. */
  number(): number {
    const digits = this.#run(digitBit)
    if (digits === '') this.fail('expected a number')
    const value = digits.length > 20 ? Infinity : Number(digits)
    if (value > largestNumber) this.fail('a number is too large')
    return value
  }

  /**
   * `number64 = 1*DIGIT` (RFC 9051 §9), at most 2^63 - 1. Beyond 2^53 the nearest double: larger than anything that a mailbox
   * has.
   */
  number64(what = 'a number'): number {
    const digits = this.#run(digitBit)
    if (digits === '') this.fail(`expected ${what}`)
    if (digits.length > 40 || BigInt(digits) > largestNumber64) this.fail(`${what} is too large`)
    return Number(digits)
  }

  /** `nz-number = digit-nz *DIGIT` */
  nzNumber(): number {
    if (this.peek() === '0') this.fail('expected a number that does not start with 0')
    return this.number()
  }

  /** Exactly `count` digits. */
  digits(count: number): number {
    const digits = this.#text.slice(this.#at, this.#at + count)
    if (digits.length !== count || !/^[0-9]+$/.test(digits)) this.fail(`expected ${count} digits`)
    this.#at += count
    return Number(digits)
  }

  /** `string = quoted / literal` */
  string(): string {
    if (this.atLiteral()) return this.literal()
    if (this.peek() !== '"') this.fail('expected a string')
    return this.quoted()
  }

  /**
   * `quoted = DQUOTE *QUOTED-CHAR DQUOTE`. 8-bit octets pass, since clients quote UTF-8 passwords and search strings;
   * deviates: RFC 3501 §9 QUOTED-CHAR is 7-bit. A mailbox name refuses them.
   */
  quoted(): string {
    const text = this.#text
    let at = this.#at + 1
    let start = at
    let value = ''
    for (;;) {
      const code = text.charCodeAt(at)
      if (Number.isNaN(code)) this.fail('a quoted string does not end')
      if (code === 0x22) break
      if (code === 0 || code === 0x0d) this.fail('NUL and CR are not allowed in a quoted string')
      if (code === 0x5c) {
        const next = text.charCodeAt(at + 1)
        // QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
        if (next !== 0x22 && next !== 0x5c) this.fail('only " and \\ may follow \\ in a quoted string')
        value += text.slice(start, at)
        start = at + 1
        at += 2
        continue
      }
      at++
    }
    value += text.slice(start, at)
    // RFC 9755 §3: "the server MUST reject, with a "BAD" response, any octet sequences with the high bit set that fail to comply with
    // the formal syntax requirements of UTF-8"; RFC 9051 §9 QUOTED-CHAR has none either.
    if (takesUtf8(this.modes) && beyondAscii.test(value) && !isUtf8(Buffer.from(value, 'latin1')))
      this.fail('a quoted string is not UTF-8')
    this.#at = at + 1
    return value
  }

  /** `literal = "{" number "}" CRLF *CHAR8`; CHAR8 is any octet but NUL. */
  literal(): string {
    const octets = this.#literal()
    if (octets.includes('\0')) this.fail('NUL is not allowed in a literal')
    return octets
  }

  /** `literal8 = "~{" number "}" CRLF *OCTET`, NUL and all (RFC 3516 §7, RFC 9051 §9). */
  literal8(): string {
    this.expect('~', 'a literal8')
    return this.#literal()
  }

  #literal(): string {
    const literal = this.#parts[this.#index]?.literal ?? null
    if (this.#at !== this.#text.length) this.fail('expected a literal')
    if (literal === null) {
      if (this.#atPending()) throw new LiteralWanted('the literal is not read yet')
      this.fail('expected a literal')
    }
    this.#index++
    this.#text = this.#parts[this.#index]?.text ?? ''
    this.#at = 0
    return Buffer.from(literal.buffer, literal.byteOffset, literal.length).toString('latin1')
  }

  /** `astring = 1*ASTRING-CHAR / string` */
  astring(what = 'an atom or a string'): string {
    if (this.atLiteral() || this.peek() === '"') return this.string()
    const text = this.#run(astringBit)
    if (text === '') this.fail(`expected ${what}`)
    return text
  }

  /** `list-mailbox = 1*list-char / string` */
  listMailbox(): string {
    if (this.atLiteral() || this.peek() === '"') return this.string()
    const text = this.#run(listBit)
    if (text === '') this.fail('expected a mailbox pattern')
    return text
  }

  /** `nstring = string / nil` */
  nstring(): string | null {
    if (this.atLiteral() || this.peek() === '"') return this.string()
    if (this.keyword('a string or NIL') !== 'NIL') this.fail('expected a string or NIL')
    return null
  }

  /** The rest of the line as it stands, for base64 answers. */
  rest(): string {
    const text = this.#text.slice(this.#at)
    this.#at = this.#text.length
    return text
  }

  /**
   * `"(" [item *(SP item)] ")"`, at most `most` items; at least one unless `empty`.
   */
  list<T>(options: { most: number; empty: boolean; what: string }, item: () => T): T[] {
    const { most, empty, what } = options
    this.expect('(', `a parenthesized list of ${what}`)
    const items: T[] = []
    if (empty && this.take(')')) return items
    for (;;) {
      if (items.length >= most) this.fail(`more than ${most} ${what}`)
      items.push(item())
      if (this.take(')')) return items
      this.sp()
    }
  }
}

/** A binary string as UTF-8 text, or undefined where it is not UTF-8. */
export function tryUtf8(binary: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(binary, 'latin1'))
  } catch {
    return undefined
  }
}

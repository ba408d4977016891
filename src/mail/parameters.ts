// Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183 §2) and their parameters (RFC 2231).
//
// Parameters are kept as written, in order, for BODYSTRUCTURE; `decodeParameters` joins and decodes them for use.
// Lenient where senders err (unquoted spaces and specials, missing semicolons, comments anywhere). Linear, never throws.
import { Buffer } from 'node:buffer'
import { decodeCharset } from './charset.ts'
import { displayText } from './encoded-word.ts'

/** Lower-cased name as written (`filename*0*` stays so) and its value, a binary string without quotes. */
export type Parameter = readonly [name: string, value: string]

/** A Content-Type value; type and subtype lower-cased. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly Parameter[]
}

/** RFC 2183 §2: disposition type (lower-cased) and its parameters. */
export interface Disposition {
  readonly type: string
  readonly parameters: readonly Parameter[]
}

const maxParameters = 100
/** RFC 2231 §3: pieces of one value; more are ignored. */
const maxSections = 100

/** RFC 2045 §5.1; undefined where there is no `type/subtype`, for which RFC 2045 §5.2 has a default. */
export function tryMediaType(value: string): MediaType | undefined {
  const typeEnd = tokenEnd(value, skipComments(value, 0))
  const type = value.slice(skipComments(value, 0), typeEnd)
  const slash = skipComments(value, typeEnd)
  if (type === '' || value.charAt(slash) !== '/') return undefined
  const subtypeStart = skipComments(value, slash + 1)
  const subtypeEnd = tokenEnd(value, subtypeStart)
  if (subtypeEnd === subtypeStart) return undefined
  const subtype = value.slice(subtypeStart, subtypeEnd).toLowerCase()
  return { type: type.toLowerCase(), subtype, parameters: readParameters(value, subtypeEnd) }
}

/** RFC 2183 §2; undefined where there is no disposition type. */
export function tryDisposition(value: string): Disposition | undefined {
  const start = skipComments(value, 0)
  const end = tokenEnd(value, start)
  if (end === start) return undefined
  return { type: value.slice(start, end).toLowerCase(), parameters: readParameters(value, end) }
}

/** The first token of a value, lower-cased: Content-Transfer-Encoding (RFC 2045 §6.1). */
export function firstToken(value: string): string {
  const start = skipComments(value, 0)
  return value.slice(start, tokenEnd(value, start)).toLowerCase()
}

/** The first plain parameter of that name (lower-case), undecoded. */
export function parameter(parameters: readonly Parameter[], name: string): string | undefined {
  return parameters.find(([key]) => key === name)?.[1]
}

/** The parameters by name, RFC 2231 pieces joined and everything decoded to Unicode; the extended form wins. */
export function decodeParameters(parameters: readonly Parameter[]): Map<string, string> {
  const plain = new Map<string, string>()
  const sections = new Map<string, Section[]>()
  for (const [name, value] of parameters) {
    const star = name.indexOf('*')
    if (star < 0) {
      if (!plain.has(name)) plain.set(name, displayText(value))
      continue
    }
    const section = readSection(name.slice(star + 1), value)
    if (section === undefined) continue
    const base = name.slice(0, star)
    const list = sections.get(base)
    if (list === undefined) sections.set(base, [section])
    else if (list.length < maxSections) list.push(section)
  }
  for (const [name, list] of sections) {
    const value = joinSections(list)
    if (value !== undefined) plain.set(name, value)
  }
  return plain
}

/**
 * The name of an attachment: `filename`, else `name`. Only the last path segment, without controls or characters that
 * change the direction of writing, so that no name leads out of a folder or hides its ending. Null where none is left.
 */
export function attachmentName(type: MediaType, disposition: Disposition | null): string | null {
  const fromDisposition =
    disposition === null ? undefined : decodeParameters(disposition.parameters).get('filename')
  const name = fromDisposition ?? decodeParameters(type.parameters).get('name')
  if (name === undefined) return null
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
  const clean = last.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu, '').trim()
  return clean === '' || clean === '.' || clean === '..' ? null : clean.slice(0, longestName)
}

const longestName = 255

interface Section {
  /** 0 for the whole value or its first piece; `whole` says which. */
  readonly index: number
  readonly whole: boolean
  readonly extended: boolean
  readonly value: string
}

/** What follows the first star of a name: '' is `name*`, `0` is `name*0`, `0*` is `name*0*`. */
function readSection(suffix: string, value: string): Section | undefined {
  if (suffix === '') return { index: 0, whole: true, extended: true, value }
  const extended = suffix.endsWith('*')
  const digits = extended ? suffix.slice(0, -1) : suffix
  if (!/^\d{1,3}$/.test(digits)) return undefined
  return { index: Number(digits), whole: false, extended, value }
}

/** RFC 2231 §3 and §4.1: pieces in the order of their numbers, up to the first that is missing. */
function joinSections(list: readonly Section[]): string | undefined {
  const whole = list.find((section) => section.whole)
  const byIndex = new Map<number, Section>()
  if (whole === undefined)
    for (const section of list) if (!byIndex.has(section.index)) byIndex.set(section.index, section)
  const first = whole ?? byIndex.get(0)
  if (first === undefined) return undefined
  const { charset, rest } = first.extended ? splitCharset(first.value) : { charset: null, rest: first.value }
  const bytes: Buffer[] = [pieceBytes(rest, first.extended)]
  for (let index = 1; whole === undefined; index++) {
    const section = byIndex.get(index)
    if (section === undefined) break
    bytes.push(pieceBytes(section.value, section.extended))
  }
  const joined = Buffer.concat(bytes)
  return charset === null ? displayText(joined.toString('latin1')) : decodeCharset(joined, charset)
}

/** RFC 2231 §4: `charset'language'value`. */
function splitCharset(value: string): { charset: string | null; rest: string } {
  const first = value.indexOf("'")
  const second = first < 0 ? -1 : value.indexOf("'", first + 1)
  if (second < 0) return { charset: '', rest: value }
  return { charset: value.slice(0, first), rest: value.slice(second + 1) }
}

function pieceBytes(value: string, extended: boolean): Buffer {
  const binary = extended
    ? value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : value
  return Buffer.from(binary, 'latin1')
}

function readParameters(value: string, from: number): Parameter[] {
  const parameters: Parameter[] = []
  let at = from
  while (at < value.length && parameters.length < maxParameters) {
    at = skipComments(value, at)
    if (value.charAt(at) === ';') {
      at++
      continue
    }
    const nameStop = tokenEnd(value, at)
    const equals = skipComments(value, nameStop)
    if (nameStop === at || value.charAt(equals) !== '=') {
      // From behind the comments: what they hold is never read twice, so the time stays linear.
      at = nextSemicolon(value, Math.max(equals, at + 1))
      continue
    }
    const name = value.slice(at, nameStop).toLowerCase()
    const start = skipComments(value, equals + 1)
    const read = value.charAt(start) === '"' ? readQuoted(value, start) : readBare(value, start)
    parameters.push([name, read.value])
    at = read.end
  }
  return parameters
}

interface Read {
  readonly value: string
  readonly end: number
}

/** RFC 5322 §3.2.4; the end of the text closes an open quote. */
function readQuoted(text: string, start: number): Read {
  let value = ''
  let run = start + 1
  for (let at = run; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') return { value: value + text.slice(run, at), end: at + 1 }
    if (character !== '\\') continue
    value += text.slice(run, at)
    run = ++at
  }
  return { value: value + text.slice(run), end: text.length }
}

/** An unquoted value, which by RFC 2045 §5.1 is a token; spaces and specials inside are taken as senders mean them. */
function readBare(text: string, start: number): Read {
  let end = start
  while (end < text.length) {
    const character = text.charAt(end)
    if (character === ';') break
    if (character === '(' && isSpace(text.charCodeAt(end - 1))) break
    end++
  }
  return { value: text.slice(start, end).trimEnd(), end }
}

function nextSemicolon(text: string, from: number): number {
  const found = text.indexOf(';', from)
  return found < 0 ? text.length : found
}

/** White space and comments (RFC 5322 §3.2.2), which nest; counted, not recursed. */
function skipComments(text: string, from: number): number {
  let depth = 0
  let at = from
  for (; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '(') depth++
    else if (depth === 0) {
      if (!isSpace(text.charCodeAt(at))) return at
    } else if (character === ')') depth--
    else if (character === '\\') at++
  }
  return Math.min(at, text.length)
}

function tokenEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && isToken(text.charCodeAt(at))) at++
  return at
}

/** RFC 2045 §5.1 `token`: printable US-ASCII without `tspecials`. */
function isToken(unit: number): boolean {
  return unit > 32 && unit < 127 && !'()<>@,;:\\"/[]?='.includes(String.fromCharCode(unit))
}

function isSpace(unit: number): boolean {
  return unit === 32 || unit === 9 || unit === 10 || unit === 13
}

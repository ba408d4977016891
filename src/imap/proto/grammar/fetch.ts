// FETCH data items: the grammar of RFC 3501 §9 and RFC 9051 §9 `fetch-att` and `section`, as a table by name.
//
// An extension adds a row to `items`. The result says what is wanted and by which name it is answered; nothing here knows
// a message. Refuses more items and deeper parts than the limits.
import type { Cursor } from './cursor.ts'

/** What follows the part numbers in a section. */
export type SectionText =
  | { readonly type: 'header' }
  | { readonly type: 'fields'; readonly not: boolean; readonly names: readonly string[] }
  | { readonly type: 'text' }
  | { readonly type: 'mime' }

/** `section`: which octets of a message. */
export interface Section {
  /** `section-part`; empty for the message itself. */
  readonly part: readonly number[]
  /** Null: the whole message or the body of the part. */
  readonly text: SectionText | null
}

/** `<start.length>` */
export interface Partial {
  readonly start: number
  readonly length: number
}

/** One data item. */
export type FetchItem =
  | {
      readonly name:
        | 'ENVELOPE'
        | 'FLAGS'
        | 'INTERNALDATE'
        | 'UID'
        | 'RFC822.SIZE'
        | 'BODY'
        | 'BODYSTRUCTURE'
        | 'MODSEQ'
        | 'SAVEDATE'
        | 'EMAILID'
        | 'THREADID'
    }
  /** RFC 8970 §3.1; `lazy` lets the server answer NIL where a preview would have to be made. */
  | { readonly name: 'PREVIEW'; readonly lazy: boolean }
  /** RFC 3516 §4.2: a part with its transfer encoding undone; an empty `part` is the whole message. */
  | {
      readonly name: 'BINARY'
      readonly part: readonly number[]
      readonly partial: Partial | null
      readonly peek: boolean
    }
  | { readonly name: 'BINARY.SIZE'; readonly part: readonly number[] }
  | {
      readonly name: 'SECTION'
      /** The name it is answered by: `RFC822.HEADER`, or null for `BODY[…]`. */
      readonly as: string | null
      readonly section: Section
      readonly partial: Partial | null
      readonly peek: boolean
    }

/** What the grammar needs to know. */
export interface FetchLimits {
  readonly fetchItems: number
  readonly headerFields: number
  readonly sectionDepth: number
}

/** Items that are nothing but a name. */
type PlainName = Exclude<FetchItem['name'], 'SECTION' | 'PREVIEW' | 'BINARY' | 'BINARY.SIZE'>

const plain = (name: PlainName) => (): FetchItem => ({ name })
const whole: Section = { part: [], text: null }

type ItemReader = (cursor: Cursor, limits: FetchLimits) => FetchItem

/** Name → how the item goes on. */
const items: ReadonlyMap<string, ItemReader> = new Map<string, ItemReader>([
  ['ENVELOPE', plain('ENVELOPE')],
  ['FLAGS', plain('FLAGS')],
  ['INTERNALDATE', plain('INTERNALDATE')],
  ['UID', plain('UID')],
  ['RFC822.SIZE', plain('RFC822.SIZE')],
  ['BODYSTRUCTURE', plain('BODYSTRUCTURE')],
  // RFC 7162 §3.1.4.2
  ['MODSEQ', plain('MODSEQ')],
  // RFC 8514 §4.1
  ['SAVEDATE', plain('SAVEDATE')],
  // RFC 8474 §5.1, §5.2
  ['EMAILID', plain('EMAILID')],
  ['THREADID', plain('THREADID')],
  ['PREVIEW', readPreview],
  ['RFC822', (cursor) => rfc822(cursor, 'RFC822', { section: whole, peek: false })],
  // RFC 3501 §6.4.5: RFC822.HEADER is BODY.PEEK[HEADER] in its effect on \Seen.
  [
    'RFC822.HEADER',
    (cursor) =>
      rfc822(cursor, 'RFC822.HEADER', { section: { part: [], text: { type: 'header' } }, peek: true }),
  ],
  [
    'RFC822.TEXT',
    (cursor) => rfc822(cursor, 'RFC822.TEXT', { section: { part: [], text: { type: 'text' } }, peek: false }),
  ],
  [
    'BODY',
    (cursor, limits) => (cursor.peek() === '[' ? bodySection(cursor, limits, false) : { name: 'BODY' }),
  ],
  ['BODY.PEEK', (cursor, limits) => bodySection(cursor, limits, true)],
  ['BINARY', (cursor, limits) => binary(cursor, limits, false)],
  ['BINARY.PEEK', (cursor, limits) => binary(cursor, limits, true)],
  ['BINARY.SIZE', (cursor, limits) => ({ name: 'BINARY.SIZE', part: parseSectionBinary(cursor, limits) })],
])

const macros: ReadonlyMap<string, readonly PlainName[]> = new Map<string, readonly PlainName[]>([
  ['ALL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE']],
  ['FAST', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE']],
  ['FULL', ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY']],
])

/** `("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")` */
export function parseFetchItems(cursor: Cursor, limits: FetchLimits): FetchItem[] {
  if (cursor.peek() === '(') {
    const what = 'data items'
    return cursor.list({ most: limits.fetchItems, empty: false, what }, () =>
      parseFetchAtt(cursor, cursor.word(), limits),
    )
  }
  const name = cursor.word()
  const macro = macros.get(name)
  if (macro !== undefined) return macro.map((item) => ({ name: item }))
  return [parseFetchAtt(cursor, name, limits)]
}

/** `fetch-att`, its name already read. */
function parseFetchAtt(cursor: Cursor, name: string, limits: FetchLimits): FetchItem {
  const item = items.get(name)
  if (item === undefined)
    return cursor.fail(name === '' ? 'expected a data item' : `unknown data item ${name.slice(0, 40)}`)
  return item(cursor, limits)
}

/** RFC 9051 Appendix E (17): IMAP4rev2 has no such items. */
function rfc822(cursor: Cursor, as: string, of: { section: Section; peek: boolean }): FetchItem {
  if (cursor.modes.rev2) cursor.fail(`IMAP4rev2 has no ${as}`)
  return { name: 'SECTION', as, partial: null, ...of }
}

/** `fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]`, `preview-mod = "LAZY"` (RFC 8970 §6) */
function readPreview(cursor: Cursor): FetchItem {
  // A space may also stand before the next item, or before the modifiers of the whole command.
  if (cursor.peek() !== ' ' || !/^ \(LAZY[ )]/i.test(cursor.ahead(7))) return { name: 'PREVIEW', lazy: false }
  cursor.sp()
  cursor.list({ most: 5, empty: false, what: 'preview modifiers' }, () => {
    if (cursor.keyword('a preview modifier') !== 'LAZY') cursor.fail('unknown preview modifier')
  })
  return { name: 'PREVIEW', lazy: true }
}

/** `section [partial]` */
function bodySection(cursor: Cursor, limits: FetchLimits, peek: boolean): FetchItem {
  const section = parseSection(cursor, limits)
  return { name: 'SECTION', as: null, section, partial: parsePartial(cursor), peek }
}

/** `partial = "<" number64 "." nz-number64 ">"` (RFC 9051 §9; RFC 3501 has 32 bits) */
function parsePartial(cursor: Cursor): Partial | null {
  if (!cursor.take('<')) return null
  const start = cursor.number64()
  cursor.expect('.')
  const length = cursor.number64()
  if (length === 0) cursor.fail('expected a length that is not 0')
  cursor.expect('>')
  return { start, length }
}

/** `"BINARY" [".PEEK"] section-binary [partial]` (RFC 3516 §7) */
function binary(cursor: Cursor, limits: FetchLimits, peek: boolean): FetchItem {
  const part = parseSectionBinary(cursor, limits)
  return { name: 'BINARY', part, partial: parsePartial(cursor), peek }
}

/** `section-binary = "[" [section-part] "]"` (RFC 3516 §7) */
function parseSectionBinary(cursor: Cursor, limits: FetchLimits): readonly number[] {
  const { part, text } = parseSection(cursor, limits)
  return text === null ? part : cursor.fail('expected a part number alone')
}

/** `section = "[" [section-spec] "]"`; `section-spec = section-msgtext / (section-part ["." section-text])` */
function parseSection(cursor: Cursor, limits: FetchLimits): Section {
  cursor.expect('[')
  const part: number[] = []
  if (cursor.take(']')) return { part, text: null }
  while (/^[0-9]$/.test(cursor.peek())) {
    if (part.length >= limits.sectionDepth) cursor.fail(`a part deeper than ${limits.sectionDepth}`)
    part.push(cursor.nzNumber())
    if (cursor.take(']')) return { part, text: null }
    cursor.expect('.')
  }
  const text = parseSectionText(cursor, limits, part.length > 0 ? 'part' : 'message')
  cursor.expect(']')
  return { part, text }
}

/** `section-text = section-msgtext / "MIME"`; MIME needs a part before it. */
function parseSectionText(cursor: Cursor, limits: FetchLimits, of: 'part' | 'message'): SectionText {
  const name = cursor.word()
  switch (name) {
    case 'HEADER':
      return { type: 'header' }
    case 'TEXT':
      return { type: 'text' }
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT': {
      cursor.sp()
      // header-list = "(" header-fld-name *(SP header-fld-name) ")"
      const list = { most: limits.headerFields, empty: false, what: 'header fields' }
      const names = cursor.list(list, () => cursor.astring('a header field name'))
      return { type: 'fields', not: name.endsWith('NOT'), names }
    }
    case 'MIME':
      if (of === 'part') return { type: 'mime' }
  }
  return cursor.fail('expected HEADER, TEXT, MIME or a part number')
}

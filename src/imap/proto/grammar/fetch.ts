// FETCH data items: the grammar of RFC 3501 §9 `fetch-att` and `section`, as a table by name.
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

/** One data item. */
export type FetchItem =
  | {
      readonly name: 'ENVELOPE' | 'FLAGS' | 'INTERNALDATE' | 'UID' | 'RFC822.SIZE' | 'BODY' | 'BODYSTRUCTURE'
    }
  | {
      readonly name: 'SECTION'
      /** The name it is answered by: `RFC822.HEADER`, or null for `BODY[…]`. */
      readonly as: string | null
      readonly section: Section
      readonly partial: { readonly start: number; readonly length: number } | null
      readonly peek: boolean
    }

/** What the grammar needs to know. */
export interface FetchLimits {
  readonly fetchItems: number
  readonly headerFields: number
  readonly sectionDepth: number
}

type ItemName = Exclude<FetchItem, { name: 'SECTION' }>['name']

const plain = (name: ItemName) => (): FetchItem => ({ name })
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
  ['RFC822', () => rfc822('RFC822', whole, false)],
  // RFC 3501 §6.4.5: RFC822.HEADER is BODY.PEEK[HEADER] in its effect on \Seen.
  ['RFC822.HEADER', () => rfc822('RFC822.HEADER', { part: [], text: { type: 'header' } }, true)],
  ['RFC822.TEXT', () => rfc822('RFC822.TEXT', { part: [], text: { type: 'text' } }, false)],
  [
    'BODY',
    (cursor, limits) => (cursor.peek() === '[' ? bodySection(cursor, limits, false) : { name: 'BODY' }),
  ],
  ['BODY.PEEK', (cursor, limits) => bodySection(cursor, limits, true)],
])

const macros: ReadonlyMap<string, readonly ItemName[]> = new Map<string, readonly ItemName[]>([
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

function rfc822(as: string, section: Section, peek: boolean): FetchItem {
  return { name: 'SECTION', as, section, partial: null, peek }
}

/** `section ["<" number "." nz-number ">"]` */
function bodySection(cursor: Cursor, limits: FetchLimits, peek: boolean): FetchItem {
  const section = parseSection(cursor, limits)
  if (!cursor.take('<')) return { name: 'SECTION', as: null, section, partial: null, peek }
  const start = cursor.number()
  cursor.expect('.')
  const length = cursor.nzNumber()
  cursor.expect('>')
  return { name: 'SECTION', as: null, section, partial: { start, length }, peek }
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

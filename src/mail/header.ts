// Header fields: splitting, unfolding, reading single values (RFC 5322 §2.2 and §3.6, obsolete forms of §4.5 too).
//
// Text here is a *binary string*: one UTF-16 unit per octet, so that raw UTF-8 (RFC 6532) and stray 8-bit bytes survive
// untouched. `displayText` (encoded-word.ts) makes it readable. Every function is linear and none throws; lines that
// are no fields are skipped and counted.

/** One field. `start` and `end` cut it out of the header, line breaks included. */
export interface HeaderField {
  /** Lower-cased. */
  readonly name: string
  /** What follows the colon, still folded. `fieldValue` unfolds it. */
  readonly raw: string
  readonly start: number
  readonly end: number
}

/** The fields of a header, and how many lines were none. */
export interface SplitHeader {
  readonly fields: readonly HeaderField[]
  readonly malformed: number
}

const lf = 10
const cr = 13
const space = 32
const tab = 9
const colon = 58

/** Splits a header (RFC 5322 §2.2), which ends at an empty line or at the end of the text. */
export function splitHeader(text: string): SplitHeader {
  const fields: HeaderField[] = []
  let malformed = 0
  let start = 0
  while (start < text.length && !isEmptyLine(text, start)) {
    const end = fieldEnd(text, start)
    const separator = nameEnd(text, start, end)
    if (separator > start) {
      // RFC 5322 §4.5: obsolete fields may have white space before the colon.
      const name = text.slice(start, separator).trimEnd().toLowerCase()
      fields.push({ name, raw: text.slice(separator + 1, end), start, end })
    } else malformed++
    start = end
  }
  return { fields, malformed }
}

/** The value of a field: unfolded (RFC 5322 §2.2.3), white space at both ends removed, no CR, LF or NUL left. */
export function fieldValue(field: { readonly raw: string }): string {
  return unfold(field.raw)
}

/** RFC 5322 §2.2.3: takes out line breaks; the white space after them stays. A stray CR or NUL becomes a space. */
export function unfold(raw: string): string {
  const trimmed = trimBlank(raw)
  if (!/[\r\n\0]/.test(trimmed)) return trimmed
  return trimmed.replace(/\r?\n/g, '').replace(/[\r\0]/g, ' ')
}

/** RFC 5322 §3.6.4: the identifiers in angle brackets, without these; at most `limit`, the first and the last ones. */
export function messageIds(value: string, limit: number): string[] {
  const found: string[] = []
  let at = 0
  while ((at = value.indexOf('<', at)) >= 0) {
    const end = value.indexOf('>', at)
    if (end < 0) break
    const start = value.lastIndexOf('<', end) + 1
    const id = value.slice(start, end).replace(/\s+/g, '')
    if (id !== '' && id.length <= longestMessageId) found.push(id)
    at = end + 1
  }
  // RFC 5322 §3.6.4 has References grow at its end; the thread's root stands first.
  return found.length <= limit ? found : [...found.slice(0, 1), ...found.slice(found.length - limit + 1)]
}

/** RFC 3282 §2: language tags, comments and what is no tag left out. */
export function languageTags(value: string): string[] {
  const tags = value.replace(/\([^()]*\)/g, '').split(',', maxLanguages)
  return tags.map((tag) => tag.trim()).filter((tag) => /^[A-Za-z0-9-]{1,35}$/.test(tag))
}

const longestMessageId = 998
const maxLanguages = 20

/** Where the field that starts at `start` ends: after the last line that continues it with white space. */
function fieldEnd(text: string, start: number): number {
  let end = start
  do {
    const newline = text.indexOf('\n', end)
    if (newline < 0) return text.length
    end = newline + 1
  } while (text.charCodeAt(end) === space || text.charCodeAt(end) === tab)
  return end
}

/** The colon that ends the name, or -1. RFC 5322 §3.6.8: `ftext` is printable US-ASCII without the colon. */
function nameEnd(text: string, start: number, end: number): number {
  let blank = false
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at)
    if (unit === colon) return at
    if (unit === space || unit === tab) blank = true
    else if (unit < 33 || unit > 126 || blank) return -1
  }
  return -1
}

function isEmptyLine(text: string, start: number): boolean {
  const unit = text.charCodeAt(start)
  return unit === lf || (unit === cr && text.charCodeAt(start + 1) === lf)
}

function trimBlank(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(unit: number): boolean {
  return unit === space || unit === tab || unit === lf || unit === cr
}

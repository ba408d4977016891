// A walk over the kept form of a structure (JSON), from which printable US-ASCII goes to the wire as it stands: both quote strings
// alike. Whatever is anything else makes the walk fail, and its caller decodes the structure and writes it in full.
/** A place in the kept form; `failed` once something stands there that must be looked at closely. */
export interface Walk {
  readonly text: string
  at: number
  failed: boolean
}

export const bracket = 0x5b
export const closing = 0x5d
export const comma = 0x2c
const quote = 0x22
const backslash = 0x5c
/** The longest text that is written quoted; see `strings.ts`. */
const longest = 1000

/** Steps over one character, which must be this one. */
export function expect(walk: Walk, code: number): void {
  if (walk.text.charCodeAt(walk.at) !== code) walk.failed = true
  walk.at++
}

/** A number, as its digits stand there. */
export function copyNumber(walk: Walk): string {
  const { text, at } = walk
  let end = at
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++
  if (end === at) walk.failed = true
  walk.at = end
  return text.slice(at, end)
}

/** A string as it stands, quotes and all, or NIL for null. */
export function copyText(walk: Walk): string {
  const { text, at } = walk
  if (text.charCodeAt(at) !== quote) {
    if (!text.startsWith('null', at)) walk.failed = true
    walk.at += 4
    return 'NIL'
  }
  let end = at + 1
  for (;;) {
    const code = text.charCodeAt(end)
    if (code === quote) break
    if (code === backslash) {
      // Of the escapes of JSON two mean the same in a quoted string.
      const next = text.charCodeAt(++end)
      if (next !== quote && next !== backslash) walk.failed = true
    } else if (!(code >= 0x20 && code < 0x7f)) walk.failed = true
    if (walk.failed) return ''
    end++
  }
  if (end - at > longest) walk.failed = true
  walk.at = end + 1
  return text.slice(at, end + 1)
}

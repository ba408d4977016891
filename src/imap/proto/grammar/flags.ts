// Flags as clients write them: system flags as bits, keywords as text.
//
// Refuses `\Recent`, which no client can set (RFC 3501 §2.3.2), and every other flag-extension: RFC 3501 §9 lets a
// server generate none but those of standards, so it keeps none.
import { ParseError } from './cursor.ts'
import type { Cursor } from './cursor.ts'

/** The bits of the system flags; the same values as the store's, by name and not by import. */
export const systemFlag = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16 } as const

const bits = new Map<string, number>([
  ['\\SEEN', systemFlag.seen],
  ['\\ANSWERED', systemFlag.answered],
  ['\\FLAGGED', systemFlag.flagged],
  ['\\DELETED', systemFlag.deleted],
  ['\\DRAFT', systemFlag.draft],
])

/** A set of flags. */
export interface FlagSet {
  /** Bits of `systemFlag`. */
  readonly flags: number
  /** As written, each once (case-insensitively). */
  readonly keywords: readonly string[]
}

/** `flag-list = "(" [flag *(SP flag)] ")"` */
export function parseFlagList(cursor: Cursor, most: number): FlagSet {
  return collect(cursor.list({ most, empty: true, what: 'flags' }, () => parseFlag(cursor)))
}

/** `(flag-list / (flag *(SP flag)))` of store-att-flags */
export function parseFlags(cursor: Cursor, most: number): FlagSet {
  if (cursor.peek() === '(') return parseFlagList(cursor, most)
  const flags = [parseFlag(cursor)]
  while (cursor.take(' ')) {
    if (flags.length >= most) cursor.fail(`more than ${most} flags`)
    flags.push(parseFlag(cursor))
  }
  return collect(flags)
}

/** `flag = "\Answered" / … / flag-keyword / flag-extension` as written. */
function parseFlag(cursor: Cursor): string {
  if (!cursor.take('\\')) return cursor.atom('a flag')
  return `\\${cursor.atom('a flag')}`
}

/** `flag-keyword = atom` */
export function parseKeyword(cursor: Cursor): string {
  return cursor.atom('a keyword')
}

function collect(names: readonly string[]): FlagSet {
  let flags = 0
  const keywords = new Map<string, string>()
  for (const name of names) {
    if (!name.startsWith('\\')) {
      if (!keywords.has(name.toLowerCase())) keywords.set(name.toLowerCase(), name)
      continue
    }
    const bit = bits.get(name.toUpperCase())
    if (bit === undefined) throw new ParseError(`${name} is not a flag that can be changed`)
    flags |= bit
  }
  return { flags, keywords: [...keywords.values()] }
}

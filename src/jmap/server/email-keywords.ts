// Keywords of JMAP as flags and keywords of the store (RFC 8621 §4.1.1).
import { Flag } from '../../store/model.ts'

/** RFC 8621 §4.1.1: "have their first character changed from "\" in IMAP to "$" in JMAP". */
const systemFlags: ReadonlyMap<string, number> = new Map([
  ['$seen', Flag.seen],
  ['$answered', Flag.answered],
  ['$flagged', Flag.flagged],
  ['$draft', Flag.draft],
])

/** "1-255 characters in the ASCII subset %x21-%x7e" without these. */
const keywordForm = /^(?:(?![(){\]%*"\\])[!-~]){1,255}$/

export interface StoredKeywords {
  /** Bits of `Flag`. */
  readonly flags: number
  /** In lower case, sorted. */
  readonly keywords: readonly string[]
}

/** Undefined where one is no keyword. RFC 8621 §10.4.5 has `$recent` never set by a client. */
export function tryStoredKeywords(names: Iterable<string>): StoredKeywords | undefined {
  let flags = 0
  const keywords = new Set<string>()
  for (const name of names) {
    const keyword = name.toLowerCase()
    if (!keywordForm.test(keyword) || keyword === '$recent') return undefined
    const flag = systemFlags.get(keyword)
    if (flag === undefined) keywords.add(keyword)
    else flags |= flag
  }
  return { flags, keywords: [...keywords].toSorted() }
}

/** What is in `one` and not in `other`. */
export function without(one: StoredKeywords, other: StoredKeywords): StoredKeywords {
  return {
    flags: one.flags & ~other.flags,
    keywords: one.keywords.filter((keyword) => !other.keywords.includes(keyword)),
  }
}

/** Rights (RFC 4314 §4) that a change of these needs. */
export function rightsToSet({ flags, keywords }: StoredKeywords): string {
  const others = (flags & ~Flag.seen) !== 0 || keywords.length > 0
  return `${(flags & Flag.seen) === 0 ? '' : 's'}${others ? 'w' : ''}`
}

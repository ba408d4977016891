// Rights and identifiers of access control lists (RFC 4314 §2, §7).
//
// A right that is not known is refused, never passed over (§3.1). The virtual rights `c` and `d` of RFC 2086 stand for `kx` and `te`
// (§2.1.1, the first of the two readings there).
import { ParseError } from './cursor.ts'
import type { Cursor } from './cursor.ts'

/** The rights of RFC 4314 §2.1, in the order in which they are shown. */
const standard = 'lrswipkxtea'

const virtual = [
  ['c', 'kx'],
  ['d', 'te'],
] as const

/** `mod-rights`: what SETACL does to an entry; letters of RFC 4314 §2.1, each once. */
export interface RightsChange {
  readonly mode: 'replace' | 'add' | 'remove'
  readonly rights: string
}

/** `mod-rights = astring`: "+rights to add, -rights to remove, rights to replace" (RFC 4314 §7) */
export function parseRightsChange(cursor: Cursor): RightsChange {
  const text = cursor.astring('rights')
  const sign = text.charAt(0)
  const mode = sign === '+' ? 'add' : sign === '-' ? 'remove' : 'replace'
  return { mode, rights: parseRights(mode === 'replace' ? text : text.slice(1)) }
}

/** RFC 4314 §3.1: "an unrecognized right MUST cause the command to return the BAD response". */
function parseRights(text: string): string {
  const named = new Set<string>()
  for (const letter of text) {
    const meant = virtual.find(([name]) => name === letter)?.[1] ?? letter
    for (const right of meant) {
      if (!standard.includes(right)) throw new ParseError('one of these is not a right')
      named.add(right)
    }
  }
  return [...standard].filter((right) => named.has(right)).join('')
}

/** Rights as ACL and MYRIGHTS tell them: with `c` or `d` where one of their members is there (RFC 4314 §2.1.1). */
export function withVirtualRights(rights: string): string {
  const added = virtual.filter(([, members]) => [...members].some((right) => rights.includes(right)))
  return rights + added.map(([name]) => name).join('')
}

/** What LISTRIGHTS offers where nothing is tied together: each right by itself, virtual ones last (RFC 4314 §3.7). */
export const grantableRights: readonly string[] = [...standard, ...virtual.map(([name]) => name)]

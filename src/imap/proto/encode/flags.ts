// Flags on the wire. All 64 sets of system flags with and without \Recent are made once, since a FETCH of a hundred thousand
// messages writes one of them for each.
import { systemFlag } from '../grammar/flags.ts'

const names: readonly (readonly [bit: number, name: string])[] = [
  [systemFlag.answered, '\\Answered'],
  [systemFlag.flagged, '\\Flagged'],
  [systemFlag.deleted, '\\Deleted'],
  [systemFlag.seen, '\\Seen'],
  [systemFlag.draft, '\\Draft'],
]

/** The bit that stands for \Recent in `encodeFlags`; never stored (RFC 3501 §2.3.2). */
export const recentBit = 32

const sets = Array.from({ length: 64 }, (_, bits) => {
  const chosen = names.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name)
  return [...chosen, ...((bits & recentBit) === 0 ? [] : ['\\Recent'])].join(' ')
})

/** `flag-fetch *(SP flag-fetch)` without the parentheses; `keywords` as the store keeps them, space separated. */
export function encodeFlags(flags: number, keywords: string): string {
  const system = sets[flags & 63] ?? ''
  if (keywords === '') return system
  return system === '' ? keywords : `${system} ${keywords}`
}

/** `FLAGS` and `PERMANENTFLAGS` (RFC 3501 §7.2.6, §7.1) list every system flag, in this order. */
export const allSystemFlags = '\\Answered \\Flagged \\Deleted \\Seen \\Draft'

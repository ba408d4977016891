// Mod-sequences in commands (RFC 7162 §7).
//
// Ours stay below 2^53 (`ModSeq` of the store); a client's larger number is compared as it is and matches nothing newer.
import type { Cursor } from './cursor.ts'

/** `mod-sequence-value = 1*DIGIT`, positive. */
export function parseModSequence(cursor: Cursor): number {
  const value = cursor.number64('a mod-sequence')
  return value === 0 ? cursor.fail('a mod-sequence is positive') : value
}

/** `mod-sequence-valzer = "0" / mod-sequence-value` */
export function parseModSequenceOrZero(cursor: Cursor): number {
  return cursor.number64('a mod-sequence')
}

// What stands behind the data items of FETCH (RFC 4466 §2.4): CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4.1, §3.2.6), PARTIAL (RFC 9394
// §3.3), and behind the set of STORE: UNCHANGEDSINCE (RFC 7162 §3.1.3).
//
// Each may stand once. VANISHED is refused without UID, without CHANGEDSINCE and before ENABLE QRESYNC.
import { parseModSequence, parseModSequenceOrZero } from './mod-sequence.ts'
import type { Cursor } from './cursor.ts'

/** `partial-range`: the places of the results that are wanted, both inclusive, from 1. */
export interface PartialRange {
  readonly first: number
  readonly last: number
  /** Counted from the message with the highest UID downwards: `-1:-100`. */
  readonly fromEnd: boolean
}

/** What a FETCH is narrowed to. */
export interface FetchModifiers {
  readonly changedSince: number | null
  readonly vanished: boolean
  readonly partial: PartialRange | null
}

export const noModifiers: FetchModifiers = { changedSince: null, vanished: false, partial: null }

/** `fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"`, where there are any. */
export function parseFetchModifiers(cursor: Cursor, options: { uid: boolean }): FetchModifiers {
  if (!cursor.take(' ')) return noModifiers
  let changedSince: number | null = null
  let vanished = false
  let partial: PartialRange | null = null
  cursor.list({ most: 3, empty: false, what: 'fetch modifiers' }, () => {
    const name = cursor.keyword('a fetch modifier')
    if (name === 'CHANGEDSINCE' && changedSince === null) {
      cursor.sp()
      changedSince = parseModSequence(cursor)
    } else if (name === 'PARTIAL' && partial === null) {
      cursor.sp()
      partial = parsePartialRange(cursor)
    } else if (name === 'VANISHED' && !vanished) vanished = true
    else cursor.fail(`unknown or repeated fetch modifier ${name.slice(0, 40)}`)
  })
  if (vanished) {
    if (!options.uid) cursor.fail('VANISHED is for UID FETCH only')
    if (!cursor.modes.qresync) cursor.fail('VANISHED needs ENABLE QRESYNC')
    if (changedSince === null) cursor.fail('VANISHED needs CHANGEDSINCE')
  }
  return { changedSince, vanished, partial }
}

/** `partial-range = nz-number ":" nz-number / MINUS nz-number ":" MINUS nz-number` (RFC 9394 §4); either order. */
export function parsePartialRange(cursor: Cursor): PartialRange {
  const fromEnd = cursor.take('-')
  const one = cursor.nzNumber()
  cursor.expect(':')
  if (fromEnd) cursor.expect('-')
  const other = cursor.nzNumber()
  return { first: Math.min(one, other), last: Math.max(one, other), fromEnd }
}

/** `store-modifiers = "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP`, where there are any; null is none. */
export function parseStoreModifiers(cursor: Cursor): number | null {
  if (cursor.peek() !== '(') return null
  const [unchangedSince] = cursor.list({ most: 1, empty: false, what: 'store modifiers' }, () => {
    if (cursor.keyword('a store modifier') !== 'UNCHANGEDSINCE') cursor.fail('unknown store modifier')
    cursor.sp()
    return parseModSequenceOrZero(cursor)
  })
  cursor.sp()
  return unchangedSince ?? null
}

// Parameters of SELECT and EXAMINE (RFC 4466 §2.1): CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).
import { parseModSequence } from './mod-sequence.ts'
import { parseNumberSet } from './sequence-set.ts'
import type { Cursor } from './cursor.ts'
import type { NumberSet } from './sequence-set.ts'

/** What a client knows of a mailbox from before (RFC 7162 §3.2.5). Sets have no `*`. */
export interface Resynchronization {
  readonly uidValidity: number
  readonly modSeq: number
  /** Of UIDs; null is all that can be. */
  readonly known: NumberSet | null
  /** Sequence numbers and their UIDs, both in ascending order, as many of the one as of the other. */
  readonly match: { readonly numbers: NumberSet; readonly uids: NumberSet } | null
}

export interface SelectParameters {
  readonly condstore: boolean
  readonly resync: Resynchronization | null
}

const none: SelectParameters = { condstore: false, resync: null }

/** `[select-params]`, `select-params = SP "(" select-param *(SP select-param) ")"` */
export function parseSelectParameters(cursor: Cursor): SelectParameters {
  if (!cursor.take(' ')) return none
  let parameters = none
  cursor.list({ most: 10, empty: false, what: 'parameters' }, () => {
    const name = cursor.keyword('a parameter')
    if (name === 'CONDSTORE') parameters = { ...parameters, condstore: true }
    else if (name === 'QRESYNC') {
      if (parameters.resync !== null) cursor.fail('QRESYNC stands twice')
      cursor.sp()
      parameters = { ...parameters, resync: parseResynchronization(cursor) }
    } else cursor.fail('unknown parameter')
  })
  return parameters
}

/** `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"` (RFC 7162 §7) */
function parseResynchronization(cursor: Cursor): Resynchronization {
  cursor.expect('(')
  const uidValidity = cursor.nzNumber()
  cursor.sp()
  const modSeq = parseModSequence(cursor)
  let known: NumberSet | null = null
  let match: Resynchronization['match'] = null
  while (!cursor.take(')')) {
    cursor.sp()
    if (match !== null) cursor.fail('expected ")"')
    if (cursor.peek() === '(') match = parseMatch(cursor)
    else if (known === null) known = parsePlainSet(cursor)
    else cursor.fail('expected a list of numbers and UIDs')
  }
  return { uidValidity, modSeq, known, match }
}

/** `seq-match-data = "(" known-sequence-set SP known-uid-set ")"` */
function parseMatch(cursor: Cursor): { numbers: NumberSet; uids: NumberSet } {
  cursor.expect('(')
  const numbers = parsePlainSet(cursor)
  cursor.sp()
  const uids = parsePlainSet(cursor)
  cursor.expect(')')
  // RFC 7162 §3.2.5.2: "Both MUST be provided in ascending order", and they correspond one to one.
  if (!ascends(numbers) || !ascends(uids)) cursor.fail('the sets must ascend')
  if (countOf(numbers) !== countOf(uids)) cursor.fail('the sets must have the same length')
  return { numbers, uids }
}

/** A sequence set without `*`, which is not allowed here. */
function parsePlainSet(cursor: Cursor): NumberSet {
  const set = parseNumberSet(cursor)
  if (set.some(([first, last]) => first === '*' || last === '*')) cursor.fail('* is not allowed here')
  return set
}

function ascends(set: NumberSet): boolean {
  let before = 0
  for (const range of set) {
    const [first, last] = [Number(range[0]), Number(range[1])]
    if (first <= before || last < first) return false
    before = last
  }
  return true
}

function countOf(set: NumberSet): number {
  return set.reduce((sum, [first, last]) => sum + Number(last) - Number(first) + 1, 0)
}

// Sort criteria and threading algorithms (RFC 5256 §5, RFC 5957 §5, RFC 6203 §7).
//
// As many criteria as there are names: a repeated one cannot change the order, and is dropped.
import type { Cursor } from './cursor.ts'

const sortKeys = [
  ...(['ARRIVAL', 'CC', 'DATE', 'FROM', 'SIZE', 'SUBJECT', 'TO'] as const),
  ...(['DISPLAYFROM', 'DISPLAYTO', 'RELEVANCY'] as const),
] as const

export type SortKey = (typeof sortKeys)[number]

export interface SortCriterion {
  readonly key: SortKey
  readonly reverse: boolean
}

const threadAlgorithms = ['ORDEREDSUBJECT', 'REFERENCES', 'REFS'] as const

/** REFS is of draft-ietf-morg-inthread. */
export type ThreadAlgorithm = (typeof threadAlgorithms)[number]

/** `sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"`; `sort-criterion = ["REVERSE" SP] sort-key` */
export function parseSortCriteria(cursor: Cursor): SortCriterion[] {
  const found = new Map<SortKey, SortCriterion>()
  const list = { most: 4 * sortKeys.length, empty: false, what: 'sort criteria' }
  cursor.list(list, () => {
    let name = cursor.keyword('a sort criterion')
    const reverse = name === 'REVERSE'
    if (reverse) {
      cursor.sp()
      name = cursor.keyword('a sort criterion')
    }
    const key =
      sortKeys.find((each) => each === name) ?? cursor.fail(`unknown sort criterion ${name.slice(0, 40)}`)
    if (!found.has(key)) found.set(key, { key, reverse })
  })
  return [...found.values()]
}

/** `thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext` */
export function parseThreadAlgorithm(cursor: Cursor): ThreadAlgorithm {
  const name = cursor.keyword('a threading algorithm')
  return (
    threadAlgorithms.find((each) => each === name) ?? cursor.fail(`unknown algorithm ${name.slice(0, 40)}`)
  )
}

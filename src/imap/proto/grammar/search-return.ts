// What a search is to return: `RETURN (…)` of RFC 4731, with RFC 5182 SAVE, RFC 6203 RELEVANCY and RFC 9394 PARTIAL.
//
// Each option may stand once. Refuses PARTIAL together with ALL (RFC 9394 §3.1), and RELEVANCY without a FUZZY key (RFC 6203 §4).
import { parsePartialRange } from './fetch-modifiers.ts'
import type { Cursor } from './cursor.ts'
import type { PartialRange } from './fetch-modifiers.ts'
import type { SearchProgram } from './search-key.ts'

/** RFC 4731 §3.1; `all` also where nothing else is asked for. */
export interface SearchReturn {
  readonly min: boolean
  readonly max: boolean
  readonly all: boolean
  readonly count: boolean
  readonly partial: WrittenRange | null
  readonly save: boolean
  readonly relevancy: boolean
}

/** A range of results, and how it was asked for: it is told again in the answer (RFC 9394 §3.1). */
export interface WrittenRange extends PartialRange {
  readonly written: string
}

type Switch = Exclude<keyof SearchReturn, 'partial'>

const switches: ReadonlyMap<string, Switch> = new Map<string, Switch>([
  ['MIN', 'min'],
  ['MAX', 'max'],
  ['ALL', 'all'],
  ['COUNT', 'count'],
  ['SAVE', 'save'],
  ['RELEVANCY', 'relevancy'],
])

/** An empty list asks for ALL (RFC 4731 §3.1). */
export const returnAll: SearchReturn = {
  ...{ min: false, max: false, all: true, count: false },
  ...{ partial: null, save: false, relevancy: false },
}

/** `[SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"] SP`; null where none stands. Ends behind the last space. */
export function parseSearchReturn(cursor: Cursor): SearchReturn | null {
  cursor.sp()
  if (cursor.ahead(7).toUpperCase() !== 'RETURN ') return null
  cursor.keyword()
  cursor.sp()
  const found: { -readonly [Name in keyof SearchReturn]: SearchReturn[Name] } = { ...returnAll, all: false }
  let empty = true
  const list = { most: switches.size + 1, empty: true, what: 'return options' }
  cursor.list(list, () => {
    empty = false
    const name = cursor.keyword('a return option')
    const option = switches.get(name)
    if (option !== undefined && !found[option]) found[option] = true
    else if (name === 'PARTIAL' && found.partial === null) {
      cursor.sp()
      // As much as a range can be.
      const [written = ''] = /^[-:0-9]*/.exec(cursor.ahead(40)) ?? []
      found.partial = { ...parsePartialRange(cursor), written }
    } else cursor.fail(`unknown or repeated return option ${name.slice(0, 40)}`)
  })
  cursor.sp()
  if (found.all && found.partial !== null) cursor.fail('PARTIAL and ALL exclude each other')
  return empty ? returnAll : found
}

/** Refuses what the options want of a search that has it not. */
export function checkSearchReturn(
  cursor: Cursor,
  returns: SearchReturn | null,
  program: SearchProgram,
): void {
  if (returns?.relevancy === true && !program.uses.fuzzy) cursor.fail('RELEVANCY needs a FUZZY key')
}

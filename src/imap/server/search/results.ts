// Results of searches as responses: SEARCH (RFC 3501 §7.2.5), SORT (RFC 5256 §4) and ESEARCH (RFC 4731 §3.1, RFC 9051 §7.3.4), and what is
// saved for `$` (RFC 5182 §2.1, RFC 9394 §3.2).
import { formatNumbers } from '../../proto/grammar/sequence-set.ts'
import { Pace } from '../pace.ts'
import { rangesOf } from '../messages/numbers.ts'
import type { CommandRun } from '../context.ts'
import type { FoundMessages } from './run-search.ts'
import type { PartialRange } from '../../proto/grammar/fetch-modifiers.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { SearchReturn } from '../../proto/grammar/search-return.ts'

/** A search's outcome in the order in which it is told. */
export interface Results {
  readonly found: FoundMessages
  /** Indexes of the view: ascending for SEARCH, sorted for SORT. */
  readonly order: ArrayLike<number>
  readonly uid: boolean
  /** The search had a MODSEQ key. */
  readonly modSeq: boolean
}

/** `* SEARCH …` or `* SORT …`, with `(MODSEQ n)` where RFC 7162 §3.1.6 wants it. */
export async function tellNumbers(run: CommandRun, name: 'SEARCH' | 'SORT', results: Results): Promise<void> {
  const { output } = run
  const { order, found } = results
  const pace = new Pace()
  await output.text(`* ${name}`)
  for (let at = 0; at < order.length; at += 1_000) {
    let text = ''
    for (let next = at; next < Math.min(order.length, at + 1_000); next++)
      text += ` ${numberAt(results, next)}`
    await output.text(text)
    await pace.spend(40_000)
  }
  if (results.modSeq && order.length > 0) {
    await output.text(` (MODSEQ ${highestModSeq(found, Array.from(order))})`)
  }
  await output.text('\r\n')
  await output.end()
}

/** `* ESEARCH (TAG "…"…) [UID] …`: one response, with what was asked for and nothing else. */
export async function tellESearch(
  run: CommandRun,
  results: Results,
  options: { returns: SearchReturn; correlators?: string },
): Promise<void> {
  const { order, found } = results
  const { returns, correlators = '' } = options
  const { output } = run
  await output.text(`* ESEARCH (TAG "${run.tag}"${correlators})${results.uid ? ' UID' : ''}`)
  const { length } = order
  if (returns.min && length > 0) await output.text(` MIN ${numberAt(results, 0)}`)
  if (returns.max && length > 0) await output.text(` MAX ${numberAt(results, length - 1)}`)
  if (returns.count) await output.text(` COUNT ${length}`)
  const listed = returns.partial === null ? order : slicePartial(order, returns.partial)
  if (returns.partial !== null) {
    const set = listed.length === 0 ? 'NIL' : formatNumbers(numbersOf(results, listed))
    await output.text(` PARTIAL (${returns.partial.written} ${set})`)
  } else if (returns.all && length > 0) {
    await output.text(` ALL ${formatNumbers(numbersOf(results, listed))}`)
  }
  if (returns.relevancy && listed.length > 0) {
    await output.text(` RELEVANCY (${Array.from(listed, (index) => found.scoreOf(index)).join(' ')})`)
  }
  // RFC 4731 §3.2
  if (results.modSeq && length > 0) {
    const told = returns.all || returns.count ? Array.from(order) : toldIndexes(order, returns)
    if (told.length > 0) await output.text(` MODSEQ ${highestModSeq(found, told)}`)
  }
  await output.text('\r\n')
  await output.end()
}

/** What `$` is from now on, as UIDs (RFC 5182 §2.1 table, RFC 9394 §3.2 table 1). */
export function savedResult(results: Results, returns: SearchReturn): Ranges {
  const { order, found } = results
  const some = returns.min || returns.max || returns.partial !== null
  const kept = some && !returns.all && !returns.count ? toldIndexes(order, returns) : Array.from(order)
  // MIN and MAX may be told twice; `rangesOf` wants each once, in order.
  const ascending = Float64Array.from(kept).sort()
  const once = Array.from(ascending.filter((index, at) => index !== ascending[at - 1]))
  return found.searched.view.selection(rangesOf(once))
}

/** Whether an untagged response is due: SAVE alone asks for none (RFC 5182 §2.1). */
export function tellsAnything(returns: SearchReturn): boolean {
  const { min, max, all, count, partial, relevancy } = returns
  return min || max || all || count || partial !== null || relevancy
}

/** The messages of MIN, MAX and PARTIAL. */
function toldIndexes(order: ArrayLike<number>, returns: SearchReturn): number[] {
  const told = returns.partial === null ? [] : Array.from(slicePartial(order, returns.partial))
  const first = order[0]
  const last = order[order.length - 1]
  if (returns.min && first !== undefined) told.push(first)
  if (returns.max && last !== undefined) told.push(last)
  return told
}

function slicePartial(order: ArrayLike<number>, { first, last, fromEnd }: PartialRange): number[] {
  const { length } = order
  // RFC 9394 §3.1: results that do not exist are left out.
  return fromEnd
    ? Array.prototype.slice.call(order, Math.max(0, length - last), Math.max(0, length - first + 1))
    : Array.prototype.slice.call(order, first - 1, last)
}

function numberAt({ order, uid, found }: Results, at: number): number {
  const index = order[at] ?? 0
  return uid ? found.searched.view.uid(index) : index + 1
}

function* numbersOf({ uid, found }: Results, indexes: ArrayLike<number>): Generator<number> {
  const { view } = found.searched
  for (let at = 0; at < indexes.length; at++) {
    const index = indexes[at] ?? 0
    yield uid ? view.uid(index) : index + 1
  }
}

function highestModSeq(found: FoundMessages, indexes: readonly number[]): number {
  let highest = 1
  for (const index of indexes) highest = Math.max(highest, found.modSeqOf(index))
  return highest
}

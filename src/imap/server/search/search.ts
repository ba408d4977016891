// SEARCH (RFC 3501 §6.4.4, RFC 9051 §6.4.4) and SORT (RFC 5256 §3), with the return options of RFC 4731 and its extensions.
import { answerLimited, refuseLimited } from '../messages/message-limit.ts'
import { no, ok } from '../context.ts'
import { returnAll } from '../../proto/grammar/search-return.ts'
import { runSearch } from './run-search.ts'
import { savedResult, tellESearch, tellNumbers, tellsAnything } from './results.ts'
import { sortFound } from './sort-order.ts'
import type { CommandRun, Done } from '../context.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Results } from './results.ts'
import type { Selected } from '../messages/selected.ts'

/** RFC 3501 §6.4.4: "a list of charsets that are supported", or some of them. */
export const badCharset = no('BADCHARSET (UTF-8 US-ASCII ISO-8859-1)', 'The charset is not known')

export async function search(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'SEARCH'>,
): Promise<Done> {
  return answer(run, selected, request)
}

export async function sort(run: CommandRun, selected: Selected, request: RequestOf<'SORT'>): Promise<Done> {
  return answer(run, selected, request)
}

async function answer(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'SEARCH' | 'SORT'>,
): Promise<Done> {
  const { name, uid, program } = request
  await selected.load()
  const searching = runSearch(run, selected, program)
  // RFC 5182 §2.1: a search with SAVE that fails leaves an empty result. `$` in the criteria was resolved already.
  if (request.returns?.save === true) selected.saved = []
  const found = await searching
  if (found === undefined) return badCharset
  if (name === 'SORT' && found.lowest !== null) return refuseLimited(run)
  const order = name === 'SORT' ? await sortFound(run, found, request.criteria) : found.matches
  const results: Results = { found, order, uid, modSeq: program.uses.modSeq }
  // RFC 9051 §6.4.4: after ENABLE IMAP4rev2, SEARCH is answered by ESEARCH.
  const returns = request.returns ?? (name === 'SEARCH' && run.session.modes.rev2 ? returnAll : null)
  if (returns === null) await tellNumbers(run, name, results)
  else if (tellsAnything(returns)) await tellESearch(run, results, { returns })
  if (returns?.save === true) selected.saved = savedResult(results, returns)
  run.session.parts.facts.trim()
  return answerLimited(run, ok(`${name} completed`), found.lowest)
}

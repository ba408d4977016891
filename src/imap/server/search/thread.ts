// THREAD (RFC 5256 §3): a search whose result is told as threads.
import { refuseLimited } from '../messages/message-limit.ts'
import { badCharset } from './search.ts'
import { growingIntegers } from './facts/growing.ts'
import { loadFacts, runSearch } from './run-search.ts'
import { ok } from '../context.ts'
import { orderedSubject, references, refs } from './thread-algorithms.ts'
import { Pace } from '../pace.ts'
import { orderBy } from './paced-sort.ts'
import { place } from './placing.ts'
import { rankTimes, sentDates } from './sort-order.ts'
import type { CommandRun, Done } from '../context.ts'
import type { Forest } from './thread-forest.ts'
import type { FoundMessages } from './run-search.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from '../messages/selected.ts'
import type { Threaded } from './thread-algorithms.ts'

export async function thread(
  run: CommandRun,
  selected: Selected,
  { uid, algorithm, program }: RequestOf<'THREAD'>,
): Promise<Done> {
  const view = await selected.load()
  const found = await runSearch(run, selected, program)
  if (found === undefined) return badCharset
  if (found.lowest !== null) return refuseLimited(run)
  const forest = await threadFound(run, found, algorithm)
  const { matches } = found
  const numberOf = (position: number): number => {
    const index = matches[position] ?? 0
    return uid ? view.uid(index) : index + 1
  }
  await run.output.text(matches.length === 0 ? '* THREAD' : '* THREAD ')
  const pace = new Pace()
  for (const text of forest.text(numberOf)) {
    const written = run.output.text(text)
    if (written !== undefined) await written
    const others = pace.spend(4 * text.length)
    if (others !== undefined) await others
  }
  await run.output.text('\r\n')
  await run.output.end()
  run.session.parts.facts.trim()
  return ok('THREAD completed')
}

async function threadFound(
  run: CommandRun,
  found: FoundMessages,
  algorithm: RequestOf<'THREAD'>['algorithm'],
): Promise<Forest> {
  const { searched, facts } = found
  const bySubject = algorithm === 'ORDEREDSUBJECT'
  await loadFacts(run, {
    searched,
    facts,
    kinds: bySubject ? ['rows', 'texts'] : ['rows', 'texts', 'threads'],
  })
  const pace = new Pace()
  const threaded = await threadedOf(found, pace)
  if (bySubject) return orderedSubject(threaded, pace)
  if (algorithm === 'REFERENCES') return references(threaded, pace)
  const places = place(searched.view, facts.rows.uids)
  const arrival = (position: number): number =>
    facts.rows.internalDates.at(places[found.matches[position] ?? -1] ?? -1)
  return refs(threaded, { arrival, pace })
}

/** What the algorithms ask, from facts that are loaded. */
async function threadedOf(found: FoundMessages, pace: Pace): Promise<Threaded> {
  const { matches, searched, facts } = found
  const { texts, threads } = facts
  const dateOf = sentDates(found)
  const dates = new Float64Array(matches.length)
  for (let at = 0; at < dates.length; at++) dates[at] = dateOf(matches[at] ?? 0)
  const { length } = matches
  const textPlaces = place(searched.view, texts.uids)
  const threadPlaces = place(searched.view, threads.uids)
  const subjects = new Int32Array(length)
  const replies = new Uint8Array(length)
  const ids = new Int32Array(length)
  const referencesFrom = new Int32Array(length + 1)
  const references = growingIntegers()
  for (let position = 0; position < length; position++) {
    const index = matches[position] ?? 0
    const inTexts = textPlaces[index] ?? -1
    subjects[position] = texts.subjects.at(inTexts)
    replies[position] = texts.replies.at(inTexts)
    const inThreads = threadPlaces[index] ?? -1
    ids[position] = inThreads < 0 ? -1 : threads.ids.at(inThreads)
    if (inThreads >= 0) threads.copyReferences(inThreads, references)
    referencesFrom[position + 1] = references.length
    const others = pace.spend(10)
    if (others !== undefined) await others
  }
  return {
    ...{ length, subjects, replies, ids, idCount: threads.idCount, referencesFrom },
    references: references.slice(0, references.length),
    byDate: await orderBy([await rankTimes(dates, pace)], length, pace),
  }
}

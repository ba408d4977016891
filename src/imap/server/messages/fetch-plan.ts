// What a FETCH is going to do, before any message is looked at: which items in which order, what they need, and which messages.
import { bad, no } from '../context.ts'
import { countOf, each, rangesOf, tryIndexes } from './numbers.ts'
import { encodeVanished } from '../../proto/encode/fetch-data.ts'
import { lastOf, limitMessages } from './message-limit.ts'
import { intersectRanges, mergeRanges, resolveNumberSet } from '../../proto/grammar/sequence-set.ts'
import type { CommandRun, Done } from '../context.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Limited } from './message-limit.ts'
import type { Modes } from '../../proto/modes.ts'
import type { ModSeq } from '../../../store/model.ts'
import type { PartialRange } from '../../proto/grammar/fetch-modifiers.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

/** Where what an item tells is to be had: each also has what those before it have. */
export type Source = 'view' | 'row' | 'structure' | 'text'

const sources: Record<FetchItem['name'], Source> = {
  UID: 'view',
  FLAGS: 'view',
  INTERNALDATE: 'row',
  'RFC822.SIZE': 'row',
  SAVEDATE: 'row',
  MODSEQ: 'row',
  EMAILID: 'row',
  THREADID: 'text',
  ENVELOPE: 'structure',
  BODY: 'structure',
  BODYSTRUCTURE: 'structure',
  PREVIEW: 'structure',
  SECTION: 'text',
  BINARY: 'text',
  'BINARY.SIZE': 'text',
}

/** What is enough for all of them. */
export function sourceOf(items: readonly FetchItem[]): Source {
  const needed = new Set(items.map(({ name }) => sources[name]))
  if (needed.has('text')) return 'text'
  if (needed.has('structure')) return needed.has('row') ? 'text' : 'structure'
  return needed.has('row') ? 'row' : 'view'
}

/** The items to tell, each once. */
export function itemsOf(request: RequestOf<'FETCH'>, modes: Modes): FetchItem[] {
  const items = new Map<string, FetchItem>()
  // RFC 3501 §6.4.8: the UID is part of every answer to UID FETCH; RFC 9586 §3: UIDFETCH begins with it anyway.
  if (request.uid && !modes.uidOnly && !request.items.some(({ name }) => name === 'UID'))
    items.set('UID', { name: 'UID' })
  for (const item of request.items) {
    const once = item.name !== 'SECTION' && item.name !== 'BINARY' && item.name !== 'BINARY.SIZE'
    items.set(once ? item.name : JSON.stringify(item), item)
  }
  // RFC 7162 §3.1.4.1: CHANGEDSINCE "implicitly adds the MODSEQ FETCH message data item".
  if (request.changedSince !== null) items.set('MODSEQ', { name: 'MODSEQ' })
  return [...items.values()]
}

/** The messages that are told, or what to answer. VANISHED (EARLIER) is told on the way: it comes before every FETCH. */
export async function messagesOf(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'FETCH'>,
): Promise<Limited | { readonly refusal: Done }> {
  const { view } = selected
  const { changedSince, partial } = request
  let indexes = tryIndexes(selected, request.set, request.uid)
  if (indexes === undefined) return { refusal: bad('There is no message with that number') }
  if (changedSince !== null) {
    if (request.vanished) await tellVanished(run, selected, request)
    indexes = await changedAfter(run, selected, { since: changedSince, indexes })
  }
  if (partial === null) return limitMessages(run, view, indexes)
  const most = run.session.parts.config.messageLimit
  // RFC 9394 §3.2 and RFC 9738 §3: a page that is larger than what one command may work on.
  if (most > 0 && partial.last - partial.first >= most)
    return { refusal: no(`MESSAGELIMIT ${most}`, 'The page is too large') }
  return { indexes: pageOf(indexes, partial), lowest: null }
}

/** RFC 9394 §3.3: the results at these places. */
function pageOf(indexes: Ranges, { first, last, fromEnd }: PartialRange): Ranges {
  const count = countOf(indexes)
  if (first > count) return []
  const size = Math.min(last, count) - first + 1
  const upTo = fromEnd ? count - first + 1 : Math.min(last, count)
  return lastOf(firstOf(indexes, upTo), size)
}

function firstOf(indexes: Ranges, count: number): Ranges {
  const kept: (readonly [number, number])[] = []
  let left = count
  for (const [first, last] of indexes) {
    if (left === 0) break
    const to = Math.min(last, first + left - 1)
    kept.push([first, to])
    left -= to - first + 1
  }
  return kept
}

/** Of these messages those that have a mod-sequence above `since` (RFC 7162 §3.1.4.1). */
export async function changedAfter(
  run: CommandRun,
  { view, account, mailbox }: Selected,
  { since, indexes }: { since: number; indexes: Ranges },
): Promise<Ranges> {
  // Any modseq that a client may name is a number that one can be compared with.
  const above = Math.min(since, Number.MAX_SAFE_INTEGER) as ModSeq
  const { uids } = await run.session.parts.store.loadModSeqs({ account, mailbox, above })
  const changed: number[] = []
  for (const uid of uids) {
    const index = view.indexOf(uid)
    if (index !== -1) changed.push(index)
  }
  return intersectRanges(rangesOf(changed), indexes)
}

/** RFC 7162 §3.2.6 */
async function tellVanished(
  run: CommandRun,
  selected: Selected,
  { set, changedSince }: RequestOf<'FETCH'>,
): Promise<void> {
  const { view, saved } = selected
  // `*` stands for what the client may know of, which may be gone: the largest UID that was ever given.
  const known = set === 'saved' ? saved : resolveNumberSet(set, Math.max(1, view.nextUid - 1))
  const gone = await vanishedAmong(run, selected, { known, since: changedSince ?? 0 })
  for (const response of encodeVanished(gone, 'earlier')) await run.output.text(response)
}

/**
 * UIDs of `known` that are not in the mailbox any more and left it after `since`, or at any time where the store does not remember so
 * far (RFC 7162 §3.2.6: "MUST behave as if it was requested to report all expunged messages").
 */
export async function vanishedAmong(
  run: CommandRun,
  { view, account, mailbox }: Selected,
  { known, since }: { known: Ranges; since: number },
): Promise<Ranges> {
  const { uids, complete } = await run.session.parts.store.vanishedSince({
    ...{ account, mailbox },
    since: Math.min(since, Number.MAX_SAFE_INTEGER) as ModSeq,
  })
  const below = mergeRanges(
    known.flatMap(([first, last]): [number, number][] => {
      // No UID was ever given from the next one on (RFC 7162 §3.2.10: VANISHED is about messages that were there).
      const end = Math.min(last, view.nextUid - 1)
      return first <= end ? [[first, end]] : []
    }),
  )
  const candidates = complete ? intersectRanges(uids, below) : below
  return withoutPresent(candidates, view)
}

/** What the view still has, gone or not, is told in its own time. */
function withoutPresent(candidates: Ranges, view: View): Ranges {
  const absent: [number, number][] = []
  for (const [first, last] of candidates) {
    let next = first
    for (const index of each(view.indexesOf([[first, last]]))) {
      const uid = view.uid(index)
      if (uid > next) absent.push([next, uid - 1])
      next = uid + 1
    }
    if (next <= last) absent.push([next, last])
  }
  return absent
}

// The results of a query of emails in their order (RFC 8621 §4.4): filtered in one pass over the index, sorted by ranks, threads collapsed.
//
// What a pass lacks (messages to read, facts to load) is gathered, fetched and the pass made again, so that the results are all of one
// state of the index, which is the one that is told.
import type { EmailId } from '../../../store/model.ts'
import type { Searcher } from '../../../search/search.ts'
import type { Comparator } from '../../proto/standard.ts'
import type { EmailCondition, EmailFilter } from '../../proto/email-filter.ts'
import { conditionsOf } from '../../proto/filter.ts'
import { memberOf } from '../../proto/json.ts'
import type { MailAccess, MailRights } from '../mail-access.ts'
import type { FactKind } from '../mail-index/mail-facts.ts'
import type { MailView } from '../mail-index/mail-view.ts'
import { sortedByRank } from '../mail-index/slot-order.ts'
import { threadTest, verdictOf } from './email-filter.ts'
import { TextSearch, type TextLimits, type TextTest } from './text-search.ts'

export interface Searching {
  readonly access: MailAccess
  readonly searcher: Searcher | null
  readonly limits: TextLimits
  /** Looks at mail that came since the last one. */
  readonly rounds: number
}

export interface EmailQuestion {
  readonly filter: EmailFilter | null
  readonly sort: readonly Comparator[]
  readonly collapseThreads: boolean
}

/** Messages that are read before the pass is made again. */
const readAtOnce = 1_000

/**
 * Results over whatever state `open` gives, which is asked again as long as something was missing. `mail-comes-too-fast`: what came while this
 * read had to be read too, too many times.
 */
export async function findEmails<T extends { readonly view: MailView }>(
  { access, searcher, limits, rounds }: Searching,
  {
    rights,
    question,
    open,
  }: { rights: MailRights; question: EmailQuestion; open: () => Promise<T | undefined> },
): Promise<{ readonly state: T; readonly slots: Int32Array } | 'mail-comes-too-fast' | undefined> {
  const { filter, sort } = question
  const { account } = rights
  const { store } = access
  const texts = new TextSearch()
  const tests = new Map<EmailCondition, TextTest | null>()
  for (const condition of conditionsOf(filter)) tests.set(condition, texts.add(condition))
  await texts.lookUp(searcher, account)
  const facts = factsFor(filter, sort)
  let emails = -1
  for (let round = 0; round <= rounds;) {
    const state = await open()
    if (state === undefined) return undefined
    const { view } = state
    // What was there at the last look is read by and by; what comes meanwhile could go on for ever.
    if (view.index.emails.length !== emails) round++
    emails = view.index.emails.length
    const missing = facts.filter((kind) => !view.index.facts.has(kind))
    if (missing.length > 0) {
      for (const kind of missing) await view.index.facts.load(kind, { store, account })
      continue
    }
    view.sheet()
    const unread: EmailId[] = []
    const found = filtered(view, verdictOf(filter, { view, account, texts, tests }), unread)
    if (unread.length === 0) return { state, slots: collapsed(view, sorted(view, found, sort), question) }
    await texts.read(unread.slice(0, readAtOnce), { store, account, limits })
  }
  return 'mail-comes-too-fast'
}

function factsFor(filter: EmailFilter | null, sort: readonly Comparator[]): FactKind[] {
  const facts = new Set<FactKind>()
  for (const { hasAttachment } of conditionsOf(filter))
    if (hasAttachment !== undefined) facts.add('attachments')
  for (const { property } of sort) {
    if (['from', 'to', 'subject', 'sentAt'].includes(property)) facts.add('envelopes')
  }
  return [...facts]
}

/** Those that match, newest first; into `unread` those that must be read to know. */
function filtered(view: MailView, verdict: (slot: number) => boolean | null, unread: EmailId[]): Int32Array {
  const { sorted: order } = view.index.facts.order('receivedAt')
  const { there } = view.sheet()
  const found = new Int32Array(order.length)
  let length = 0
  for (let at = order.length - 1; at >= 0; at--) {
    const slot = order[at] ?? 0
    if (there[slot] !== 1) continue
    const matches = verdict(slot)
    // From the store, as all in the index.
    if (matches === null) unread.push((view.index.emails.array[slot] ?? 0) as EmailId)
    else if (matches) found[length++] = slot
  }
  return found.subarray(0, length)
}

/** RFC 8621 §4.4.2. From the last comparator to the first, each keeping the order of those after it. */
function sorted(view: MailView, found: Int32Array, sort: readonly Comparator[]): Int32Array {
  let slots = found
  for (const [index, comparator] of [...sort.entries()].toReversed()) {
    const { property, isAscending, collation } = comparator
    if (index === sort.length - 1 && property === 'receivedAt') {
      // They are in that order, or its opposite.
      if (isAscending) slots = slots.toReversed()
      continue
    }
    const test = flagTest(view, comparator)
    if (test !== null) slots = partitioned(slots, test, isAscending)
    else slots = sortedByRank(slots, view.index.facts.order(property, collation), isAscending)
  }
  return slots
}

function flagTest(view: MailView, { property, more }: Comparator): ((slot: number) => boolean) | null {
  const keyword = memberOf(more, 'keyword')
  if (typeof keyword !== 'string') return null
  if (property === 'hasKeyword') return view.keywordTest(keyword)
  if (property === 'allInThreadHaveKeyword') return threadTest(view, keyword, 'all')
  return property === 'someInThreadHaveKeyword' ? threadTest(view, keyword, 'some') : null
}

/** RFC 8620 §5.5: "false comes before true". */
function partitioned(slots: Int32Array, test: (slot: number) => boolean, isAscending: boolean): Int32Array {
  const [first, second]: [number[], number[]] = [[], []]
  for (const slot of slots) (test(slot) === isAscending ? second : first).push(slot)
  return Int32Array.from([...first, ...second])
}

/** RFC 8621 §4.4.3. */
function collapsed(view: MailView, slots: Int32Array, { collapseThreads }: EmailQuestion): Int32Array {
  if (!collapseThreads) return slots
  const { threadOf, threads } = view.index
  const seen = new Uint8Array(threads.length)
  return slots.filter((slot) => {
    const thread = threadOf.array[slot] ?? 0
    if (seen[thread] === 1) return false
    seen[thread] = 1
    return true
  })
}

// What became of emails and threads since a point: from the messages that are there with the modseq since which they are shown, and from
// the departures of the others. Exact: an email is `created` where it was not there at the point and is now.
import type { Departure } from '../../../store/emails.ts'
import type { MailIndex } from './mail-index.ts'
import type { MailView } from './mail-view.ts'
import { baseOf, knownOf, type Event, type Point } from './point.ts'

/** The times of one email: when each of its places began and ended; `end` is Infinity where it is there. */
interface Stay {
  readonly start: number
  readonly end: number
  /** Of its last change. */
  readonly modSeq: number
}

export type Departed = ReadonlyMap<number, readonly Departure[]>

/** Departures that the viewer can know of, by email. */
export function departedBy(view: MailView, departures: readonly Departure[]): Departed {
  const byEmail = new Map<number, Departure[]>()
  for (const departure of departures) {
    if (departure.modSeq > view.index.modSeq || !view.sees(departure.mailbox)) continue
    const list = byEmail.get(departure.email)
    if (list) list.push(departure)
    else byEmail.set(departure.email, [departure])
  }
  return byEmail
}

/** Ids of emails that something may have happened to since. */
export function touchedSince(view: MailView, departed: Departed, base: number): Set<number> {
  const { index } = view
  const touched = new Set<number>(departed.keys())
  for (let message = 0; message < index.uids.length; message++) {
    if ((index.modSeqs.array[message] ?? 0) <= base) continue
    const email = index.emailOf.array[message] ?? -1
    if (email !== -1 && view.shows(message)) touched.add(index.emails.array[email] ?? 0)
  }
  return touched
}

function* staysOf(view: MailView, departed: Departed, email: number): Generator<Stay> {
  const { index } = view
  const slot = index.slotOf(email)
  if (slot !== -1) {
    for (const message of index.messagesOf(slot)) {
      if (!view.shows(message)) continue
      const start = index.shownSince.array[message] ?? 0
      yield { start, end: Infinity, modSeq: index.modSeqs.array[message] ?? 0 }
    }
  }
  for (const { shown, modSeq } of departed.get(email) ?? []) yield { start: shown, end: modSeq, modSeq }
}

/** One email between a modseq and now. */
interface Fate {
  readonly was: boolean
  readonly is: boolean
  /** First time that it came after, or Infinity. */
  readonly came: number
  /** Where it was: the first time that it was nowhere after, or Infinity. Told by then, a page that begins later needs not tell it. */
  readonly left: number
  /** Last change after, or 0. */
  readonly touched: number
}

function fateOf(stays: readonly Stay[], known: number): Fate {
  let [was, is, came, touched] = [false, false, Infinity, 0]
  for (const { start, end, modSeq } of stays) {
    if (start <= known && end > known) was = true
    if (end === Infinity) is = true
    if (start > known) came = Math.min(came, start)
    if (modSeq > known) touched = Math.max(touched, modSeq)
  }
  return { was, is, came, left: leftAfter(stays, known), touched }
}

/** The end of what is there without a gap from `known` on. */
function leftAfter(stays: readonly Stay[], known: number): number {
  let until = known
  for (const { start, end } of stays.toSorted((a, b) => a.start - b.start)) {
    if (start > until) break
    until = Math.max(until, end)
  }
  return until
}

/** RFC 8621 §4.3. */
export function emailEvents(view: MailView, departed: Departed, point: Point): Event[] {
  const events: Event[] = []
  for (const id of touchedSince(view, departed, baseOf(point))) {
    const stays = [...staysOf(view, departed, id)]
    const { was, is, came, left, touched } = fateOf(stays, knownOf(point, id))
    if (is && !was) events.push({ id, at: came, what: 'created' })
    else if (is && touched > 0) events.push({ id, at: touched, what: 'updated' })
    else if (!is && was) events.push({ id, at: left, what: 'destroyed' })
  }
  return events
}

/** RFC 8621 §3.2: a thread is another one when emails came or went. */
export function threadEvents(
  view: MailView,
  departures: readonly Departure[],
  { departed, point }: { departed: Departed; point: Point },
): Event[] {
  const goneOf = new Map<number, Set<number>>()
  for (const { email, thread } of departures) {
    if (!departed.has(email)) continue
    const emails = goneOf.get(thread)
    if (emails) emails.add(email)
    else goneOf.set(thread, new Set([email]))
  }
  const threads = new Set<number>(goneOf.keys())
  const { index } = view
  const base = baseOf(point)
  for (let message = 0; message < index.uids.length; message++) {
    if ((index.shownSince.array[message] ?? 0) <= base) continue
    const email = index.emailOf.array[message] ?? -1
    if (email !== -1) threads.add(index.threads.array[index.threadOf.array[email] ?? 0] ?? 0)
  }
  const events: Event[] = []
  for (const id of threads) {
    const emails = new Set([...emailIdsOf(index, id), ...(goneOf.get(id) ?? [])])
    const known = knownOf(point, id)
    const stays = [...emails].map((email) => [...staysOf(view, departed, email)])
    const event = threadEvent(stays, known)
    if (event !== undefined) events.push({ id, ...event })
  }
  return events
}

function* emailIdsOf(index: MailIndex, thread: number): Generator<number> {
  const slot = index.threadSlotOf(thread)
  if (slot === -1) return
  for (let at = index.firstInThread.array[slot] ?? -1; at !== -1; at = index.nextInThread.array[at] ?? -1) {
    yield index.emails.array[at] ?? 0
  }
}

function threadEvent(stays: readonly (readonly Stay[])[], known: number): Omit<Event, 'id'> | undefined {
  const { was, is, came, left } = fateOf(stays.flat(), known)
  if (!was) return is ? { what: 'created', at: came } : undefined
  if (!is) return { what: 'destroyed', at: left }
  const changed = stays.map((own) => fateOf(own, known)).filter((fate) => fate.was !== fate.is)
  if (changed.length === 0) return undefined
  return { what: 'updated', at: Math.max(...changed.map((fate) => (fate.is ? fate.came : fate.left))) }
}

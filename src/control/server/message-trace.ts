// What became of messages, from what is remembered of events: everything that names the message; what filters said to its session before
// it had a name; and how the hosts of its destinations fared while it was on its way.
import { type Level, reaches } from '../../events/event.ts'
import type { Recorded } from '../../events/recorder.ts'
import type { QueueAdmin, ShownMessage } from '../../queue/admin.ts'

/** Records that say one of the texts, in whatever case, oldest first; of more than `limit` the newest. */
export interface EventHistory {
  search(texts: readonly string[], limit: number): Promise<Recorded[]>
}

/** A record as it is shown. */
export interface ShownRecord {
  readonly seq: number
  readonly at: string
  readonly name: string
  readonly level: string
  readonly fields: Recorded['fields']
}

/** What became of one message, as far as it is remembered. */
export interface ShownTrace {
  /** What the 250 called it; null: it was refused before it had a name. */
  readonly message: string | null
  /** Oldest first. */
  readonly records: readonly ShownRecord[]
  /** Where each recipient of the queue stands, with every attempt; null where nothing was queued, or it is forgotten. */
  readonly queue: ShownMessage | null
}

const mostRecords = 2000

/** Messages whose records say the text, newest first, each with all that is known of it. */
export async function traceMessages(
  history: EventHistory,
  queueAdmin: QueueAdmin,
  { text, limit }: { readonly text: string; readonly limit: number },
): Promise<ShownTrace[]> {
  const says = recordTest({ level: 'debug', name: '', text })
  const said = await history.search([text], mostRecords)
  const found = said.filter((one) => isOfMail(one) && says(one)).toReversed()
  const names = [...new Set(found.flatMap((one) => nameOf(one) ?? []))].slice(0, limit)
  const all = await recordsOf(history, names)
  const traces: ShownTrace[] = []
  for (const message of names) {
    const queue = (await queueAdmin.show(message)) ?? null
    traces.push({ message, records: ofMessage(all, message, queue).map(shownRecord), queue })
  }
  // What the records do not say any more the queue may.
  if (names.length === 0) {
    const queue = await queueAdmin.show(text)
    if (queue !== undefined) traces.push({ message: queue.name, records: [], queue })
  }
  const nameless = found.filter((one) => nameOf(one) === undefined).slice(0, limit - traces.length)
  for (const one of nameless) traces.push({ message: null, records: [shownRecord(one)], queue: null })
  return traces
}

/** All that names one of the messages, its session or one of its destinations, oldest first. */
async function recordsOf(history: EventHistory, names: readonly string[]): Promise<Recorded[]> {
  if (names.length === 0) return []
  // The session is the beginning of the name.
  const own = await history.search([...names, ...names.map(sessionOf)], mostRecords)
  const destinations = new Set(own.flatMap(destinationOf))
  const wider = destinations.size === 0 ? [] : await history.search([...destinations], mostRecords)
  const all = new Map([...own, ...wider].map((one) => [`${one.at} ${one.seq}`, one]))
  return [...all.values()]
    .filter(isOfMail)
    .toSorted((left, right) => left.at - right.at || left.seq - right.seq)
}

function ofMessage(all: readonly Recorded[], message: string, queue: ShownMessage | null): Recorded[] {
  const named = all.filter((one) => nameOf(one) === message)
  const session = sessionOf(message)
  const destinations = new Set(named.flatMap(destinationOf))
  const isWaiting = queue !== null && queue.finished === null
  const begin = named[0]?.at ?? 0
  const end = isWaiting ? Number.POSITIVE_INFINITY : (named.at(-1)?.at ?? 0)
  return all.filter((one) => {
    if (nameOf(one) !== undefined) return nameOf(one) === message
    if (one.fields['session'] === session) return one.at <= end
    return one.at >= begin && one.at <= end && destinationOf(one).some((key) => destinations.has(key))
  })
}

/** Names of messages that come by SMTP are those of their sessions, with a number. */
function sessionOf(message: string): string {
  const dot = message.lastIndexOf('.')
  return dot < 1 ? message : message.slice(0, dot)
}

function destinationOf({ fields }: Recorded): string[] {
  const { destination } = fields
  return typeof destination === 'string' && destination !== '' ? [destination] : []
}

function isOfMail({ name }: Recorded): boolean {
  return /^(?:smtp|delivery|queue|relay|http|hook|vacation)\./.test(name)
}

/** What the 250 called the message that a record is about. */
function nameOf({ fields }: Recorded): string | undefined {
  const name = fields['message'] ?? fields['id']
  return typeof name === 'string' && name !== '' ? name : undefined
}

export function recordTest(filter: {
  readonly level: Level
  readonly name: string
  readonly text: string
}): (record: Recorded) => boolean {
  const text = filter.text.toLowerCase()
  return ({ name, level, fields }) => {
    if (!reaches(level, filter.level) || !name.startsWith(filter.name)) return false
    return (
      text === '' ||
      Object.values(fields).some((value) =>
        String(value ?? '')
          .toLowerCase()
          .includes(text),
      )
    )
  }
}

export function shownRecord({ seq, at, name, level, fields }: Recorded): ShownRecord {
  return { seq, at: new Date(at).toISOString(), name, level, fields }
}

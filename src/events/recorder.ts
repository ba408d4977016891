// What has happened lately, kept in memory for the admin page: the last records, and counts of what matters by second and by minute.
//
// - A bounded number of records; the oldest goes first. Debug events are none of them, but for those that tell where a message went.
// - Counts: the last ten minutes by second, the last day by minute. What is measured and not counted (the depth of the queue) is the
//   last value of its slot.
// - Refusals are counted by their reason for the last hour, a bounded number of reasons.
import type { EventKind, EventSink, Fields, Level } from './event.ts'

/** One event, numbered as it came. */
export interface Recorded {
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly name: string
  readonly level: Level
  readonly fields: Fields
}

/** What is counted, in the order of the columns. */
export const seriesNames = [
  'accepted',
  'delivered',
  'deferred',
  'failed',
  'refused',
  'logins',
  'failedLogins',
  'connections',
  'queued',
] as const
export type SeriesName = (typeof seriesNames)[number]

/** Samples, oldest first, each `step` milliseconds; `end` is when the last one ends. */
export interface Series {
  readonly step: number
  readonly end: number
  readonly values: Readonly<Record<SeriesName, readonly number[]>>
}

const countedBy: Readonly<Record<string, SeriesName>> = {
  'smtp.message-accepted': 'accepted',
  'http.message-accepted': 'accepted',
  'queue.delivered': 'delivered',
  'queue.deferred': 'deferred',
  'queue.failed': 'failed',
  'smtp.message-refused': 'refused',
  'smtp.recipient-refused': 'refused',
  'smtp.sender-refused': 'refused',
  'smtp.rate-exceeded': 'refused',
  'smtp.field-refused': 'refused',
  'smtp.policy-refused': 'refused',
  'http.message-refused': 'refused',
  'connection.refused': 'refused',
  'auth.login-succeeded': 'logins',
  'auth.login-failed': 'failedLogins',
  'connection.opened': 'connections',
}

/** Debug events that are kept all the same. */
const keptAlways: ReadonlySet<string> = new Set([
  'delivery.placed',
  'delivery.routed',
  'hook.accepted',
  'relay.hosts-found',
  'vacation.withheld',
])

const second = 1000
const minute = 60 * second
const mostReasons = 200
const hour = 60

export class Recorder implements EventSink {
  readonly #now: () => number
  readonly #capacity: number
  readonly #records: Recorded[] = []
  /** Where the oldest is, once the ring is full. */
  #start = 0
  #seq = 0
  readonly #seconds = new Slots(second, 600)
  readonly #minutes = new Slots(minute, 24 * 60)
  /** Of each minute of the last hour, by its number. */
  readonly #reasons = new Map<number, Map<string, number>>()
  readonly #listeners = new Set<(record: Recorded) => void>()

  constructor(options: { readonly now: () => number; readonly capacity: number }) {
    this.#now = options.now
    this.#capacity = Math.max(1, options.capacity)
  }

  record(kind: EventKind<Fields>, fields: Fields): void {
    const at = this.#now()
    const series = countedBy[kind.name]
    if (series !== undefined) this.#count(series, at)
    if (series === 'refused') this.#reason(kind.name, fields, at)
    if (kind.level === 'debug' && !keptAlways.has(kind.name)) return
    const one = { seq: ++this.#seq, at, name: kind.name, level: kind.level, fields }
    if (this.#records.length < this.#capacity) this.#records.push(one)
    else {
      this.#records[this.#start] = one
      this.#start = (this.#start + 1) % this.#capacity
    }
    for (const tell of this.#listeners) tell(one)
  }

  /** A value that is measured: how many wait in the queue. */
  sample(series: SeriesName, value: number): void {
    const at = this.#now()
    this.#seconds.set(series, at, value)
    this.#minutes.set(series, at, value)
  }

  /** Those that `wanted` takes, newest first, at most `limit`. */
  find(wanted: (record: Recorded) => boolean, limit: number): Recorded[] {
    const found: Recorded[] = []
    const length = this.#records.length
    for (let back = 1; back <= length && found.length < limit; back++) {
      const one = this.#records[(this.#start + length - back) % length]
      if (one !== undefined && wanted(one)) found.push(one)
    }
    return found
  }

  /** Tells of each new record until disposed. `tell` must not throw. */
  watch(tell: (record: Recorded) => void): Disposable {
    this.#listeners.add(tell)
    return { [Symbol.dispose]: () => void this.#listeners.delete(tell) }
  }

  series(by: 'second' | 'minute'): Series {
    return (by === 'second' ? this.#seconds : this.#minutes).read(this.#now())
  }

  /** Reasons of refusals in the last hour, the most frequent first. */
  refusals(): { readonly what: string; readonly reason: string; readonly count: number }[] {
    this.#forgetReasons(this.#now())
    const sums = new Map<string, number>()
    for (const counts of this.#reasons.values()) {
      for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count)
    }
    return [...sums]
      .map(([key, count]) => {
        const [what = '', reason = ''] = key.split('\0')
        return { what, reason, count }
      })
      .toSorted((left, right) => right.count - left.count)
  }

  #count(series: SeriesName, at: number): void {
    this.#seconds.add(series, at)
    this.#minutes.add(series, at)
  }

  #reason(name: string, fields: Fields, at: number): void {
    const number = Math.floor(at / minute)
    let counts = this.#reasons.get(number)
    if (counts === undefined) {
      counts = new Map()
      this.#reasons.set(number, counts)
      this.#forgetReasons(at)
    }
    const reason = String(fields['reason'] ?? fields['limit'] ?? fields['what'] ?? '').slice(0, 100)
    const key = `${name}\0${reason}`
    if (counts.has(key) || counts.size < mostReasons) counts.set(key, (counts.get(key) ?? 0) + 1)
  }

  #forgetReasons(at: number): void {
    const oldest = Math.floor(at / minute) - hour
    for (const number of this.#reasons.keys()) if (number <= oldest) this.#reasons.delete(number)
  }
}

/** A ring of counts: a row of columns for each step of time. */
class Slots {
  readonly #step: number
  readonly #length: number
  readonly #values: Float64Array
  /** The step that each row holds; a row of another time is stale. */
  readonly #steps: Float64Array

  constructor(step: number, length: number) {
    this.#step = step
    this.#length = length
    this.#values = new Float64Array(length * seriesNames.length)
    this.#steps = new Float64Array(length).fill(-1)
  }

  add(series: SeriesName, at: number): void {
    const place = this.#placeOf(series, at)
    this.#values[place] = (this.#values[place] ?? 0) + 1
  }

  set(series: SeriesName, at: number, value: number): void {
    this.#values[this.#placeOf(series, at)] = value
  }

  read(now: number): Series {
    const last = Math.floor(now / this.#step)
    const values: Partial<Record<SeriesName, readonly number[]>> = {}
    for (const [column, name] of seriesNames.entries()) {
      values[name] = Array.from({ length: this.#length }, (_, at) =>
        this.#value(last - this.#length + 1 + at, column),
      )
    }
    // The loop has been through all names.
    return { step: this.#step, end: (last + 1) * this.#step, values: values as Series['values'] }
  }

  #value(step: number, column: number): number {
    const row = ((step % this.#length) + this.#length) % this.#length
    return this.#steps[row] === step ? (this.#values[row * seriesNames.length + column] ?? 0) : 0
  }

  #placeOf(series: SeriesName, at: number): number {
    const step = Math.floor(at / this.#step)
    const row = step % this.#length
    const begin = row * seriesNames.length
    if (this.#steps[row] !== step) {
      this.#steps[row] = step
      this.#values.fill(0, begin, begin + seriesNames.length)
    }
    return begin + seriesNames.indexOf(series)
  }
}

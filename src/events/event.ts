// Typed events: the only way anything is logged or counted.
//
// Each area declares its events once, in `events/<area>.ts`, with `defineEvent`. Emitting one writes a record (whatever the
// sinks are: JSON lines, text for a terminal, a test's memory) and moves one counter, so that log and metrics cannot drift apart.
// Labels come from fields with few values (a reason, a protocol), never from addresses. Fields never carry a password or a
// message's text.

/** What a record may carry. */
export type FieldValue = string | number | boolean | null | undefined
export type Fields = { readonly [name: string]: FieldValue }

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** A kind of event; `F` is the shape of its fields. */
export interface EventKind<F extends Fields> {
  /** `area.what-happened`, for example `smtp.message-accepted`. */
  readonly name: string
  readonly level: Level
  /** One sentence for the reference. */
  readonly help: string
  /** Fields that become labels of its counter, each with few values. */
  readonly labels: readonly string[]
  /** Binds `F` to the kind; never present at run time. */
  readonly fields?: F | undefined
}

/** Declares a kind of event. */
export function defineEvent<F extends Fields>(kind: {
  name: string
  level: Level
  help: string
  labels?: readonly (keyof F & string)[]
}): EventKind<F> {
  return { name: kind.name, level: kind.level, help: kind.help, labels: kind.labels ?? [] }
}

/** Where events go; an argument of everything that has something to tell. */
export interface Events {
  emit<F extends Fields>(kind: EventKind<F>, fields: F): void
}

/** One event, as a sink sees it. */
export interface EventRecord {
  readonly name: string
  readonly level: Level
  readonly fields: Fields
}

/** A place that records go to: the log, the counters, a test's memory. Must not throw. */
export interface EventSink {
  record(kind: EventKind<Fields>, fields: Fields): void
}

const weight: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** True when an event of this level is to be written by a log that starts at `lowest`. */
export function reaches(level: Level, lowest: Level): boolean {
  return weight[level] >= weight[lowest]
}

/** Sends each event to every sink, in order. */
export function createEvents(sinks: readonly EventSink[]): Events {
  return {
    emit(kind, fields) {
      for (const sink of sinks) sink.record(kind, fields)
    },
  }
}

/** Keeps what was emitted: for tests, and for embedding programs that want to look. */
export class EventMemory implements EventSink {
  readonly records: EventRecord[] = []

  record(kind: EventKind<Fields>, fields: Fields): void {
    this.records.push({ name: kind.name, level: kind.level, fields })
  }

  /** How many of that name came. */
  count(name: string): number {
    return this.records.filter((record) => record.name === name).length
  }
}

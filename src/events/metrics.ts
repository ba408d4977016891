// Counters: one a kind of event, kept as plain numbers, since they move with every message. prom-client, which knows the format that
// scrapers read, is loaded when somebody asks for the text.
import type { EventKind, EventSink, Fields } from './event.ts'

interface Count {
  readonly kind: EventKind<Fields>
  /** By the values of the kind's labels, joined by NUL. */
  readonly values: Map<string, number>
}

/** A sink that counts, and the text that a scraper reads. */
export class Metrics implements EventSink {
  readonly #counts = new Map<string, Count>()

  record(kind: EventKind<Fields>, fields: Fields): void {
    let count = this.#counts.get(kind.name)
    if (count === undefined) {
      count = { kind, values: new Map() }
      this.#counts.set(kind.name, count)
    }
    let key = ''
    for (const label of kind.labels) key += `${String(fields[label] ?? '')}\0`
    count.values.set(key, (count.values.get(key) ?? 0) + 1)
  }

  /** The counters in Prometheus' text format. */
  async text(): Promise<string> {
    const { Counter, Registry } = await import('prom-client')
    // One of our own, never the library's global one: two Posthorns in a process stay apart.
    const registry = new Registry()
    for (const [name, { kind, values }] of this.#counts) {
      const labelNames = [...kind.labels]
      const counter = new Counter({
        name: metricName(name),
        help: kind.help,
        labelNames,
        registers: [registry],
      })
      for (const [key, value] of values) {
        const parts = key.split('\0')
        counter.inc(Object.fromEntries(labelNames.map((label, index) => [label, parts[index] ?? ''])), value)
      }
    }
    return registry.metrics()
  }
}

/** `smtp.message-accepted` is counted as `posthorn_smtp_message_accepted_total`. */
export function metricName(event: string): string {
  return `posthorn_${event.replaceAll(/[.-]/g, '_')}_total`
}

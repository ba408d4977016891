// Counters by prom-client: one a kind of event, made when the kind is first seen, in a registry of our own (never the
// library's global one, so that two Posthorns in a process stay apart).
import { Counter, Registry } from 'prom-client'
import type { EventKind, EventSink, Fields } from './event.ts'

/** A sink that counts, and the text that a scraper reads. */
export class Metrics implements EventSink {
  readonly #registry = new Registry()
  readonly #counters = new Map<string, Counter>()

  record(kind: EventKind<Fields>, fields: Fields): void {
    let counter = this.#counters.get(kind.name)
    if (counter === undefined) {
      counter = new Counter({
        name: metricName(kind.name),
        help: kind.help,
        labelNames: [...kind.labels],
        registers: [this.#registry],
      })
      this.#counters.set(kind.name, counter)
    }
    if (kind.labels.length === 0) {
      counter.inc()
      return
    }
    const labels: Record<string, string> = {}
    for (const label of kind.labels) labels[label] = String(fields[label] ?? '')
    counter.inc(labels)
  }

  /** The counters in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}

/** `smtp.message-accepted` is counted as `posthorn_smtp_message_accepted_total`. */
export function metricName(event: string): string {
  return `posthorn_${event.replaceAll(/[.-]/g, '_')}_total`
}

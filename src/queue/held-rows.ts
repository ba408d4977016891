// The rows that this process has claimed and not settled: how many they are, and the ways to settle them that are no
// transport's result. Each row ends here exactly once; what is counted bounds the memory that the queue takes.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueFault, queueStoreTrouble } from '../events/queue.ts'
import type { QueueStore, Settlement } from '../store/queue.ts'
import type { Work } from './destinations.ts'
import type { FairTurns } from './fairness.ts'
import {
  expiryOf,
  faultOf,
  type Moment,
  putOff,
  type Row,
  settlementOf,
  type SettlementRules,
  type TriedResult,
} from './settlement.ts'

export interface HeldRowsOptions {
  readonly turns: FairTurns
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly rules: SettlementRules
  /** Every settlement, with the row as it was claimed. */
  readonly settle: (settlement: Settlement, row: Row) => void
}

/**
 * What was under lease when a process died says that it is being tried, so that the next death is its fault and not that of
 * others (docs/queue.md, "Faults of ours"). Undefined where there is no such row, which is nearly always.
 */
export function noteBeginning(
  rows: readonly Row[],
  parts: { store: Pick<QueueStore, 'beginAttempts'>; holder: string; events: Events },
): Promise<void> | undefined {
  const suspects = rows.filter(({ recipient }) => recipient.suspected)
  if (suspects.length === 0) return undefined
  const { store, holder, events } = parts
  const keys = suspects.map(({ recipient: { message, number } }) => ({ message, number }))
  return store.beginAttempts({ rows: keys, holder }).catch((error: unknown) => {
    events.emit(queueStoreTrouble, { doing: 'begin', error: errorText(error) })
  })
}

export class HeldRows {
  readonly #parts: HeldRowsOptions
  /** Rows that are claimed and not settled, and places that are reserved for such. */
  count = 0

  constructor(parts: HeldRowsOptions) {
    this.#parts = parts
  }

  /** As the transport says. */
  tried(row: Row, result: TriedResult): void {
    this.#settle(settlementOf(row, result, this.#parts.rules, this.#moment(row)), row)
  }

  expired(row: Row): void {
    const { rules, clock } = this.#parts
    this.#settle(expiryOf(row, rules, clock.now()), row)
  }

  /** An exception of ours is not the destination's fault. */
  fault(rows: readonly Row[], error: unknown, destination: string): void {
    const { events, rules } = this.#parts
    events.emit(queueFault, { destination, recipients: rows.length, error: errorText(error) })
    for (const row of rows) this.#settle(faultOf(row, error, rules, this.#moment(row)), row)
  }

  /** Given back without an attempt; without a reason the row's own stays. */
  putOff(rows: readonly Row[], options: { at: number; reason?: string }): void {
    for (const row of rows) {
      const { recipient } = row
      const reason = options.reason ?? recipient.reason
      this.#settle(putOff(row, { nextAttempt: options.at, turn: recipient.turn, reason }), row)
    }
  }

  giveBack(works: readonly Work[]): void {
    const at = this.#parts.clock.now()
    for (const { rows } of works) this.putOff(rows, { at })
  }

  #settle(settlement: Settlement, row: Row): void {
    this.count--
    this.#parts.settle(settlement, row)
  }

  #moment({ message, recipient }: Row): Moment {
    const { clock, random, turns } = this.#parts
    const now = clock.now()
    const { domain } = recipient
    const turn = turns.next({ domain, priority: message.options.priority, sender: message.sender, now })
    return { now, random, turn }
  }
}

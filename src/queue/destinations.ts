// What the dispatcher knows of a destination: its lanes, what waits for them, how it has been lately. All in memory, and
// forgotten once a destination has been without work for a while; what matters over a restart is in the rows.
import { conditionOf, type DestinationHealth, healthy } from './backoff.ts'
import { tryAddress } from '../mail/address.ts'
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'
import { formatDeliveredTo } from '../mail/received.ts'
import { type LaneWindow, lanesOf, openWindow } from './concurrency.ts'
import type { Row } from './settlement.ts'
import type { Destination, Job } from './transport.ts'

/** A job with the rows as they were claimed. */
export interface Work {
  readonly job: Job
  readonly rows: readonly Row[]
  /** How often a lane gave it back. */
  untried: number
}

export class DestinationState {
  /** As the transport described it last: its limits may change with the configuration. */
  destination: Destination
  health: DestinationHealth = healthy
  /** Until when it was to be dead, had nobody ordered a probe. */
  revivedFrom = 0
  window: LaneWindow
  readonly pending: Work[] = []
  readonly lanes = new Set<object>()
  /** Domains with due rows that go here. */
  readonly ready = new Set<string>()
  /** Claims under way for it. */
  claims = 0
  /** Places that are reserved for rows on their way into the store. */
  reserved = 0
  /** When it last took a message; milliseconds of the wall clock. */
  provenAt = Number.NEGATIVE_INFINITY
  /** Lanes in a row that ended without having taken a job. */
  barren = 0

  constructor(destination: Destination, initialLanes: number) {
    this.destination = destination
    this.window = openWindow(initialLanes)
  }

  get key(): string {
    return this.destination.key
  }

  /** Lanes that it may have now. */
  allowed(now: number): number {
    switch (conditionOf(this.health, now)) {
      case 'dead':
        return 0
      case 'probe':
        return 1
      case 'alive':
        // One finds out as well as many whether anybody is there.
        if (!this.isProven(now)) return 1
        return lanesOf(this.window, this.destination.maxConnections)
    }
  }

  isProven(now: number): boolean {
    return now - this.provenAt < provenFor
  }

  isIdle(): boolean {
    const { pending, lanes, ready, claims, reserved } = this
    return pending.length === 0 && lanes.size === 0 && ready.size === 0 && claims === 0 && reserved === 0
  }
}

/** How long a success speaks for a destination. */
const provenFor = 10 * 60_000

/** Rows by what one transaction can carry: message, return path, what stands in front, and at most so many recipients. */
export function groupRows(rows: readonly Row[], maxRecipients: number): Work[] {
  if (rows.length === 1) return [makeWork(rows)]
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const { recipient } = row
    const { redistributed, passedOnBy } = recipient.options
    const key = JSON.stringify([recipient.message, recipient.reversePath, redistributed, passedOnBy])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  const works: Work[] = []
  for (const group of groups.values()) {
    const most = Math.max(1, maxRecipients)
    for (let at = 0; at < group.length; at += most) works.push(makeWork(group.slice(at, at + most)))
  }
  return works
}

/** The message in a job is as this recipient's envelope says: with his own return path, and only the options that are his. */
function makeWork(rows: readonly Row[]): Work {
  const [first] = rows
  if (first === undefined) throw new Error('a job needs a recipient')
  const { message, recipient } = first
  const { options } = message
  const job: Job = {
    message: {
      ...message,
      reversePath: recipient.reversePath ?? message.reversePath,
      prefix: markOf(recipient.options, options) + message.prefix,
      // RFC 3461 §5.2.7.1 (b): what a list sends on carries neither ENVID nor RET of the original.
      options: recipient.options.redistributed ? { ...options, envId: null, ret: null } : options,
    },
    recipients: rows.map((row) => row.recipient),
  }
  return { job, rows, untried: 0 }
}

/** What an alias or list sends on says so, and is known when it comes back (docs/queue.md, "Storms and loops"). */
function markOf({ passedOnBy }: RecipientOptions, { smtpUtf8 }: MessageOptions): string {
  const address = passedOnBy === undefined ? undefined : tryAddress(passedOnBy, { utf8: true })
  return address === undefined ? '' : formatDeliveredTo(address, { utf8: smtpUtf8 })
}

// The short way from the door into a lane. A row whose destination takes mail now and has room comes into the store under
// lease at once, and is given to the lanes from memory when its commit is through: it is never claimed, and its content is not
// read back. Whatever cannot go this way waits in the store as ever.
//
// - A place is reserved before the commit and taken or given back after it, exactly once.
// - Nobody is overtaken: where rows of the domain wait in the store, new ones join them.
// - Where it is unknown whether the commit came through, the line is told to look later: a row under our own lease that nobody
//   works on would wait for the next start.
import type {
  ClaimedRecipient,
  NewQueueMessage,
  NewQueueRecipient,
  QueueId,
  QueueMessage,
  QueueRecipient,
} from '../store/queue.ts'
import type { BlobId, StagedMessage } from '../store/model.ts'

/** The running queue, as those see it who put rows into it. */
export interface ExpressLine {
  readonly holder: string
  leaseUntil(): number
  /** A place for a row of that domain; undefined where it is to wait. */
  reserve(domain: string): Place | undefined
  /** Rows are in the store, under lease to `holder`. */
  board(domain: string, rows: readonly ClaimedRecipient[]): void
  /** A message of that name may have come into the store with rows under lease. */
  look(name: string): void
}

export interface Place {
  /** Once. */
  release(): void
}

/** Places for some rows of one message. */
export interface Ticket {
  /** To be stored instead of what was asked for. */
  readonly message: NewQueueMessage
  stored(id: QueueId, blob: BlobId): void
  /** Not stored; `unknown` where nobody can say. */
  missed(stored: 'no' | 'unknown'): void
}

/** Content up to so many octets is kept in memory until the attempt. */
const keptAtMost = 16_384

/** Shared between whoever takes mail and the queue of this process. Closed until there is one. */
export class Express {
  #line: ExpressLine | undefined

  open(line: ExpressLine): void {
    this.#line = line
  }

  close(): void {
    this.#line = undefined
  }

  /** Places for those rows that can go at once; undefined where none can. */
  reserve(message: NewQueueMessage, staged: StagedMessage): Ticket | undefined {
    const line = this.#line
    if (line === undefined) return undefined
    const places: Place[] = []
    const recipients = message.recipients.map((recipient): NewQueueRecipient => {
      const { state, nextAttempt, domain } = recipient
      const isDue = state.type === 'waiting' && nextAttempt <= message.arrivedAt
      const place = isDue ? line.reserve(domain) : undefined
      if (place === undefined) return recipient
      places.push(place)
      return { ...recipient, state: { type: 'active' } }
    })
    if (places.length === 0) return undefined
    const leased: NewQueueMessage = {
      ...message,
      lease: { holder: line.holder, until: line.leaseUntil() },
      recipients,
    }
    return new Reserved({ line, places, staged }, leased)
  }
}

interface Reservation {
  readonly line: ExpressLine
  readonly places: readonly Place[]
  readonly staged: StagedMessage
}

class Reserved implements Ticket {
  readonly message: NewQueueMessage
  readonly #parts: Reservation

  constructor(parts: Reservation, message: NewQueueMessage) {
    this.message = message
    this.#parts = parts
  }

  stored(id: QueueId, blob: BlobId): void {
    const message = this.#messageAs(id, blob)
    const byDomain = new Map<string, ClaimedRecipient[]>()
    for (const [number, recipient] of this.message.recipients.entries()) {
      if (recipient.state.type !== 'active') continue
      const row = { message, recipient: recipientAs(recipient, { message: id, number }) }
      const list = byDomain.get(recipient.domain)
      if (list === undefined) byDomain.set(recipient.domain, [row])
      else list.push(row)
    }
    for (const place of this.#parts.places) place.release()
    for (const [domain, rows] of byDomain) this.#parts.line.board(domain, rows)
  }

  missed(stored: 'no' | 'unknown'): void {
    for (const place of this.#parts.places) place.release()
    if (stored === 'unknown') this.#parts.line.look(this.message.name)
  }

  #messageAs(id: QueueId, blob: BlobId): QueueMessage {
    const { recipients: _, lease: __, ...message } = this.message
    const { blob: staged, structure } = this.#parts.staged
    const kept = staged.type === 'inline' && staged.size <= keptAtMost ? staged.bytes : undefined
    return { ...message, id, blob, size: staged.size, structure, ...(kept && { content: kept }) }
  }
}

function recipientAs(
  recipient: NewQueueRecipient,
  row: { readonly message: QueueId; readonly number: number },
): QueueRecipient {
  const { address, domain, reversePath, options, nextAttempt, turn } = recipient
  return {
    ...{ message: row.message, number: row.number, address, domain, reversePath, options, nextAttempt, turn },
    ...{
      state: 'active',
      outcome: null,
      attempts: 0,
      faults: 0,
      suspected: false,
      route: null,
      reason: '',
      last: null,
    },
    ...{ report: null, delayReported: false },
  }
}

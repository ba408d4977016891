// What people may see of the queue and do to it: the operations behind `posthorn queue` and `posthorn suppression`, the HTTP API and
// the admin page. Results are plain data with times in ISO 8601; an expected no is a sentence.
//
// It works on the store alone, so that it does the same with a server that runs and without: whoever dispatches hears of each
// change by `onQueued`.
import type { Clock } from '../base/clock.ts'
import { addressKey, tryAddress } from '../mail/address.ts'
import type {
  Attempt,
  QueueEntry,
  QueueFilter,
  QueueId,
  QueueRecipient,
  QueueShape,
  QueueStore,
  Suppression,
} from '../store/queue.ts'

/** Which rows are meant; all that is given must hold. */
export interface AskedFilter {
  /** The name that the 250 gave, or the number that `queue list` shows. */
  readonly message?: string
  readonly domain?: string
  readonly sender?: string
  readonly recipient?: string
  readonly state?: QueueRecipient['state']
}

export interface ShownAttempt {
  readonly at: string
  readonly host: string | null
  readonly address: string | null
  readonly tls: string | null
  readonly verification: string | null
  readonly policy: string | null
  readonly stage: string
  readonly outcome: Attempt['outcome']
  readonly status: string
  /** Verbatim, lines joined by LF. */
  readonly reply: string
}

export interface ShownRecipient {
  readonly address: string
  readonly state: QueueRecipient['state']
  readonly outcome: QueueRecipient['outcome']
  readonly attempts: number
  /** Null where nothing more will be tried. */
  readonly nextAttempt: string | null
  /** Why it waits or is held; '' where it is simply its turn. */
  readonly reason: string
  readonly route: string | null
  readonly last: ShownAttempt | null
  /** Every attempt, oldest first; only in `show`. */
  readonly history?: readonly ShownAttempt[]
}

export interface ShownMessage {
  readonly id: number
  /** What the 250 called it. */
  readonly name: string
  readonly origin: string
  /** '' is the null reverse-path. */
  readonly from: string
  readonly sender: string
  readonly bytes: number
  readonly arrived: string
  readonly expires: string
  readonly finished: string | null
  readonly messageId: string | null
  readonly priority: number
  readonly recipients: readonly ShownRecipient[]
}

/** A change that an operator orders. */
export type QueueOrder =
  | { readonly type: 'hold'; readonly reason: string }
  | { readonly type: 'release' | 'retry' | 'discard' }
  /** With a report to the sender. */
  | { readonly type: 'fail'; readonly reason: string }
  /** To the route of that name; null: as the configuration says. */
  | { readonly type: 'reroute'; readonly route: string | null }

export type Ordered =
  | { readonly ok: true; readonly changed: number }
  | { readonly ok: false; readonly message: string }

/** Bounds of `shape`, in milliseconds: as qshape(1) has them, 5 minutes doubled. */
const ages = Array.from({ length: 9 }, (_, power) => 5 * 60_000 * 2 ** power)

export class QueueAdmin {
  readonly #store: QueueStore
  readonly #clock: Clock
  readonly #routes: readonly string[]
  readonly #webhooks: 'on' | 'off'

  /** `routes`: the names that `reroute` may be given. `webhooks`: whether any are to be told of what an order ends; default off. */
  constructor(parts: {
    store: QueueStore
    clock: Clock
    routes: readonly string[]
    webhooks?: 'on' | 'off'
  }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#routes = parts.routes
    this.#webhooks = parts.webhooks ?? 'off'
  }

  /** In order of arrival; page by `after`, an `id`. */
  async list(request: {
    filter: AskedFilter
    after?: number
    limit: number
    finished: 'with' | 'without'
  }): Promise<ShownMessage[]> {
    const filter = await this.#filter(request.filter)
    if (filter === undefined) return []
    const { after, limit, finished } = request
    const entries = await this.#store.queueList({
      ...{ filter, limit, finished },
      // An id that is gone orders as well as one that is there.
      ...(after === undefined ? {} : { after: after as QueueId }),
    })
    return entries.map((entry) => shownMessage(entry))
  }

  /** One message with everything that was tried; undefined where there is none. */
  async show(message: string): Promise<ShownMessage | undefined> {
    const id = await this.#idOf(message)
    const entry = id === undefined ? undefined : await this.#store.queueEntry(id)
    return entry === undefined ? undefined : shownMessage(entry, entry.attempts)
  }

  totals(): ReturnType<QueueStore['queueTotals']> {
    return this.#store.queueTotals()
  }

  /** Waiting rows by domain and by age in minutes, as qshape(1) of Postfix. */
  async shape(): Promise<{ readonly ages: readonly number[]; readonly domains: readonly QueueShape[] }> {
    const domains = await this.#store.queueShape({ now: this.#clock.now(), ages })
    return { ages: ages.map((age) => age / 60_000), domains }
  }

  /** Changes every row that fits and that nobody works on at this moment. */
  async order(asked: AskedFilter, order: QueueOrder): Promise<Ordered> {
    if (order.type === 'reroute' && order.route !== null && !this.#routes.includes(order.route)) {
      const known = this.#routes.length === 0 ? 'There are none' : `There are ${this.#routes.join(', ')}`
      return { ok: false, message: `There is no route called "${order.route}". ${known} (relay.routes).` }
    }
    const filter = await this.#filter(asked)
    if (filter === undefined) {
      return {
        ok: false,
        message: `There is no message "${asked.message ?? ''}". \`queue list\` shows those that wait.`,
      }
    }
    const now = this.#clock.now()
    const change = changeOf(order, now)
    const changed = await this.#store.changeQueued({ filter, change, now, webhooks: this.#webhooks })
    return { ok: true, changed }
  }

  async suppressions(): Promise<ShownSuppression[]> {
    const shown: ShownSuppression[] = []
    for (let after: string | undefined; ;) {
      const page = await this.#store.listSuppressions({
        limit: 1000,
        ...(after === undefined ? {} : { after }),
      })
      shown.push(...page.map(shownSuppression))
      after = page.at(-1)?.address
      if (after === undefined || page.length < 1000) return shown
    }
  }

  /** Mail to the address fails at once, with a report, until then (null: for ever). */
  async suppress(text: string, reason: string, until: number | null): Promise<Ordered> {
    const address = tryAddress(text, { utf8: true })
    if (address === undefined)
      return { ok: false, message: `"${text}" is not an address. Write it like "ann@example.org".` }
    await this.#store.suppress({ address: addressKey(address), reason, since: this.#clock.now(), until })
    return { ok: true, changed: 1 }
  }

  async unsuppress(text: string): Promise<Ordered> {
    const address = tryAddress(text, { utf8: true })
    // A member of one list stands there as `member of owner`.
    const key = address === undefined ? text : addressKey(address)
    if (await this.#store.unsuppress(key)) return { ok: true, changed: 1 }
    return { ok: false, message: `"${text}" is not on the suppression list.` }
  }

  async #filter({
    message,
    domain,
    sender,
    recipient,
    state,
  }: AskedFilter): Promise<QueueFilter | undefined> {
    const id = message === undefined ? undefined : await this.#idOf(message)
    if (message !== undefined && id === undefined) return undefined
    return {
      ...(id === undefined ? {} : { id }),
      ...(domain === undefined ? {} : { domain: domain.toLowerCase() }),
      ...(sender === undefined ? {} : { sender }),
      ...(recipient === undefined ? {} : { recipient }),
      ...(state === undefined ? {} : { state }),
    }
  }

  async #idOf(message: string): Promise<QueueId | undefined> {
    const named = await this.#store.findQueued(message)
    if (named !== undefined || !/^\d{1,15}$/.test(message)) return named
    const entry = await this.#store.queueEntry(Number(message) as QueueId)
    return entry?.message.id
  }
}

export interface ShownSuppression {
  readonly address: string
  readonly reason: string
  readonly since: string
  readonly until: string | null
}

function changeOf(order: QueueOrder, now: number): Parameters<QueueStore['changeQueued']>[0]['change'] {
  switch (order.type) {
    case 'hold':
      return { type: 'hold', reason: order.reason }
    case 'release':
    case 'retry':
      return { type: order.type, nextAttempt: now }
    case 'discard':
      return { type: 'discard', reason: 'discarded by an operator' }
    case 'fail':
      // RFC 3463 §3.8: X.7.1, delivery not authorised, message refused: a decision, not a fault of any host.
      return { type: 'fail', reply: order.reason, status: '5.7.1', report: 'failure' }
    case 'reroute':
      return { type: 'reroute', route: order.route, nextAttempt: now }
  }
}

function shownMessage(
  { message, recipients, finishedAt }: QueueEntry,
  attempts?: readonly { readonly number: number; readonly attempt: Attempt }[],
): ShownMessage {
  return {
    id: message.id,
    name: message.name,
    origin: message.origin,
    from: message.reversePath,
    sender: message.sender,
    bytes: message.size,
    arrived: isoTime(message.arrivedAt),
    expires: isoTime(message.expiresAt),
    finished: finishedAt === null ? null : isoTime(finishedAt),
    messageId: message.messageId,
    priority: message.options.priority,
    recipients: recipients.map((recipient) => ({
      ...shownRecipient(recipient),
      ...(attempts === undefined
        ? {}
        : {
            history: attempts
              .filter(({ number }) => number === recipient.number)
              .map(({ attempt }) => shownAttempt(attempt)),
          }),
    })),
  }
}

function shownRecipient(recipient: QueueRecipient): ShownRecipient {
  const { address, state, outcome, attempts, nextAttempt, reason, route, last } = recipient
  return {
    ...{ address, state, outcome, attempts, reason, route },
    nextAttempt: state === 'waiting' ? isoTime(nextAttempt) : null,
    last: last === null ? null : shownAttempt(last),
  }
}

function shownAttempt(attempt: Attempt): ShownAttempt {
  return { ...attempt, at: isoTime(attempt.at) }
}

function shownSuppression({ address, reason, since, until }: Suppression): ShownSuppression {
  return { address, reason, since: isoTime(since), until: until === null ? null : isoTime(until) }
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

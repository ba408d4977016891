// Delivery into this store: mailboxes and queue in one commit, with no spool between the protocol and either.
//
// - Plain mail for mailboxes costs one call of the store. Only what needs it is looked up: suppressions for recipients
//   elsewhere, our domains for forwarded mail, the ceiling for automatic answers.
// - Loops end here in three ways: by the number of Received fields, by a Delivered-To that names where the message is to go
//   again, and by a ceiling on automatic answers between two parties (docs/queue.md, "Storms and loops").
import type { Checkpoint } from '../base/checkpoint.ts'
import { notPlaced, overAtOnce, placed, routed } from '../events/delivery.ts'
import type { Events } from '../events/event.ts'
import { automaticRefused } from '../events/queue.ts'
import { formatAddress } from '../mail/address.ts'
import { plainMessageOptions } from '../mail/delivery-options.ts'
import {
  buildQueueMessage,
  type EnqueuePolicy,
  type FiledRecipient,
  type RefusedRecipient,
  suppressionKeys,
  wants,
} from '../queue/enqueue.ts'
import type { Express, Ticket } from '../queue/express.ts'
import type { FairTurns } from '../queue/fairness.ts'
import { endings } from '../queue/tell.ts'
import type { DeliveryEvent, NewQueueMessage } from '../store/queue.ts'
import type { DeliverRequest, DeliverResult, Store } from '../store/store.ts'
import { automaticSender } from './automatic.ts'
import type { BounceReader } from './bounces.ts'
import type {
  Arrival,
  ArrivalRecipient,
  Delivery,
  DeliveryResult,
  FailedAtOnce,
  FiledPlace,
} from './delivery.ts'
import type { QueueGauge } from './queue-gauge.ts'

/** What ends a loop. */
export interface LoopLimits {
  /** Received fields that a message may have when it comes (RFC 5321 §6.3 asks for at least 100). */
  readonly maxReceived: number
  /** See `queue.automaticPerHour`; 0 or absent: no ceiling. */
  readonly automaticPerHour?: number
}

export interface StoreDeliveryOptions {
  readonly store: Pick<
    Store,
    'deliver' | 'hasDomain' | 'findSuppressed' | 'chargeRate' | 'dropReports' | 'blobs'
  >
  readonly limits: LoopLimits
  readonly checkpoint?: Checkpoint | undefined
  readonly events?: Events
  /** `off`: recipients at other hosts are refused; the queue holds what is quarantined, and reports, all the same. Default on. */
  readonly relays?: 'on' | 'off'
  /** Absent: this Posthorn relays nothing, and makes no reports. */
  readonly queue?: {
    readonly policy: EnqueuePolicy
    readonly turns: FairTurns
    readonly gauge: QueueGauge
    readonly express?: Express
  }
  readonly bounces?: BounceReader
  /** Whether webhooks are configured: then events for them are kept in the same commit. */
  readonly webhooks?: 'on' | 'off'
}

/** Delivers into `store`. */
export function createStoreDelivery(options: StoreDeliveryOptions): Delivery {
  const storing = new StoreDelivery(options)
  return { deliver: (arrival) => storing.deliver(arrival) }
}

class StoreDelivery {
  readonly #parts: StoreDeliveryOptions

  constructor(parts: StoreDeliveryOptions) {
    this.#parts = parts
  }

  async deliver(arrival: Arrival): Promise<DeliveryResult> {
    const { queue, checkpoint, bounces } = this.#parts
    const remote = arrival.remote ?? []
    if (remote.length > 0) {
      if (queue === undefined || this.#parts.relays === 'off') return { ok: false, reason: 'no-relay' }
      // Reports go in whatever the limit: they are what empties a full queue.
      if (arrival.origin !== 'report' && queue.gauge.isFull()) return { ok: false, reason: 'queue-full' }
    }
    const unique = oncePerAccount(arrival.recipients)
    if (this.#loops(arrival, unique)) return { ok: false, reason: 'loop' }
    const { below: recipients, beyond } = await this.#ceiling(arrival, unique)
    const nobody = recipients.length === 0 && remote.length === 0
    // Of those beyond the ceiling the queue keeps a record; without one, and with nobody else, the message is refused.
    if (beyond.length > 0 && (nobody || queue === undefined)) return { ok: false, reason: 'loop' }
    const enqueue = await this.#enqueue(arrival, { recipients, beyond })
    checkpoint?.(arrival.origin === 'report' ? 'report.hand-over' : 'delivery.hand-over')
    const filed = isKeptBack(arrival) ? [] : recipients
    const events = this.#hookEvents(arrival, { recipients, filed, enqueue })
    const ticket = enqueue && queue?.express?.reserve(enqueue, arrival.message)
    const stored = await this.#store(ticket, {
      message: arrival.message,
      internalDate: arrival.receivedAt,
      targets: filed.map((recipient) => ({
        account: recipient.account,
        prefix: arrival.trace(recipient),
        ...(recipient.mailbox !== undefined && { mailbox: { name: recipient.mailbox, create: true } }),
      })),
      ...(arrival.quota !== undefined && { quota: arrival.quota }),
      ...(enqueue && { enqueue: ticket?.message ?? enqueue }),
      ...(arrival.reported && { reported: arrival.reported }),
      ...(arrival.once && { once: { ...arrival.once, result: arrival.once.result(failedIn(enqueue)) } }),
      ...keptWith(arrival, enqueue),
      ...(events.length > 0 && { events }),
    })
    checkpoint?.(arrival.origin === 'report' ? 'report.committed' : 'delivery.committed')
    const outcome = await this.#result(stored, { arrival, filed, enqueue })
    const object = stored.ok ? stored.object : undefined
    const result = outcome.ok && object !== undefined ? { ...outcome, object } : outcome
    if (result.ok && arrival.reversePath === null) await bounces?.take(arrival)
    return result
  }

  /** Rows that have a place in a lane take it when they are stored, and give it back when they are not. */
  async #store(ticket: Ticket | undefined, request: DeliverRequest): Promise<DeliverResult> {
    try {
      const stored = await this.#parts.store.deliver(request)
      if (stored.ok && stored.queued !== null && stored.blob !== undefined) {
        ticket?.stored(stored.queued, stored.blob)
      } else ticket?.missed('no')
      return stored
    } catch (error) {
      ticket?.missed('unknown')
      throw error
    }
  }

  async #result(
    stored: DeliverResult,
    request: { arrival: Arrival; filed: readonly ArrivalRecipient[]; enqueue: NewQueueMessage | undefined },
  ): Promise<DeliveryResult> {
    const { arrival, filed, enqueue } = request
    if (!stored.ok) {
      return stored.reason === 'done-before' ? { ok: true, unknown: [], before: stored.result } : stored
    }
    const refused = (reason: string): readonly ArrivalRecipient[] =>
      filed.filter((_, index) => {
        const result = stored.results[index]
        return result?.ok === false && result.reason === reason
      })
    const unknown = refused('no-such-account')
    const full = refused('over-quota')
    const places = placesOf(filed, stored)
    this.#tellRoutes(arrival, enqueue)
    this.#tellPlaces(arrival.id ?? '', filed, stored)
    if (enqueue === undefined || stored.queued === null) {
      return full.length === 0 ? { ok: true, unknown, places } : { ok: true, unknown, full, places }
    }
    const { queue, store } = this.#parts
    if ((arrival.remote ?? []).length > 0 || isKeptBack(arrival)) queue?.gauge.added()
    // Those that were refused after all have nothing to report.
    const missed = new Set([...unknown, ...full].map(({ deliveredTo }) => deliveredTo))
    const message = stored.queued
    const rows = enqueue.recipients.flatMap(({ address, state }, number) =>
      state.type === 'settled' && state.outcome === 'delivered' && missed.has(address)
        ? [{ message, number }]
        : [],
    )
    if (rows.length > 0) await store.dropReports({ rows, now: arrival.receivedAt })
    const failed = failedIn(enqueue)
    const trouble = { ...(full.length > 0 && { full }), ...(failed.length > 0 && { failed }) }
    return { ok: true, unknown, places, ...trouble, queued: enqueue.name }
  }

  /** Where recipients lead that were named otherwise, and who was over at once. */
  #tellRoutes(arrival: Arrival, enqueue: NewQueueMessage | undefined): void {
    const { events } = this.#parts
    if (events === undefined) return
    const message = arrival.id ?? ''
    for (const { named, to, because } of routesOf(arrival)) {
      events.emit(routed, { message, recipient: named, to, because })
    }
    for (const { address: recipient, state } of enqueue?.recipients ?? []) {
      if (state.type !== 'settled' || state.outcome === 'delivered') continue
      const { outcome, reply } = state
      events.emit(overAtOnce, { message, recipient, outcome, reply })
    }
  }

  #tellPlaces(
    message: string,
    filed: readonly ArrivalRecipient[],
    { results }: DeliverResult & { readonly ok: true },
  ): void {
    const { events } = this.#parts
    if (events === undefined) return
    for (const [index, { deliveredTo: recipient }] of filed.entries()) {
      const result = results[index]
      if (result === undefined) continue
      if (result.ok) events.emit(placed, { message, recipient, mailbox: result.mailbox, uid: result.uid })
      else events.emit(notPlaced, { message, recipient, reason: result.reason })
    }
  }

  /**
   * RFC 5321 §6.3: counting Received finds loops between hosts; a Delivered-To of our own finds those of aliases, lists and
   * forwarding on the second round already. Refused whole: a message that loops for one recipient is no message for the others.
   */
  #loops(arrival: Arrival, recipients: readonly ArrivalRecipient[]): boolean {
    const { receivedCount, deliveredTo } = arrival.structure
    if (receivedCount > this.#parts.limits.maxReceived) return true
    if (deliveredTo.length === 0) return false
    const seen = new Set(deliveredTo.map((address) => address.toLowerCase()))
    return (
      recipients.some((recipient) => seen.has(recipient.deliveredTo.toLowerCase())) ||
      (arrival.remote ?? []).some(({ via }) => via !== null && seen.has(via.toLowerCase()))
    )
  }

  /** To whom the sender's domain has sent too many automatic answers in this hour, and to whom it has not. */
  async #ceiling(
    arrival: Arrival,
    recipients: readonly ArrivalRecipient[],
  ): Promise<{ below: readonly ArrivalRecipient[]; beyond: readonly ArrivalRecipient[] }> {
    const { limits, store, events } = this.#parts
    const limit = limits.automaticPerHour ?? 0
    const all = { below: recipients, beyond: [] }
    if (limit === 0 || arrival.origin === 'report' || recipients.length === 0) return all
    const sender = await automaticSender(arrival, store.blobs)
    if (sender === undefined) return all
    const start = Math.floor(arrival.receivedAt / hour) * hour
    const below: ArrivalRecipient[] = []
    const beyond: ArrivalRecipient[] = []
    for (const recipient of recipients) {
      // A list with many members gone gets many bounces, and they are what takes the members off.
      const key = `automatic ${sender} ${recipient.deliveredTo.toLowerCase()}`
      const charged =
        recipient.bounce !== undefined || (await store.chargeRate({ key, start, amount: 1, limit })).ok
      if (charged) below.push(recipient)
      else {
        beyond.push(recipient)
        const refused = { message: arrival.id ?? '', sender, recipient: recipient.deliveredTo }
        events?.emit(automaticRefused, refused)
      }
    }
    return { below, beyond }
  }

  async #enqueue(
    arrival: Arrival,
    local: { recipients: readonly ArrivalRecipient[]; beyond: readonly ArrivalRecipient[] },
  ): Promise<NewQueueMessage | undefined> {
    const { queue, store } = this.#parts
    const remote = arrival.remote ?? []
    const refused = local.beyond.map(looping)
    const filed = filedRecipients(arrival, local)
    if (queue === undefined || remote.length + filed.length + refused.length === 0) return undefined
    if (arrival.id === undefined) throw new Error('a message for the queue needs a name')
    const keys = remote.flatMap(suppressionKeys)
    const found =
      keys.length === 0 ? [] : await store.findSuppressed({ addresses: keys, now: arrival.receivedAt })
    const domain = arrival.reversePath?.domain ?? null
    const forwarded = remote.some(({ via, list }) => via !== null && list === null)
    return buildQueueMessage(
      {
        name: arrival.id,
        origin: arrival.origin ?? 'mx',
        account: arrival.account ?? null,
        sender: arrival.sender ?? (arrival.account ? `account ${arrival.account}` : (domain ?? '')),
        reversePath: arrival.reversePath,
        prefix: remote.length === 0 && !isKeptBack(arrival) ? '' : arrival.trace(null),
        messageId: arrival.structure.messageId,
        options: arrival.options ?? plainMessageOptions,
        arrivedAt: arrival.receivedAt,
        ...{ remote, filed, refused, quarantine: arrival.quarantine ?? null },
        suppressed: new Map(found.map(({ address, reason }) => [address, reason])),
        senderIsOurs: forwarded && domain !== null && (await store.hasDomain(domain)),
      },
      queue.policy,
      queue.turns,
    )
  }

  #hookEvents(
    arrival: Arrival,
    where: {
      readonly recipients: readonly ArrivalRecipient[]
      readonly filed: readonly ArrivalRecipient[]
      readonly enqueue: NewQueueMessage | undefined
    },
  ): DeliveryEvent[] {
    if (this.#parts.webhooks !== 'on') return []
    const { recipients, filed, enqueue } = where
    const at = arrival.receivedAt
    const message = {
      id: arrival.id ?? null,
      reversePath: arrival.reversePath === null ? '' : formatAddress(arrival.reversePath),
      messageId: arrival.structure.messageId,
      size: arrival.structure.size,
    }
    const local = recipients.map(({ deliveredTo }) => deliveredTo)
    const remote = (arrival.remote ?? []).map(({ address }) => formatAddress(address))
    const received = { ...message, origin: arrival.origin ?? 'mx', recipients: [...local, ...remote] }
    return [
      { type: 'message.received', at, payload: JSON.stringify(received) },
      ...filed.flatMap(({ deliveredTo: recipient }, target): DeliveryEvent[] => {
        const payload = JSON.stringify({ ...message, recipient, outcome: 'delivered' })
        const kept = { type: 'message.delivered', at, payload, about: { target, came: 'kept' } } as const
        // Where each recipient gets an answer of his own (LMTP), whoever brought the message tells what was refused.
        if (arrival.quota === 'each') return [kept]
        const words = { outcome: 'failed', attempts: 0, host: null, ...vanished }
        return [
          kept,
          {
            ...{ type: endings.failed, at, payload: JSON.stringify({ ...message, recipient, ...words }) },
            about: { target, came: 'no-such-account' },
          },
        ]
      }),
      // Suppressed, or beyond the ceiling: over before it began.
      ...(enqueue?.recipients ?? []).flatMap(({ address: recipient, state }) => {
        if (state.type !== 'settled' || (state.outcome !== 'failed' && state.outcome !== 'discarded'))
          return []
        const { outcome, status, reply } = state
        const payload = { ...message, recipient, attempts: 0, host: null, status, reply, outcome }
        return [{ type: endings[outcome], at, payload: JSON.stringify(payload) }]
      }),
    ]
  }
}

/** Addresses of one recipient that are told; the rest is counted. */
const mostTold = 20

/** Recipients that lead elsewhere than they say. */
function routesOf({ recipients, remote = [] }: Arrival): { named: string; to: string; because: string }[] {
  const routes = new Map<string, { readonly to: string[]; because: string }>()
  const lead = (named: string | undefined, to: string, because: string): void => {
    if (named === undefined || (named.toLowerCase() === to.toLowerCase() && because === 'alias')) return
    const route = routes.get(named) ?? { to: [], because }
    route.to.push(to)
    routes.set(named, route)
  }
  for (const { named, deliveredTo, list, bounce } of recipients) {
    lead(named, deliveredTo, bounce === undefined ? reasonOf(list) : 'return path of a list')
  }
  for (const { named, via, list, address } of remote) {
    if (via !== null) lead(named ?? via, formatAddress(address), reasonOf(list))
  }
  return [...routes].map(([named, { to, because }]) => {
    const more = to.length > mostTold ? ` and ${to.length - mostTold} more` : ''
    return { named, to: `${to.slice(0, mostTold).join(', ')}${more}`, because }
  })
}

function reasonOf(list: ArrivalRecipient['list']): string {
  return list == null ? 'alias' : `list of ${list.owner}`
}

/** The object that the arrival asks for. */
function keptWith(
  { keeps, id }: Arrival,
  enqueue: NewQueueMessage | undefined,
): Pick<DeliverRequest, 'keeps'> {
  if (keeps === undefined) return {}
  if (id === undefined) throw new Error('what is kept with a message needs its name')
  const { account, kind, expiresAt } = keeps
  return { keeps: { account, kind, key: id, value: keeps.value(failedIn(enqueue)), expiresAt } }
}

/** Suppressed, or beyond the ceiling: over before it began. A list's member is not told of: the list left him out. */
function failedIn(enqueue: NewQueueMessage | undefined): FailedAtOnce[] {
  return (enqueue?.recipients ?? []).flatMap(({ address, state }) =>
    state.type === 'settled' && state.outcome === 'failed' ? [{ address, reply: state.reply }] : [],
  )
}

/** Not for any mailbox yet: an operator decides, or its time comes (RFC 4865 §4.2: whoever the recipients are). */
function isKeptBack({ quarantine, options, receivedAt }: Arrival): boolean {
  return quarantine !== undefined || (options?.holdUntil ?? 0) > receivedAt
}

const hour = 3_600_000

/** The account went while the message came. */
const vanished = { status: '5.1.1', reply: 'the mailbox is not there any more' }

/** RFC 3834 §2 and RFC 5321 §6.3: an answer to answers is a loop, and ends for good. */
function looping({ deliveredTo, options, list }: ArrivalRecipient): RefusedRecipient {
  const reply = 'too many automatic answers between the two in this hour: taken for a loop'
  return {
    ...{ address: deliveredTo, status: '5.4.6', reply },
    ...(options && { options }),
    ...(list && { list }),
  }
}

function oncePerAccount(recipients: readonly ArrivalRecipient[]): readonly ArrivalRecipient[] {
  if (recipients.length <= 1) return recipients
  const byAccount = new Map<number, ArrivalRecipient>()
  for (const recipient of recipients) {
    if (!byAccount.has(recipient.account)) byAccount.set(recipient.account, recipient)
  }
  return [...byAccount.values()]
}

/** Of our own mailboxes the queue hears when they are kept from the message, or when their success is to be reported. */
function filedRecipients(
  arrival: Arrival,
  { recipients, beyond }: { recipients: readonly ArrivalRecipient[]; beyond: readonly ArrivalRecipient[] },
): FiledRecipient[] {
  const cut = new Set(beyond.map(({ account }) => account))
  const concerned = isKeptBack(arrival)
    ? recipients
    : arrival.recipients
        .filter(({ account }) => !cut.has(account))
        .filter(({ options }) => options !== undefined && wants(options, 'success'))
  return concerned.map(({ deliveredTo, options, named, list }) => ({
    address: deliveredTo,
    ...(options && { options }),
    ...(named !== undefined && { named }),
    ...(list && { list }),
  }))
}

/** Where the message is now. */
function placesOf(
  filed: readonly ArrivalRecipient[],
  { results }: DeliverResult & { readonly ok: true },
): FiledPlace[] {
  return filed.flatMap(({ account }, index) => {
    const result = results[index]
    return result?.ok === true ? [{ account, mailbox: result.mailbox, uid: result.uid }] : []
  })
}

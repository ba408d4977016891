// The queue's part of the store's contract: one row for each recipient of each message, with an explicit state.
//
// - A message comes in by `MailStore.deliver` (`enqueue`), in the same commit as the mailboxes it was for. It ends when every
//   row is settled and every report that is due has been sent; then it is history until it is purged.
// - A row that somebody works on carries a lease. A lease that ran out is an interrupted attempt with an unknown outcome
//   (RFC 1047): the row waits again, with that as its last words. From then on it is told when it is tried (`beginAttempts`), so that
//   the next death counts a fault of those that were being tried, and nothing of those that were only claimed.
// - Times are milliseconds since the epoch. Nothing here knows routes, schedules or protocols.
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'
import type { AccountId, BlobId } from './model.ts'
import type { Outcome } from './store.ts'

declare const brand: unique symbol
/** Counter of the store; never used again. */
export type QueueId = number & { readonly [brand]: 'QueueId' }

/** Where a queued message came from. */
export type QueueOrigin = 'submission' | 'mx' | 'lmtp' | 'api' | 'local' | 'forward' | 'report'

export type RecipientState = 'waiting' | 'active' | 'held' | 'settled'

/** How a settled recipient ended. `relayed`: by a next host that reports by itself (RFC 3461 §5.2); `delivered`: finally. */
export type RecipientOutcome = 'delivered' | 'relayed' | 'expanded' | 'failed' | 'expired' | 'discarded'

/** One try for one recipient, kept verbatim for the people who ask why. */
export interface Attempt {
  readonly at: number
  /** The next host and its address, null where it did not come to a connection. */
  readonly host: string | null
  readonly address: string | null
  /** For example `TLSv1.3 TLS_AES_256_GCM_SHA384`; null: in the clear or no connection. */
  readonly tls: string | null
  /** What was proved of the host: `dane`, `mta-sts`, `pkix`, `none`, … */
  readonly verification: string | null
  /** The policy that the attempt was under: `dane`, `mta-sts enforce`, `requiretls`, `opportunistic`, `route`. */
  readonly policy: string | null
  /** Where it ended: `dns`, `connect`, `greeting`, `hello`, `tls`, `auth`, `mail`, `rcpt`, `data`, `content`, `reply`, `ours`. */
  readonly stage: string
  readonly outcome: 'delivered' | 'relayed' | 'deferred' | 'failed' | 'unknown' | 'discarded' | 'held'
  /** The host's reply, verbatim, its lines joined by LF; or our words where there was none. */
  readonly reply: string
  /** RFC 3463 status code, for reports: `5.1.1`. */
  readonly status: string
}

/** Which report a row waits for; several may come over its life, one after the other. */
export type ReportKind = 'success' | 'failure' | 'delay'

export interface NewQueueRecipient {
  /** As RCPT will say it. */
  readonly address: string
  /** The domain of it in A-labels, lower case: what the queue is sorted by. */
  readonly domain: string
  /** Instead of the message's own, for forwarded mail and lists; null for the message's. */
  readonly reversePath: string | null
  readonly options: RecipientOptions
  readonly nextAttempt: number
  /** Order among the rows of a domain, within a priority: never before `nextAttempt` (docs/queue.md, fairness). */
  readonly turn: number
  /**
   * `held` with its reason, or waiting; or under the message's `lease`, for whoever queues it to work on; or done already
   * (delivered here, but a report of success is due).
   */
  readonly state:
    | { readonly type: 'waiting' }
    | { readonly type: 'active' }
    | { readonly type: 'held'; readonly reason: string }
    | {
        readonly type: 'settled'
        readonly outcome: RecipientOutcome
        readonly status: string
        readonly reply: string
        readonly report: ReportKind | null
      }
}

export interface NewQueueMessage {
  /** What the 250 called it; unique. */
  readonly name: string
  readonly origin: QueueOrigin
  /** Who submitted it, where somebody logged in. */
  readonly account: AccountId | null
  /** Whom fairness counts it to: an account, a client's address, a list. */
  readonly sender: string
  /** As MAIL will say it; '' is the null reverse-path. */
  readonly reversePath: string
  /** Trace fields that stand before the blob's bytes for every recipient, with CRLFs. */
  readonly prefix: string
  /** The Message-ID field's value, to know a bounce by; null where there is none. */
  readonly messageId: string | null
  readonly options: MessageOptions
  readonly arrivedAt: number
  readonly expiresAt: number
  /** When the first report of delay is due; null for none. */
  readonly delayReportAt: number | null
  readonly recipients: readonly NewQueueRecipient[]
  /** Whose the `active` ones are, as `claimDue` would say it; only with such. */
  readonly lease?: { readonly holder: string; readonly until: number }
}

/** A message as those see it who work on a row of it. */
export interface QueueMessage extends Omit<NewQueueMessage, 'recipients' | 'lease'> {
  readonly id: QueueId
  readonly blob: BlobId
  /** Octets of the blob, without the prefix. */
  readonly size: number
  readonly structure: string
  /** All of the blob, where it is small and at hand. */
  readonly content?: Uint8Array
}

export interface QueueRecipient {
  readonly message: QueueId
  /** Counts from 0 within the message. */
  readonly number: number
  readonly address: string
  readonly domain: string
  readonly reversePath: string | null
  readonly options: RecipientOptions
  readonly state: RecipientState
  readonly outcome: RecipientOutcome | null
  readonly nextAttempt: number
  readonly turn: number
  /** Attempts so far. */
  readonly attempts: number
  /** Failures of ours (exceptions, interrupted attempts), not of any host. */
  readonly faults: number
  /** It was under lease when a process died: that it is tried again is to be told first, by `beginAttempts`. */
  readonly suspected: boolean
  /** A route that an operator chose for this row; null: by the configuration. */
  readonly route: string | null
  /** Why it waits or is held, in words; '' where nothing happened yet. */
  readonly reason: string
  readonly last: Attempt | null
  /** A report that is due. */
  readonly report: ReportKind | null
  readonly delayReported: boolean
}

/** A row under lease with all that an attempt needs. Rows of one message come one after the other. */
export interface ClaimedRecipient {
  readonly message: QueueMessage
  readonly recipient: QueueRecipient
}

/** A row by its key. */
export interface QueueRow {
  readonly message: QueueId
  readonly number: number
}

/** What becomes of a row after an attempt or an order. */
export type Settlement = QueueRow & {
  /** Added to the row's history; null where there was no attempt. */
  readonly attempt: Attempt | null
} & (
    | { readonly type: 'done'; readonly outcome: RecipientOutcome; readonly report: ReportKind | null }
    | {
        readonly type: 'waiting'
        readonly nextAttempt: number
        readonly turn: number
        readonly reason: string
        /** `ours` counts a fault. */
        readonly fault: 'ours' | 'none'
        /** False: given back untried; counts no attempt. */
        readonly counts: boolean
      }
    | { readonly type: 'held'; readonly reason: string }
  )

/** Which rows an operator means. All that is given must hold; nothing given is all. */
export interface QueueFilter {
  readonly id?: QueueId
  readonly name?: string
  readonly number?: number
  readonly domain?: string
  readonly sender?: string
  /** An address, exactly as queued. */
  readonly recipient?: string
  readonly state?: RecipientState
  /** Rows of messages that arrived before. */
  readonly before?: number
}

export interface QueueEntry {
  readonly message: QueueMessage
  readonly recipients: readonly QueueRecipient[]
  readonly finishedAt: number | null
}

export interface ReportsDue extends QueueEntry {
  /** Rows of the message that are not settled yet. */
  readonly unsettled: number
}

/**
 * Unsettled rows of a domain by age of their message: `counts[i]` between `ages[i−1]` and `ages[i]`, one more at the end for
 * what is older. Those with most rows first.
 */
export interface QueueShape {
  readonly domain: string
  readonly total: number
  readonly counts: readonly number[]
}

/** Something that a webhook shall tell, in the commit that made it true. */
export interface NewHookEvent {
  /** `message.received`, `message.delivered`, `message.deferred`, `message.bounced`, `message.discarded`. */
  readonly type: string
  readonly at: number
  /** JSON. */
  readonly payload: string
}

/** One that a delivery tells. With `about` it is told only where that came of the target of that place. */
export interface DeliveryEvent extends NewHookEvent {
  readonly about?: { readonly target: number; readonly came: 'kept' | 'no-such-account' | 'over-quota' }
}

export interface HookEvent extends NewHookEvent {
  /** Ascending, without end: what a reader resumes from. */
  readonly id: number
}

/** How far one endpoint has been told. */
export interface HookCursor {
  readonly endpoint: string
  /** The last event that it took. */
  readonly last: number
  readonly failures: number
  readonly nextAttempt: number
}

export interface Suppression {
  readonly address: string
  readonly reason: string
  readonly since: number
  /** Null: for ever. */
  readonly until: number | null
}

/**
 * Told which domains have rows to look at, and the earliest `nextAttempt` of those.
 */
export type QueueListener = (domains: readonly string[], earliest: number, news?: QueueNews) => void

/**
 * `reports`: rows are settled that have a report to be made, in this node alone; then no domains means none. `order`: somebody
 * wants these tried now, whatever is known of their destinations.
 */
export type QueueNews = 'reports' | 'order'

export interface QueueStore {
  /**
   * Calls the listener after each commit that put rows among the waiting: new mail, an operator's order, recovered leases;
   * of every node, where there are several. Not for rows that `settle` put back: who settles them knows. No domains
   * means that it may be any of them. The returned function ends it.
   */
  onQueued(listener: QueueListener): () => void
  /**
   * The domains that have waiting rows, each with its earliest `nextAttempt`, in order of name; page by `after`. Takes time
   * by the number of domains, not of rows, for which `waiting` is null: `queueShape` counts.
   */
  queueDomains(request: {
    after?: string
    limit: number
  }): Promise<{ domain: string; due: number; waiting: number | null }[]>
  /** The earliest `nextAttempt` of any waiting row, or of any of that domain. */
  nextDue(request?: { domain: string }): Promise<number | undefined>
  /** Up to `limit` due rows of a domain, by priority, then turn, under lease to `holder`. */
  claimDue(request: {
    domain: string
    limit: number
    now: number
    holder: string
    leaseUntil: number
  }): Promise<ClaimedRecipient[]>
  /** These rows under lease to `holder`, all of them suspected, are about to be tried: should the process die now, it is their fault. */
  beginAttempts(request: { rows: readonly QueueRow[]; holder: string }): Promise<void>
  /** Prolongs every lease of the holder. A holder's leases all end at one time: the latest that it was given. */
  renewLeases(request: { holder: string; leaseUntil: number }): Promise<void>
  /**
   * Rows whose lease ran out (of everyone but `holder`, whatever their lease, with `abandoned: 'all'`: at the start of the only
   * process of a store) wait again at `nextAttempt`, and are suspected. Those that were begun (`beginAttempts`) have one fault
   * more, and are held as `poison` from `poisonAfter` faults on.
   */
  recoverLeases(request: {
    now: number
    holder: string
    abandoned: 'expired' | 'all'
    nextAttempt: number
    poisonAfter: number
  }): Promise<{ waiting: number; poisoned: number }>
  /** All or none. Rows that are no longer under lease by `holder` are left alone (null: whoever has them, nobody included). */
  settle(request: {
    settlements: readonly Settlement[]
    holder: string | null
    now: number
    events: readonly NewHookEvent[]
  }): Promise<void>
  /**
   * Waiting rows past their message's end or a `deliverBy` that asks for return, and those with a delay to report. What is
   * held waits for its operator, however long.
   */
  queueOverdue(request: {
    now: number
    limit: number
  }): Promise<{ expired: QueueRecipient[]; delayed: QueueRecipient[] }>
  /** Messages with rows whose report is due, those rows alone with each, in order of id; page by `after`. */
  reportsDue(request: { after?: QueueId; limit: number }): Promise<ReportsDue[]>
  /** As `DeliveryExtras.reported`, where no report is sent because nobody wants it or nobody can get it. */
  dropReports(request: { rows: readonly QueueRow[]; now: number }): Promise<void>

  /** Messages in order of id, each with those of its rows that fit alone. */
  queueList(request: {
    filter: QueueFilter
    after?: QueueId
    limit: number
    finished: 'with' | 'without'
  }): Promise<QueueEntry[]>
  /** With every attempt, oldest first. */
  queueEntry(
    id: QueueId,
  ): Promise<(QueueEntry & { attempts: readonly { number: number; attempt: Attempt }[] }) | undefined>
  findQueued(name: string): Promise<QueueId | undefined>
  /** For a bounce that names what it bounces: by envelope id or Message-ID, the newest that fits. */
  findSent(request: { envId?: string; messageId?: string }): Promise<QueueId | undefined>
  queueShape(request: { now: number; ages: readonly number[] }): Promise<QueueShape[]>
  /** Takes time by the number of rows: for gauges and people, not for each message. */
  queueTotals(): Promise<{ messages: number; waiting: number; active: number; held: number; reports: number }>
  /**
   * Changes rows that are not under lease and not settled; gives how many. `release` is for held rows and forgives their
   * faults, `retry` for waiting ones; a row that is held stays so when it is rerouted. `hasten` is a `retry` that nobody
   * ordered: what is known of destinations stands.
   */
  changeQueued(request: {
    filter: QueueFilter
    change:
      | { readonly type: 'hold'; readonly reason: string }
      | { readonly type: 'release' | 'retry' | 'hasten'; readonly nextAttempt: number }
      | {
          readonly type: 'fail'
          readonly reply: string
          readonly status: string
          readonly report: ReportKind | null
        }
      | { readonly type: 'discard'; readonly reason: string }
      | { readonly type: 'reroute'; readonly route: string | null; readonly nextAttempt: number }
    now: number
    /** `on`: webhooks are told of what `fail` and `discard` end, in the same commit. */
    webhooks?: 'on' | 'off'
  }): Promise<number>
  /** Drops the history of messages that finished before. */
  purgeQueue(request: { finishedBefore: number; limit: number }): Promise<number>

  suppress(entry: Suppression): Promise<void>
  unsuppress(address: string): Promise<boolean>
  /** Those of the addresses that are suppressed now. */
  findSuppressed(request: { addresses: readonly string[]; now: number }): Promise<Suppression[]>
  listSuppressions(request: { after?: string; limit: number }): Promise<Suppression[]>

  /**
   * Counts `amount` to the key in its window, which `start` names (milliseconds since the epoch); refused, and not counted,
   * beyond `limit`. A key has one window: another `start` counts afresh.
   */
  chargeRate(request: {
    key: string
    start: number
    amount: number
    limit: number
  }): Promise<Outcome<{ used: number }, 'exceeded'>>

  /** Small things worth keeping over a restart, such as MTA-STS policies: by kind and key, until they expire. */
  remember(request: { kind: string; key: string; value: string; expiresAt: number }): Promise<void>
  recall(request: { kind: string; key: string; now: number }): Promise<string | undefined>
  /** All of a kind, in order of key, a page at a time. */
  recallAll(request: {
    kind: string
    after: string
    limit: number
    now: number
  }): Promise<{ key: string; value: string }[]>

  hookEvents(request: { after: number; limit: number }): Promise<HookEvent[]>
  hookCursors(): Promise<HookCursor[]>
  /**
   * The endpoint is told by this holder alone until then, as far as the clocks of the nodes agree; gives how far it has been
   * told (a new one: nothing). Undefined where another one has it.
   */
  claimHookCursor(request: {
    endpoint: string
    holder: string
    now: number
    until: number
  }): Promise<HookCursor | undefined>
  /** Of the holder, who keeps the endpoint until then; false where another one has it by now, and nothing is changed. */
  setHookCursor(request: { cursor: HookCursor; holder: string; until: number }): Promise<boolean>
  /** Drops events up to and with that id. */
  pruneHookEvents(upTo: number): Promise<void>
}

/** What `MailStore.deliver` does beside the mailboxes, in the same commit. */
export interface DeliveryExtras {
  /** Into the queue too, with the same blob. */
  readonly enqueue?: NewQueueMessage
  /**
   * Rows whose reports this very message carries. Of a settled row the report is no longer due; of one that is not, the delay
   * is reported. Where one of them was reported already (another node was quicker), the delivery is refused as `done-before`.
   */
  readonly reported?: readonly QueueRow[]
  readonly events?: readonly DeliveryEvent[]
  /**
   * A request that must not be done twice: a second one with the same key, up to `expiresAt`, is refused as `done-before`, with
   * the first one's `result`. The request's time is its `internalDate`.
   */
  readonly once?: {
    readonly account: AccountId
    readonly key: string
    readonly result: string
    readonly expiresAt: number
  }
  /** An object of an account that comes into being with it (`objects.ts`). */
  readonly keeps?: {
    readonly account: AccountId
    readonly kind: string
    readonly key: string
    readonly value: string
    readonly expiresAt: number | null
  }
}

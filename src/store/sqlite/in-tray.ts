// Mail that was taken and answered, and whose rows are not written yet: for a store that ends with the program, where a commit promises
// nothing that this does not. A burst is taken at the speed of its senders, and filed when they rest or when somebody looks.
//
// - What a delivery answers and tells (UIDs, modseqs) is known before its rows are there: nothing else gives numbers to an account
//   while its mail is here, since every operation that could see or change mail has it filed first (`blindReads`, `blindWrites`).
// - Plain mail alone is taken: messages for the INBOX of accounts without quotas, and nothing else in the same commit.
// - Filed in the order of their coming, many in one transaction; what could not be filed stays here and is tried again.
import type { Clock, Timer } from '../../base/clock.ts'
import type { ChangeFeed } from '../changes.ts'
import type { StoreLimits } from '../limits.ts'
import type { AccountId, Change, ModSeq, Uid } from '../model.ts'
import type { NextMessage, TakenDelivery } from '../ops/file-deliveries.ts'
import type { Reads, Writes } from '../ops/index.ts'
import { inboxId } from '../ops/rows.ts'
import type { Spool, SpoolPlace, SpoolRecord } from '../spool.ts'
import { type DeliverRequest, type DeliverResult, StoreUnavailable } from '../store.ts'
import type { AddressCache } from './address-cache.ts'
import type { Call, Writer } from './writer.ts'

/** Those that no mail can make answer otherwise. */
export const blindReads: ReadonlySet<keyof Reads> = new Set<keyof Reads>([
  ...(['hasDomain', 'listDomains', 'findInstallationSecret'] as const),
  ...(['findSuppressed', 'listSuppressions', 'recall', 'recallAll', 'hookEvents', 'hookCursors'] as const),
  ...(['queueDomains', 'nextDue', 'queueOverdue', 'reportsDue', 'queueTotals', 'queueShape'] as const),
])

/** Those that give no numbers to an account that is there, and neither see nor remove its mail. */
export const blindWrites: ReadonlySet<keyof Writes> = new Set<keyof Writes>([
  ...(['addAccount', 'addDomain', 'setAlias', 'installationSecret', 'acquireLease', 'releaseLease'] as const),
  ...(['chargeRate', 'remember', 'suppress', 'unsuppress', 'claimDue', 'fileDeliveries'] as const),
])

const nothing = new Uint8Array()

/** Milliseconds without a delivery after which filing begins, and between two slices of it. */
const restMilliseconds = 200
const sliceMilliseconds = 1
/** Messages of one slice, so that others wait for a few milliseconds at most. */
const sliceMessages = 32

export interface InTrayParts {
  readonly writer: Writer
  readonly feed: ChangeFeed
  readonly addresses: AddressCache
  readonly spool: Spool
  readonly clock: Clock
  readonly limits: Pick<StoreLimits, 'waitingMessages'>
  readonly read: (account: AccountId) => NextMessage | undefined
}

type Outcomes = Extract<DeliverResult, { ok: true }>['results']

export class InTray {
  readonly #parts: InTrayParts
  #places: SpoolPlace[] = []
  /** Index of the first that is not filed. */
  #first = 0
  /** Of accounts with mail here, and of others that were looked at; null: their mail is not taken here. */
  readonly #next = new Map<AccountId, NextMessage | null>()
  readonly #waiting = new Set<AccountId>()
  #taken = 0
  /** Deliveries that writes wait for. */
  #awaited: number | null = null
  #stopped = false
  #timer: Timer | null = null

  constructor(parts: InTrayParts) {
    this.#parts = parts
  }

  /** Deliveries so far. Those up to here are filed once `filed` is as large. */
  get taken(): number {
    return this.#taken
  }

  get filed(): number {
    return this.#taken - this.length
  }

  get length(): number {
    return this.#places.length - this.#first
  }

  holds(account: AccountId): boolean {
    return this.#waiting.has(account)
  }

  /**
   * The answer, once the changes are told; undefined where the store has to do it. Throws `StoreUnavailable` where too much waits that
   * cannot be filed.
   */
  tryTake(request: DeliverRequest): DeliverResult | undefined {
    if (!isPlain(request)) return undefined
    // Before anything is told, or what fails here would be sent again.
    if (this.length >= this.#parts.limits.waitingMessages) this.file(2)
    const nexts = this.#nextOf(request)
    if (nexts === undefined) return undefined
    const { message, internalDate, targets } = request
    const { blob, structure } = message
    const accounts = targets.map(({ account }) => account)
    const inline = blob.type === 'inline'
    const texts = [
      `${internalDate} ${accounts.join(' ')}`,
      inline ? '' : `${blob.size} ${blob.key}`,
      structure,
    ]
    for (const { prefix } of targets) texts.push(prefix)
    this.#places.push(this.#parts.spool.append(texts, inline ? blob.bytes : nothing))
    this.#taken++
    const results = this.#number(accounts, nexts)
    this.#timer ??= this.#parts.clock.after(restMilliseconds, () => this.#tick(0))
    return { ok: true, results, queued: null }
  }

  /** Files up to so many. Throws `StoreUnavailable` where the store cannot; they are still here then. */
  file(most: number = Number.POSITIVE_INFINITY): void {
    if (this.#stopped) return
    while (this.length > 0 && most > 0) {
      const places = this.#places.slice(this.#first, this.#first + Math.min(most, sliceMessages))
      this.#write(places)
      most -= places.length
      this.#first += places.length
      for (const place of places) this.#parts.spool.remove(place)
      // Half of it is gone: an array is not shifted for each.
      if (this.#first * 2 > this.#places.length) {
        this.#places = this.#places.slice(this.#first)
        this.#first = 0
      }
    }
    if (this.length === 0) this.#waiting.clear()
  }

  /** Files a slice where much waits for these writes; false until what waited at first is filed. Throws `StoreUnavailable`. */
  isReady(calls: readonly Call[]): boolean {
    if (this.#stopped || calls.every(({ name }) => blindWrites.has(name))) return true
    this.#awaited ??= this.#taken
    if (this.filed < this.#awaited && this.length > sliceMessages) this.file(sliceMessages)
    const isReady = this.filed >= this.#awaited || this.length <= sliceMessages
    if (isReady) this.#awaited = null
    return isReady
  }

  /** Whatever these writes may see or change of mail is filed first, and what is known of accounts forgotten. */
  before(calls: readonly Call[]): void {
    if (calls.every(({ name }) => blindWrites.has(name))) return
    this.file()
    this.#next.clear()
  }

  /** Lets others have a turn between two slices of what is here now. Rejects with `StoreUnavailable`. */
  async fileAll(): Promise<void> {
    const taken = this.#taken
    while (this.filed < taken && !this.#stopped) {
      this.file(sliceMessages)
      if (this.filed < taken) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What is here is gone. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = null
    this.#parts.spool.close()
  }

  #nextOf({ targets }: DeliverRequest): NextMessage[] | undefined {
    const nexts: NextMessage[] = []
    for (const { account } of targets) {
      let next = this.#next.get(account)
      if (next === undefined) {
        next = this.#parts.read(account) ?? null
        this.#next.set(account, next)
      }
      if (next === null || next.uid >= lastUid) return undefined
      nexts.push(next)
    }
    return nexts
  }

  /** Gives each target its numbers, and tells. */
  #number(accounts: readonly AccountId[], nexts: readonly NextMessage[]): Outcomes {
    const { addresses, feed } = this.#parts
    const changes: Change[] = []
    const results: Outcomes[number][] = []
    for (const [index, account] of accounts.entries()) {
      const next = nexts[index]
      if (next === undefined) continue
      const { uid, modSeq, uidValidity } = next
      results.push({ ok: true, mailbox: inboxId, uid, uidValidity })
      changes.push({
        ...{ type: 'message-added', account, mailbox: inboxId, modSeq, uid, flags: 0, keywords: '' },
      })
      // The numbers behind those that the account's rows gave.
      this.#next.set(account, { modSeq: (modSeq + 1) as ModSeq, uid: (uid + 1) as Uid, uidValidity })
      this.#waiting.add(account)
    }
    addresses.forget(changes)
    feed.publish(changes)
    return results
  }

  #write(places: readonly SpoolPlace[]): void {
    const deliveries = places.map((place) => this.#read(place))
    const [answer] = this.#parts.writer.run([{ id: 0, name: 'fileDeliveries', request: { deliveries } }])
    if (answer?.ok !== true)
      throw new StoreUnavailable(`mail could not be filed: ${answer?.message ?? 'no answer'}`)
  }

  #read(place: SpoolPlace): TakenDelivery {
    try {
      return this.#delivery(this.#parts.spool.read(place))
    } catch (cause) {
      throw new StoreUnavailable('mail that waits could not be read', { cause })
    }
  }

  #delivery({ texts, data }: SpoolRecord): TakenDelivery {
    const [head = '', stored = '', structure = '', ...prefixes] = texts
    const [size = '', key = ''] = stored.split(' ')
    const [internalDate = 0, ...accounts] = head.split(' ').map(Number)
    return {
      message: {
        blob:
          key === ''
            ? { type: 'inline', size: data.length, bytes: data }
            : { type: 'stored', size: Number(size), key },
        structure,
      },
      internalDate,
      // As `tryTake` wrote them.
      targets: accounts.map((account, index) => ({
        account: account as AccountId,
        prefix: prefixes[index] ?? '',
      })),
    }
  }

  /** A slice of work once nothing came for a while. */
  #tick(before: number): void {
    this.#timer = null
    if (this.length === 0) return
    const { clock } = this.#parts
    if (this.#taken !== before) {
      const taken = this.#taken
      this.#timer = clock.after(restMilliseconds, () => this.#tick(taken))
      return
    }
    try {
      this.file(sliceMessages)
    } catch {
      // Whoever looks for the mail is told; it is tried again after the next rest.
      this.#timer = clock.after(restMilliseconds, () => this.#tick(before))
      return
    }
    if (this.length > 0) this.#timer = clock.after(sliceMilliseconds, () => this.#tick(before))
  }
}

/** RFC 9051 §2.3.1.1. */
const lastUid = 0xff_ff_ff_ff

function isPlain({ targets, ...request }: DeliverRequest): boolean {
  if (targets.length === 0) return false
  // What no row can hold is refused before it is answered.
  if (!Number.isSafeInteger(request.internalDate)) return false
  if (request.enqueue ?? request.once ?? request.reported ?? request.keeps) return false
  if ((request.events?.length ?? 0) > 0 || request.quota === 'each') return false
  const [first, second] = targets
  if (targets.length > 2 && new Set(targets.map(({ account }) => account)).size < targets.length) return false
  if (first?.account === second?.account) return false
  return targets.every(
    ({ mailbox, flags = 0, keywords = '' }) => mailbox === undefined && flags === 0 && keywords === '',
  )
}

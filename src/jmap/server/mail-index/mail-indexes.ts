// The indexes of accounts in use: loaded when first asked for, kept current by the store's changes, shared by all sessions, and bounded
// together; the one used longest ago goes first.
//
// An index is never asked before it has taken in everything that was committed when it was asked for. A change that needs a look at the
// store (new messages come without their email) waits in a queue with all that follow; an index that nobody asks while too many come is
// given up.
import type { BatchedListener } from '../../../store/changes.ts'
import type { AccountId, Change, ModSeq } from '../../../store/model.ts'
import type { Store, UidSelection } from '../../../store/store.ts'
import { orderKind } from '../mailbox-order.ts'
import { MailIndex } from './mail-index.ts'

type Told = Parameters<BatchedListener>[0][number]

export interface MailIndexesParts {
  readonly store: Store
  /** Octets of all indexes together; one is always kept. */
  readonly memory: number
  readonly now: () => number
}

export class MailIndexes {
  readonly #parts: MailIndexesParts
  /** In the order of their last use. */
  readonly #held = new Map<AccountId, HeldIndex>()

  constructor(parts: MailIndexesParts) {
    this.#parts = parts
  }

  /** The index as of now or later. Good until the next wait: whoever waits asks again. */
  async use(account: AccountId): Promise<MailIndex> {
    for (;;) {
      const held = this.#held.get(account) ?? new HeldIndex(this.#parts, account)
      this.#held.delete(account)
      this.#held.set(account, held)
      try {
        const index = await held.current()
        if (held.isWorn) {
          this.#drop(account, held)
          continue
        }
        this.#trim()
        return index
      } catch (error) {
        this.#drop(account, held)
        throw error
      }
    }
  }

  close(): void {
    for (const [account, held] of this.#held) this.#drop(account, held)
  }

  #trim(): void {
    let weight = 0
    for (const held of this.#held.values()) weight += held.weight
    for (const [account, held] of this.#held) {
      if (weight <= this.#parts.memory || this.#held.size === 1) return
      weight -= held.weight
      this.#drop(account, held)
    }
  }

  #drop(account: AccountId, held: HeldIndex): void {
    held.stop()
    if (this.#held.get(account) === held) this.#held.delete(account)
  }
}

const everything: UidSelection = [[1, 0xffff_ffff]]
/** Dead emails that an index may drag along. */
const mostDead = 10_000
/** Changes that may wait for somebody to ask: beyond them, the index is read anew when it is asked for. */
export const mostWaiting = 10_000

class HeldIndex {
  readonly #parts: MailIndexesParts
  readonly #account: AccountId
  readonly #index = new MailIndex()
  readonly #stop: () => void
  #waiting: Told[] = []
  #overrun = false
  /** The last piece of work; each starts when the one before is done. */
  #work: Promise<void>

  constructor(parts: MailIndexesParts, account: AccountId) {
    this.#parts = parts
    this.#account = account
    // Before the reading, so that nothing falls between the two.
    this.#stop = parts.store.subscribeBatched(account, (changes) => {
      for (const change of changes) this.#waiting.push(change)
      if (this.#waiting.length <= mostWaiting) return
      this.#overrun = true
      this.#waiting = []
      this.#stop()
    })
    this.#work = this.#load()
    this.#work.catch(() => undefined)
  }

  get weight(): number {
    return this.#index.weight
  }

  /** Not worth keeping: more of it is about mail that is gone, or it has missed changes. */
  get isWorn(): boolean {
    if (this.#overrun) return true
    return this.#index.dead > Math.max(mostDead, this.#index.emails.length / 2)
  }

  stop(): void {
    this.#stop()
  }

  async current(): Promise<MailIndex> {
    do {
      const work = this.#work
      await work
      if (this.#work !== work || this.#waiting.length === 0) continue
      this.#work = this.#takeIn()
      this.#work.catch(() => undefined)
    } while (this.#waiting.length > 0)
    await this.#work
    return this.#index
  }

  async #load(): Promise<void> {
    const { store, now } = this.#parts
    const account = this.#account
    const index = this.#index
    const { last } = index
    const state = await store.getAccount(account)
    const mailboxes = await store.datedMailboxes(account)
    for (const { mailbox } of mailboxes) {
      for await (const places of store.emailPlaces({ account, mailbox: mailbox.id, uids: everything })) {
        index.add(mailbox.id, places, false)
      }
      index.noteChanged(mailbox.id, mailbox.modSeq)
      // Never less than that of its last change of its own, and of what is counted.
      last.mailbox = Math.max(last.mailbox, mailbox.modSeq)
    }
    index.finishLoading()
    // What left after the newest that is there.
    const { departures, forgotten } = await store.departuresSince({ account, since: last.thread as ModSeq })
    // States never go back, also where what moved them is not kept any more.
    for (const what of ['email', 'thread', 'mailbox'] as const) last[what] = Math.max(last[what], forgotten)
    for (const { modSeq, thread, shown } of departures) {
      index.touchThread(thread, modSeq)
      // It came, and is gone.
      last.delivery = Math.max(last.delivery, shown)
      for (const what of ['email', 'thread', 'mailbox'] as const) last[what] = Math.max(last[what], modSeq)
    }
    const news = await store.mailboxNewsSince({ account, since: 0 as ModSeq })
    const farAway = Number.MAX_SAFE_INTEGER as ModSeq
    const orders = await store.objectsSince({ account, kind: orderKind, since: farAway, now: now() })
    last.mailbox = Math.max(last.mailbox, news.modSeq, orders.modSeq)
    index.loadedAt = index.modSeq = state?.modSeq ?? 0
    index.version++
  }

  async #takeIn(): Promise<void> {
    const changes = this.#waiting
    this.#waiting = []
    for (const change of changes) await this.#take(change)
  }

  async #take(change: Told): Promise<void> {
    const index = this.#index
    if (change.type === 'account-removed') {
      this.#stop()
      return
    }
    const { modSeq } = change
    switch (change.type) {
      case 'batch':
        if (change.of === 'message-added') await this.#read(change.mailbox, change.columns.uids)
        else index.setFlags(change.mailbox, { ...change.columns, modSeq })
        break
      case 'message-added':
        await this.#read(change.mailbox, [change.uid])
        break
      case 'flags-changed': {
        const keywords = new Map(change.keywords === '' ? [] : [[0, change.keywords]])
        index.setFlags(change.mailbox, { uids: [change.uid], flags: [change.flags], keywords, modSeq })
        break
      }
      case 'messages-expunged':
        index.remove(change.mailbox, change.uids, modSeq)
        break
      case 'mailbox-removed':
        index.remove(change.mailbox, null, modSeq)
        index.noteMailboxes(modSeq)
        break
      default:
        if (concernsMailboxes(change)) index.noteMailboxes(modSeq)
    }
    index.modSeq = Math.max(index.modSeq, modSeq)
    index.version++
  }

  async #read(mailbox: Parameters<MailIndex['add']>[0], uids: ArrayLike<number>): Promise<void> {
    const ranges: [number, number][] = []
    for (let at = 0; at < uids.length; at++) {
      const uid = uids[at] ?? 0
      const range = ranges.at(-1)
      if (range?.[1] === uid - 1) range[1] = uid
      else ranges.push([uid, uid])
    }
    const { store } = this.#parts
    for await (const places of store.emailPlaces({ account: this.#account, mailbox, uids: ranges })) {
      this.#index.add(mailbox, places, true)
    }
  }
}

/** What Mailbox/get tells beside its counts. */
export function concernsMailboxes(change: Change): boolean {
  switch (change.type) {
    case 'mailbox-created':
    case 'mailbox-changed':
    case 'subscription-changed':
      return true
    case 'objects-changed':
      return change.kind === orderKind
    default:
      return false
  }
}

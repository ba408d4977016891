// Changes from every node to this one's subscribers, by LISTEN and NOTIFY.
//
// - Notices come in the order of the commits of the whole database, this node's own among them: there is one path and one
//   order. A writer waits until its own notice has come, where somebody here listens to that account.
// - A notice holds its changes where 8000 octets suffice, else only how far the account went; then they are fetched.
// - The connection is this object's own. When it breaks it comes back by itself, and what was missed is fetched, from what
//   each account's subscribers were told last. An account that was told nothing yet is fetched from where it stood before the
//   first operation after its `subscribe`: no subscriber can know of a state between.
// - Hints about the queue are told to this node's listeners with the commit itself, to other nodes' by a notice.
// - A subscriber may hear of a change twice, or of one that it read already; never too late, never out of order.
import type { Client, Notification } from 'pg'
import type { Clock, Timer } from '../../base/clock.ts'
import {
  type BatchedListener,
  type ChangeBatch,
  ChangeFeed,
  type ChangeListener,
  expandBatch,
  type QueueHint,
  type Told,
} from '../changes.ts'
import type { AccountId, Change, ModSeq } from '../model.ts'
import type { QueueListener } from '../queue.ts'
import type { MailListener } from '../search-index.ts'

export const channel = 'posthorn_changes'

/** PostgreSQL's limit is less than 8000 octets. */
const longestPayload = 7_900
/** A batch of more is never worth the try: the shortest change of a batch takes more than 50 octets. */
const longestBatch = 150
const fetchedAtOnce = 1_000

/** That the queue has work. A node tells its own listeners itself. */
interface QueueNotice {
  readonly node: string
  readonly queued: Omit<QueueHint, 'type'>
}

interface Notice {
  /** Who did it. */
  readonly node: string
  readonly account: AccountId
  /** The last change's; null when the account is gone. */
  readonly modSeq: ModSeq | null
  readonly changes?: readonly Change[]
}

export interface NoticesOptions {
  /** This node's name among all nodes: chance. */
  readonly node: string
  /** A new connection of its own, not yet connected. */
  readonly makeClient: () => Client
  readonly clock: Clock
  readonly onError: (error: unknown) => void
  /** Between two attempts to reconnect: the first pause, doubled up to the last, in milliseconds. */
  readonly firstPause: number
  readonly longestPause: number
  /** How often the connection is tried for life, and the longest that a writer waits for its own notice. */
  readonly heartbeat: number
  readonly longestWait: number
  readonly changesSince: (request: {
    account: AccountId
    since: ModSeq
    limit: number
  }) => Promise<{ changes: Change[]; modSeq: ModSeq }>
  /** The modseq of each of these accounts, of those that exist. */
  readonly positionsOf: (accounts: readonly AccountId[]) => Promise<Map<AccountId, ModSeq>>
}

/** What the subscribers of one account know. */
interface Position {
  /** What this node had done before they came, up to here, is not for them. */
  readonly floor: number
  /** The last modseq that they were told. */
  told: ModSeq | null
  /** Where the account stood before anything was read after `subscribe`; null until it is asked. */
  base: ModSeq | null
  /** Whether they were told that the account is no more. */
  gone: boolean
  subscribers: number
  /** Fetches and what came behind them, in order. */
  tail: Promise<void> | null
  waiting: { modSeq: ModSeq | null; resolve: () => void }[]
}

/** The payloads that tell these changes: one for each account, in order, and one for each hint about the queue. */
export function payloadsOf(changes: readonly Told[], node: string): string[] {
  const accounts = new Map<AccountId, (Change | ChangeBatch)[]>()
  const hints: string[] = []
  for (const change of changes) {
    if (change.type === 'queued') {
      // Reports that are due are made by the node that took the message.
      if (change.domains.length > 0) hints.push(hintOf(change, node))
      continue
    }
    const list = accounts.get(change.account)
    if (list) list.push(change)
    else accounts.set(change.account, [change])
  }
  return [...[...accounts].map(([account, list]) => payloadOf({ node, account }, list)), ...hints]
}

/** Without the domains where they are too many, or not ASCII as they should be. */
function hintOf({ domains, earliest, news }: QueueHint, node: string): string {
  // Reports that are due are made by the node that took the message, or the order.
  const rest = { earliest, ...(news === 'order' && { news }) }
  const full = JSON.stringify({ node, queued: { domains, ...rest } } satisfies QueueNotice)
  if (full.length <= longestPayload && /^[\x01-\x7e]*$/.test(full)) return full
  return JSON.stringify({ node, queued: { domains: [], ...rest } } satisfies QueueNotice)
}

function payloadOf(
  whose: { node: string; account: AccountId },
  list: readonly (Change | ChangeBatch)[],
): string {
  let modSeq: ModSeq | null = null
  for (const change of list) modSeq = change.type === 'account-removed' ? null : change.modSeq
  const short = { ...whose, modSeq } satisfies Notice
  let size = 0
  for (const change of list) size += change.type === 'batch' ? change.columns.uids.length : 1
  if (size > longestBatch) return JSON.stringify(short)
  const all = list.flatMap((change) => (change.type === 'batch' ? [...expandBatch(change)] : [change]))
  // Escaped to ASCII, so that every character is an octet and U+0000 cannot occur.
  const full = JSON.stringify({ ...short, changes: all } satisfies Notice).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return full.length <= longestPayload ? full : JSON.stringify(short)
}

export class Notices {
  readonly #options: NoticesOptions
  readonly #feed: ChangeFeed
  readonly #positions = new Map<AccountId, Position>()
  /** This node's commits of which either the writer or the listening connection has not heard yet. */
  readonly #own = new Map<string, { account: AccountId; modSeq: ModSeq; by: 'writer' | 'listener' }>()
  #client: Client | null = null
  #timer: Timer | null = null
  #pause: number
  #closed = false

  constructor(options: NoticesOptions) {
    this.#options = options
    this.#feed = new ChangeFeed({ onError: options.onError })
    this.#pause = options.firstPause
  }

  /** Connects; rejects when the first time fails. */
  async open(): Promise<void> {
    await this.#connect()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    const client = this.#client
    this.#client = null
    this.#releaseWaiting()
    await client?.end().catch(() => undefined)
  }

  subscribe(account: AccountId, listener: ChangeListener): () => void {
    return this.#follow(account, this.#feed.subscribe(account, listener))
  }

  subscribeBatched(account: AccountId, listener: BatchedListener): () => void {
    return this.#follow(account, this.#feed.subscribeBatched(account, listener))
  }

  #follow(account: AccountId, stop: () => void): () => void {
    const position = this.#positions.get(account) ?? {
      floor: this.#floorOf(account),
      told: null,
      base: null,
      gone: false,
      subscribers: 0,
      tail: null,
      waiting: [],
    }
    this.#positions.set(account, position)
    position.subscribers++
    let ended = false
    return () => {
      stop()
      if (ended) return
      ended = true
      position.subscribers--
      if (position.subscribers > 0) return
      for (const { resolve } of position.waiting.splice(0)) resolve()
      if (this.#positions.get(account) === position) this.#positions.delete(account)
    }
  }

  onQueued(listener: QueueListener): () => void {
    return this.#feed.onQueued(listener)
  }

  /** Of this node's commits alone: another node hears of its own. */
  onMail(listener: MailListener): () => void {
    return this.#feed.onMail(listener)
  }

  /** The last modseq that a finished operation of this node gave the account and that is not back yet. */
  #floorOf(account: AccountId): number {
    let floor = 0
    for (const one of this.#own.values()) {
      if (one.account === account && one.by === 'writer') floor = Math.max(floor, one.modSeq)
    }
    return floor
  }

  /** To be awaited before each operation: fixes where accounts stand that were subscribed to since. */
  async settleBases(): Promise<void> {
    const open = [...this.#positions].filter(
      ([, position]) => position.base === null && position.told === null,
    )
    if (open.length === 0) return
    const positions = await this.#options.positionsOf(open.map(([account]) => account))
    // An account that is gone: whatever is fetched says so.
    for (const [account, position] of open) position.base ??= positions.get(account) ?? (0 as ModSeq)
  }

  /** Resolves when the subscribers here have been told of these changes of this node. */
  async told(changes: readonly Told[]): Promise<void> {
    for (const change of changes) if (change.type === 'queued') this.#feed.hint(change)
    this.#feed.tellMail(changes)
    if (this.#client === null) return
    const last = new Map<AccountId, ModSeq | null>()
    for (const change of changes) {
      if (change.type === 'queued') continue
      last.set(change.account, change.type === 'account-removed' ? null : change.modSeq)
    }
    for (const [account, modSeq] of last) this.#know(account, modSeq, 'writer')
    const waits = [...last].flatMap(([account, modSeq]) => this.#until(account, modSeq) ?? [])
    if (waits.length === 0) return
    const { promise: late, resolve } = Promise.withResolvers<void>()
    using _ = this.#options.clock.after(this.#options.longestWait, resolve)
    await Promise.race([Promise.all(waits), late])
  }

  #know(account: AccountId, modSeq: ModSeq | null, by: 'writer' | 'listener'): void {
    if (modSeq === null) return
    const key = `${account} ${modSeq}`
    if (!this.#own.delete(key)) this.#own.set(key, { account, modSeq, by })
  }

  #until(account: AccountId, modSeq: ModSeq | null): Promise<void> | undefined {
    const position = this.#positions.get(account)
    // The notice may have come before the answer to the commit.
    if (!position || position.gone || (modSeq !== null && (position.told ?? 0) >= modSeq)) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    position.waiting.push({ modSeq, resolve })
    return promise
  }

  async #connect(): Promise<void> {
    const client = this.#options.makeClient()
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', (notification) => this.#hear(client, notification))
    try {
      await client.connect()
      await client.query(`LISTEN ${channel}`)
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
    if (this.#closed) return void (await client.end().catch(() => undefined))
    this.#client = client
    this.#own.clear()
    this.#pause = this.#options.firstPause
    this.#beat(client)
  }

  #lost(client: Client): void {
    if (this.#client !== client) return
    this.#client = null
    this.#timer?.cancel()
    this.#releaseWaiting()
    client.end().catch(() => undefined)
    this.#reconnectLater()
  }

  #releaseWaiting(): void {
    for (const { waiting } of this.#positions.values()) for (const { resolve } of waiting.splice(0)) resolve()
  }

  #reconnectLater(): void {
    if (this.#closed) return
    const pause = this.#pause
    this.#pause = Math.min(2 * pause, this.#options.longestPause)
    this.#timer = this.#options.clock.after(pause, () => void this.#reconnect())
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect()
    } catch {
      return this.#reconnectLater()
    }
    // What was committed while nobody heard.
    this.#feed.hint({ type: 'queued', domains: [], earliest: 0 })
    for (const [account, position] of this.#positions) {
      this.#behind(position, () => this.#fetch(account, position))
    }
  }

  /** A connection whose other end vanished without a word is found by asking. */
  #beat(client: Client): void {
    this.#timer = this.#options.clock.after(this.#options.heartbeat, () => {
      if (this.#client !== client) return
      const deadline = this.#options.clock.after(this.#options.heartbeat, () => this.#lost(client))
      client.query('SELECT 1').then(
        () => {
          deadline.cancel()
          if (this.#client === client) this.#beat(client)
        },
        () => {
          deadline.cancel()
          this.#lost(client)
        },
      )
    })
  }

  #hear(client: Client, { payload }: Notification): void {
    if (this.#client !== null && this.#client !== client) return
    // What `payloadOf` wrote: nobody else notifies on this channel.
    const notice = JSON.parse(payload ?? '') as Notice | QueueNotice
    if ('queued' in notice) {
      if (notice.node !== this.#options.node) this.#feed.hint({ type: 'queued', ...notice.queued })
      return
    }
    if (notice.node === this.#options.node) this.#know(notice.account, notice.modSeq, 'listener')
    const position = this.#positions.get(notice.account)
    if (!position) return
    if (position.tail === null && notice.changes) return this.#tell(position, notice, notice.changes)
    this.#behind(position, async () => {
      if (notice.changes) this.#tell(position, notice, notice.changes)
      else await this.#fetch(notice.account, position, notice.modSeq)
    })
  }

  #behind(position: Position, task: () => void | Promise<void>): void {
    const tail = (position.tail ?? Promise.resolve()).then(task).catch(this.#options.onError)
    position.tail = tail
    void tail.finally(() => {
      if (position.tail === tail) position.tail = null
    })
  }

  #tell(position: Position, notice: { modSeq: ModSeq | null }, changes: readonly Change[]): void {
    const { modSeq } = notice
    // A fetch may have been ahead of it.
    const known = modSeq !== null && modSeq <= Math.max(position.floor, position.told ?? 0)
    if (!known) this.#feed.publish(changes)
    if (modSeq === null) position.gone = true
    else if (!known) position.told = modSeq
    position.waiting = position.waiting.filter((one) => {
      const done = modSeq === null || (one.modSeq !== null && one.modSeq <= modSeq)
      if (done) one.resolve()
      return !done
    })
  }

  /** Tells what is after the position, at least up to `target`. */
  async #fetch(account: AccountId, position: Position, target: ModSeq | null = null): Promise<void> {
    const before = target === null ? null : Math.max(0, target - 1)
    // Modseqs are counted, so the one before is one.
    let since = position.told ?? position.base ?? (before as ModSeq | null)
    if (since === null) return
    for (;;) {
      const page = await this.#options.changesSince({ account, since, limit: fetchedAtOnce })
      const removed = page.changes.some((change) => change.type === 'account-removed')
      if (page.changes.length > 0)
        this.#tell(position, { modSeq: removed ? null : page.modSeq }, page.changes)
      if (removed || page.modSeq <= since) return
      since = page.modSeq
    }
  }
}

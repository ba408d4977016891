// The change feed of one process: who listens to which account, and the telling after a commit.
//
// - Listeners of an account hear its changes in the order of their commits, each batch once. What a listener's own write changes is told to
//   all when what it hears has been.
// - A listener that throws disturbs neither the others nor the store: its exception goes to `onError`.
// - Beside them, hints that the queue has work go to whoever listens to it.
// - A change of very many messages travels as one `ChangeBatch` of columns, and becomes objects only when someone listens.
import type { AccountId, Change, MailboxId, ModSeq, Uid } from './model.ts'
import type { QueueListener, QueueNews } from './queue.ts'
import type { MailListener } from './search-index.ts'

export type { Change }

/** Additions or new flags of many messages, as columns of equal length in ascending order of UID. */
export interface ChangeBatch {
  readonly type: 'batch'
  readonly of: 'message-added' | 'flags-changed'
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly modSeq: ModSeq
  readonly columns: FlagColumns
}

/** Flags of messages in the form that passes between threads without an object for each. */
export interface FlagColumns {
  readonly uids: Uint32Array
  readonly flags: Uint8Array
  /** By index, of those messages that have any. */
  readonly keywords: ReadonlyMap<number, string>
}

/** The rows that the columns stand for. */
export function flagRows(
  columns: FlagColumns,
  modSeq: ModSeq,
): { uid: Uid; flags: number; keywords: string; modSeq: ModSeq }[] {
  const { uids, flags, keywords } = columns
  return Array.from(uids, (uid, index) => ({
    // UIDs in the columns came from rows.
    uid: uid as Uid,
    flags: flags[index] ?? 0,
    keywords: keywords.get(index) ?? '',
    modSeq,
  }))
}

/** Rows of the queue wait for work that did not before; see `QueueStore.onQueued`. */
export interface QueueHint {
  readonly type: 'queued'
  /** None: any. */
  readonly domains: readonly string[]
  /** The least `nextAttempt` of those. */
  readonly earliest: number
  readonly news?: QueueNews
}

/** What an operation may have told after its commit. */
export type Told = Change | ChangeBatch | QueueHint

export type ChangeListener = (changes: readonly Change[]) => void
export type BatchedListener = (changes: readonly (Change | ChangeBatch)[]) => void

/** One of the two is there. */
interface Subscription {
  readonly each: ChangeListener | null
  readonly batched: BatchedListener | null
}

/** Subscriptions by account, and the publishing to them. */
export class ChangeFeed {
  readonly #listeners = new Map<AccountId, Set<Subscription>>()
  readonly #queueListeners = new Set<QueueListener>()
  readonly #mailListeners = new Set<MailListener>()
  readonly #onError: (error: unknown) => void
  /** What is being told, and what came of that meanwhile. */
  #untold: (readonly Told[])[] = []

  constructor(options: { onError: (error: unknown) => void }) {
    this.#onError = options.onError
  }

  /** Changes of `account` from now on. The returned function ends it and may be called twice. */
  subscribe(account: AccountId, listener: ChangeListener): () => void {
    return this.#add(account, { each: (changes) => listener(changes), batched: null })
  }

  /** The same for who takes changes of very many messages as columns. */
  subscribeBatched(account: AccountId, listener: BatchedListener): () => void {
    return this.#add(account, { each: null, batched: (changes) => listener(changes) })
  }

  #add(account: AccountId, own: Subscription): () => void {
    let listeners = this.#listeners.get(account)
    if (!listeners) {
      listeners = new Set()
      this.#listeners.set(account, listeners)
    }
    listeners.add(own)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(account) === listeners) this.#listeners.delete(account)
    }
  }

  /** Hints about the queue from now on. The returned function ends it and may be called twice. */
  onQueued(listener: QueueListener): () => void {
    const own: QueueListener = (...hint) => listener(...hint)
    this.#queueListeners.add(own)
    return () => {
      this.#queueListeners.delete(own)
    }
  }

  /** Accounts that get mail from now on. The returned function ends it and may be called twice. */
  onMail(listener: MailListener): () => void {
    const own: MailListener = (account, messages) => listener(account, messages)
    this.#mailListeners.add(own)
    return () => {
      this.#mailListeners.delete(own)
    }
  }

  /** Tells those who listen to the queue. */
  hint({ domains, earliest, news }: QueueHint): void {
    for (const listener of [...this.#queueListeners]) this.#tell(() => listener(domains, earliest, news))
  }

  /** Whether anyone listens to the account. */
  has(account: AccountId): boolean {
    return this.#listeners.has(account)
  }

  /** Tells which accounts got mail by what this process committed. */
  tellMail(changes: readonly Told[]): void {
    if (this.#mailListeners.size === 0) return
    for (const change of changes) {
      const type = change.type === 'batch' ? change.of : change.type
      if (type !== 'message-added' || change.type === 'queued') continue
      const { account } = change
      const messages = change.type === 'batch' ? change.columns.uids.length : 1
      for (const listener of [...this.#mailListeners]) this.#tell(() => listener(account, messages))
    }
  }

  /** Tells what a commit changed. Runs of one account reach its listeners as one array. */
  publish(changes: readonly Told[]): void {
    this.#untold.push(changes)
    if (this.#untold.length > 1) return
    try {
      // It may grow meanwhile.
      for (const told of this.#untold) this.#publish(told)
    } finally {
      this.#untold = []
    }
  }

  #publish(changes: readonly Told[]): void {
    this.tellMail(changes)
    if (this.#listeners.size === 0 && this.#queueListeners.size === 0) return
    const byAccount = new Map<AccountId, (Change | ChangeBatch)[]>()
    for (const change of changes) {
      if (change.type === 'queued') {
        this.hint(change)
        continue
      }
      if (!this.#listeners.has(change.account)) continue
      const told = byAccount.get(change.account)
      if (told) told.push(change)
      else byAccount.set(change.account, [change])
    }
    for (const [account, told] of byAccount) this.#publishTo(account, told)
  }

  #publishTo(account: AccountId, told: readonly (Change | ChangeBatch)[]): void {
    let expanded: readonly Change[] | null = null
    for (const { each, batched } of [...(this.#listeners.get(account) ?? [])]) {
      if (batched !== null) this.#tell(() => batched(told))
      if (each === null) continue
      const changes = (expanded ??= told.flatMap((one) =>
        one.type === 'batch' ? [...expandBatch(one)] : [one],
      ))
      this.#tell(() => each(changes))
    }
  }

  #tell(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#onError(error)
    }
  }
}

/** The changes that a batch stands for. */
export function* expandBatch(batch: ChangeBatch): Generator<Change> {
  const { of: type, account, mailbox, modSeq } = batch
  for (const row of flagRows(batch.columns, modSeq)) yield { type, account, mailbox, ...row }
}

// The protocol thread's side of the writer: gathers the writes of one turn of the event loop into one message (what comes
// while the writer commits waits there and forms its next group), pairs the answers with the promises, and publishes
// changes in the order of their commits, before the promises resolve. Tells the cache of addresses first what to forget.
//
// What became of rows of the queue waits some milliseconds for a write to go with: nobody waits for it, each commit costs a
// sync and the pages it shares with the next one, and that much later a crash only finds a few more outcomes unknown.
//
// A writer thread that dies takes the outcome of what it held with it (`outcomeUnknown`); the next write starts another.
// A thread lives in real time, whatever the program's clock says.
import { clearTimeout, setTimeout } from 'node:timers'
import { Worker } from 'node:worker_threads'
import type { ChangeFeed } from '../changes.ts'
import type { StoreLimits } from '../limits.ts'
import { queueWrites } from '../ops/index.ts'
import { StoreUnavailable } from '../store.ts'
import type { AddressCache } from './address-cache.ts'
import type { Answer, Call, Writer } from './writer.ts'

/** What the thread is started with. */
export interface WriterData {
  readonly path: string
  readonly limits: StoreLimits
  /** Where the module is that is told of each `Checkpoint`, as a URL. */
  readonly checkpoints?: string
}

/** Writes that go with the next one, if it comes within `patience` milliseconds. */
const patient: ReadonlySet<Call['name']> = new Set<Call['name']>(['settle'])
const patience = 5

/** Where calls go. Answers come back by the callback given when it was made. */
interface Backend {
  /** False: not before others had a turn. */
  isReady?(calls: readonly Call[]): boolean
  send(calls: Call[]): void
  close(): Promise<void>
}

interface Pending {
  readonly name: Call['name']
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class WriteQueue {
  readonly #feed: ChangeFeed
  readonly #addresses: AddressCache
  readonly #open: () => Backend
  readonly #patience: number
  #backend: Backend | undefined
  #pending = new Map<number, Pending>()
  #unsent: Call[] = []
  #flushing: 'soon' | NodeJS.Timeout | undefined
  #nextId = 1
  #closed = false
  #idle: (() => void)[] = []

  private constructor(
    options: { feed: ChangeFeed; addresses: AddressCache; patience: number },
    open: (queue: WriteQueue) => Backend,
  ) {
    this.#patience = options.patience
    this.#feed = options.feed
    this.#addresses = options.addresses
    this.#open = () => open(this)
  }

  /** A writer in a thread of its own. */
  static threaded(options: { feed: ChangeFeed; addresses: AddressCache; data: WriterData }): WriteQueue {
    return new WriteQueue({ ...options, patience }, (queue) => queue.#threadBackend(options.data))
  }

  /** A writer on this thread. */
  static inline(options: {
    feed: ChangeFeed
    addresses: AddressCache
    writer: Writer
    /** What is to be written before each group of the calls: listeners of one may have brought more. */
    before?: (calls: readonly Call[]) => void
    /** Does some of that; false where others shall have a turn before the rest. */
    isReady?: (calls: readonly Call[]) => boolean
  }): WriteQueue {
    // It commits within the call: there is nothing to go with.
    return new WriteQueue({ ...options, patience: 0 }, (queue) => ({
      isReady: (calls) => options.isReady?.(calls) ?? true,
      send(calls) {
        while (calls.length > 0) {
          options.before?.(calls)
          queue.#settle(options.writer.run(calls))
        }
      },
      close: async () => {},
    }))
  }

  /** Whether what comes is refused. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Resolves with the operation's result after its commit. */
  write(name: Call['name'], request: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#pending.set(id, { name, resolve, reject })
      this.#unsent.push({ id, name, request })
      if (this.#flushing === 'soon') return
      if (this.#patience === 0 || !patient.has(name)) this.#flushSoon()
      else this.#flushing ??= setTimeout(() => this.#flush(), this.#patience)
    })
  }

  /** Waits for what is under way; refuses what comes after. */
  async drain(): Promise<void> {
    this.#closed = true
    if (this.#unsent.length > 0 && this.#flushing !== 'soon') this.#flushSoon()
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Drains, then ends the writer, and with it its connection. */
  async close(): Promise<void> {
    await this.drain()
    await this.#backend?.close()
    this.#backend = undefined
  }

  #flushSoon(): void {
    clearTimeout(this.#flushing === 'soon' ? undefined : this.#flushing)
    this.#flushing = 'soon'
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    let calls: Call[] | undefined
    try {
      this.#backend ??= this.#open()
      if (this.#backend.isReady?.(this.#unsent) === false) {
        // What comes meanwhile goes along.
        setImmediate(() => this.#flush())
        return
      }
      calls = this.#takeUnsent()
      this.#backend.send(calls)
    } catch (error) {
      const failed = calls ?? this.#takeUnsent()
      this.#fail(new StoreUnavailable('the write could not be handed over', { cause: error }), failed)
    }
  }

  #takeUnsent(): Call[] {
    const calls = this.#unsent
    this.#flushing = undefined
    this.#unsent = []
    return calls
  }

  #threadBackend(data: WriterData): Backend {
    const worker = new Worker(new URL('./writer-worker.ts', import.meta.url), { workerData: data })
    worker.on('message', (answers: Answer[]) => this.#settle(answers))
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      if (this.#backend === backend) this.#backend = undefined
      const error = new StoreUnavailable('the writer thread ended', { cause, outcomeUnknown: true })
      const unsent = new Set(this.#unsent.map(({ id }) => id))
      this.#fail(
        error,
        [...this.#pending.keys()].filter((id) => !unsent.has(id)).map((id) => ({ id })),
      )
    })
    const backend: Backend = {
      send: (calls) => worker.postMessage(calls),
      close: async () => {
        const ended = new Promise((resolve) => worker.once('exit', resolve))
        worker.postMessage(null)
        await ended
      },
    }
    return backend
  }

  #settle(answers: readonly Answer[]): void {
    // Before anyone can ask again.
    for (const answer of answers) {
      const name = this.#pending.get(answer.id)?.name
      if (name === 'suppress' || name === 'unsuppress') this.#addresses.forgetSuppressions()
      if (name !== undefined && name in queueWrites) continue
      const touchedNobody = name === 'deliver' && answer.ok && answer.changes.length === 0
      if (!touchedNobody) this.#addresses.forget(answer.ok ? answer.changes : [])
    }
    for (const answer of answers) {
      if (answer.ok && answer.changes.length > 0) this.#feed.publish(answer.changes)
    }
    for (const answer of answers) {
      const pending = this.#pending.get(answer.id)
      this.#pending.delete(answer.id)
      if (answer.ok) pending?.resolve(answer.result)
      else if (answer.unavailable) pending?.reject(new StoreUnavailable(answer.message))
      else pending?.reject(new Error(answer.message))
    }
    this.#rest()
  }

  #fail(error: Error, calls: readonly { id: number }[]): void {
    this.#addresses.clear()
    for (const { id } of calls) {
      this.#pending.get(id)?.reject(error)
      this.#pending.delete(id)
    }
    this.#rest()
  }

  #rest(): void {
    if (this.#pending.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

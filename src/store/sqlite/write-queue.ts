// The protocol thread's side of the writer: gathers writes into groups, pairs the answers with the promises, and publishes
// changes in the order of their commits, before the promises resolve. Tells the cache of addresses first what to forget.
//
// While the writer has a group, the writes that come form the next one, and are sent when its answer is there: each
// message between the threads costs two wake-ups and, as a rule, a commit, so that fewer and larger ones carry more. Only a
// group that is as large as a commit may be is sent on at once.
//
// A writer thread that dies takes the outcome of what it held with it (`outcomeUnknown`); the next write starts another.
import { Worker } from 'node:worker_threads'
import type { ChangeFeed } from '../changes.ts'
import type { StoreLimits } from '../limits.ts'
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

/** Where calls go. Answers come back by the callback given when it was made. */
interface Backend {
  send(calls: Call[]): void
  close(): Promise<void>
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class WriteQueue {
  readonly #feed: ChangeFeed
  readonly #addresses: AddressCache
  readonly #open: () => Backend
  #backend: Backend | undefined
  #pending = new Map<number, Pending>()
  #unsent: Call[] = []
  #nextId = 1
  #flushing = false
  readonly #groupSize: number
  #closed = false
  #idle: (() => void)[] = []

  private constructor(
    options: { feed: ChangeFeed; addresses: AddressCache; groupSize: number },
    open: (queue: WriteQueue) => Backend,
  ) {
    this.#feed = options.feed
    this.#addresses = options.addresses
    this.#groupSize = options.groupSize
    this.#open = () => open(this)
  }

  /** A writer in a thread of its own. */
  static threaded(options: { feed: ChangeFeed; addresses: AddressCache; data: WriterData }): WriteQueue {
    const { feed, addresses, data } = options
    return new WriteQueue({ feed, addresses, groupSize: data.limits.groupOperations }, (queue) =>
      queue.#threadBackend(data),
    )
  }

  /** A writer on this thread. */
  static inline(options: { feed: ChangeFeed; addresses: AddressCache; writer: Writer }): WriteQueue {
    const { feed, addresses, writer } = options
    return new WriteQueue({ feed, addresses, groupSize: Infinity }, (queue) => ({
      send(calls) {
        const answers: Answer[] = []
        while (calls.length > 0) answers.push(...writer.run(calls))
        queue.#settle(answers)
      },
      close: async () => {},
    }))
  }

  /** Resolves with the operation's result after its commit. */
  write(name: Call['name'], request: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      this.#pending.set(id, { resolve, reject })
      const waiting = this.#unsent.push({ id, name, request })
      if (waiting === this.#pending.size || waiting === this.#groupSize) this.#flushSoon()
    })
  }

  /** Waits for what is under way; refuses what comes after. */
  async drain(): Promise<void> {
    this.#closed = true
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Drains, then ends the writer, and with it its connection. */
  async close(): Promise<void> {
    await this.drain()
    await this.#backend?.close()
    this.#backend = undefined
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    const calls = this.#unsent
    if (calls.length === 0) return
    this.#unsent = []
    try {
      this.#backend ??= this.#open()
      this.#backend.send(calls)
    } catch (error) {
      this.#fail(new StoreUnavailable('the write could not be handed over', { cause: error }), calls)
    }
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
    for (const answer of answers) this.#addresses.forget(answer.ok ? answer.changes : [])
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

  /** Sends what has gathered when the writer has nothing left, and tells who waits for the end. */
  #rest(): void {
    if (this.#unsent.length > 0 && this.#unsent.length === this.#pending.size) this.#flush()
    if (this.#pending.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

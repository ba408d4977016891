// Indexing in a thread of its own, which starts with the first job and ends when there was none for a while.
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../base/clock.ts'
import type { IndexJob, IndexResult, WorkHost, Workshop } from './index-work.ts'

/** What the thread asks for: a function of `WorkHost` with its parameters. */
export type Question = {
  [K in keyof WorkHost]: { readonly ask: K; readonly parameters: Parameters<WorkHost[K]> }
}[keyof WorkHost]

export type ToWorker =
  | { readonly type: 'job'; readonly job: IndexJob }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly error: string }

export type FromWorker =
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
  | { readonly type: 'done'; readonly result: IndexResult }
  | { readonly type: 'failed'; readonly error: string }

interface Running {
  readonly worker: Worker
  readonly host: WorkHost
  readonly resolve: (result: IndexResult) => void
  readonly reject: (error: unknown) => void
  /** The first failure of the host: the thread hears only its text. */
  failure?: unknown
}

export class ThreadedWorkshop implements Workshop {
  readonly #clock: Clock
  readonly #idle: number
  #worker: Worker | null = null
  #running: Running | null = null
  #timer: Timer | null = null

  /** `idle`: milliseconds without work after which the thread ends. */
  constructor(options: { clock: Clock; idle: number }) {
    this.#clock = options.clock
    this.#idle = options.idle
  }

  async run(job: IndexJob, host: WorkHost): Promise<IndexResult> {
    this.#timer?.cancel()
    const worker = (this.#worker ??= this.#start())
    // Only work keeps the process alive.
    worker.ref()
    try {
      return await new Promise<IndexResult>((resolve, reject) => {
        this.#running = { worker, host, resolve, reject }
        worker.postMessage({ type: 'job', job } satisfies ToWorker)
      })
    } finally {
      this.#running = null
      worker.unref()
      this.#timer = this.#clock.after(this.#idle, () => void this.close())
    }
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes, maxYoungGenerationSizeMb: youngMegabytes },
    })
    let cause: unknown = new Error('the indexing thread has ended')
    worker.on('message', (message: FromWorker) => this.#hear(worker, message))
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null
      // One that was idle ends while the next one works.
      if (this.#running?.worker === worker) this.#running.reject(cause)
    })
    return worker
  }

  #hear(worker: Worker, message: FromWorker): void {
    const running = this.#running
    if (running?.worker !== worker) return
    if (message.type === 'done') running.resolve(message.result)
    else if (message.type === 'failed') running.reject(running.failure ?? new Error(message.error))
    else void this.#answer(worker, running, message)
  }

  async #answer(
    worker: Worker,
    running: Running,
    { id, question }: Extract<FromWorker, { type: 'question' }>,
  ): Promise<void> {
    try {
      const value = await reply(running.host, question)
      worker.postMessage({ type: 'answer', id, value } satisfies ToWorker)
    } catch (error) {
      running.failure ??= error
      worker.postMessage({ type: 'answer', id, error: String(error) } satisfies ToWorker)
    }
  }
}

/** A batch and its tokens take a fraction of it. */
const heapMegabytes = 192
/** What V8 would take by itself makes no job faster. */
const youngMegabytes = 16

function reply(host: WorkHost, question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'nextEmails':
      return host.nextEmails()
    case 'readBlob':
      return host.readBlob(...question.parameters)
    case 'readRow':
      return host.readRow(...question.parameters)
    case 'writeRows':
      return host.writeRows(...question.parameters)
  }
}

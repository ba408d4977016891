// The thread in which indexing runs: cutting text and merging lists would hold up every session on the thread that serves them.
// Jobs come one at a time; what they need is asked of the other side by numbered questions.
//
// It goes behind all else that wants the processor: a command right after a burst of mail must not wait for the index of that mail.
import { getPriority, setPriority } from 'node:os'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { doIndexJob, type EmailToRead, type IndexJob, type WorkHost } from './index-work.ts'
import type { FromWorker, Question, ToWorker } from './threaded-workshop.ts'

/** Steps below the others: a tenth of a processor is left to it where they want all of it. */
const niceness = 10
const lowestPriority = 19

const port = parentPort
if (!port) throw new Error('this file runs as a worker thread')
// Linux gives each thread a priority of its own (sched(7)); elsewhere this would be that of the whole process.
if (process.platform === 'linux') setPriority(0, Math.min(lowestPriority, getPriority(0) + niceness))

/** Asks the other side, one numbered question after the other. */
class Asking implements WorkHost {
  readonly #port: MessagePort
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 1

  constructor(to: MessagePort) {
    this.#port = to
  }

  nextEmails(): Promise<readonly EmailToRead[]> {
    return this.#ask({ ask: 'nextEmails', parameters: [] })
  }

  readBlob(...parameters: Parameters<WorkHost['readBlob']>): Promise<Uint8Array | null> {
    return this.#ask({ ask: 'readBlob', parameters })
  }

  readRow(...parameters: Parameters<WorkHost['readRow']>): Promise<Uint8Array> {
    return this.#ask({ ask: 'readRow', parameters })
  }

  writeRows(...parameters: Parameters<WorkHost['writeRows']>): Promise<void> {
    return this.#ask({ ask: 'writeRows', parameters })
  }

  hear(answer: Extract<ToWorker, { type: 'answer' }>): void {
    const asked = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('error' in answer) asked?.reject(new Error(answer.error))
    else asked?.resolve(answer.value)
  }

  #ask<T>(question: Question): Promise<T> {
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    // The other side answers each question with what its name promises (`WorkHost`).
    this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject })
    this.#port.postMessage({ type: 'question', id, question } satisfies FromWorker)
    return promise
  }
}

const host = new Asking(port)

async function work(job: IndexJob): Promise<FromWorker> {
  try {
    // Nobody else has a turn in this thread.
    return { type: 'done', result: await doIndexJob(job, host, async () => {}) }
  } catch (error) {
    return { type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

port.on('message', (message: ToWorker) => {
  if (message.type === 'answer') host.hear(message)
  else void work(message.job).then((told) => port.postMessage(told))
})

// The thread in which indexing runs: cutting text and merging lists would hold up every session on the thread that serves them.
// Jobs come one at a time; what they need is asked of the other side by numbered questions.
import { parentPort } from 'node:worker_threads'
import { doIndexJob, type WorkHost } from './index-work.ts'
import type { FromWorker, Question, ToWorker } from './threaded-workshop.ts'

const port = parentPort
if (!port) throw new Error('this file runs as a worker thread')

const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
let next = 1

function ask<T>(question: Question): Promise<T> {
  const id = next++
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  // The other side answers each question with what its name promises (`WorkHost`).
  waiting.set(id, { resolve: (value) => resolve(value as T), reject })
  port?.postMessage({ type: 'question', id, question } satisfies FromWorker)
  return promise
}

const host: WorkHost = {
  nextEmails: () => ask({ ask: 'nextEmails', parameters: [] }),
  readBlob: (...parameters) => ask({ ask: 'readBlob', parameters }),
  readRow: (...parameters) => ask({ ask: 'readRow', parameters }),
  writeRows: (...parameters) => ask({ ask: 'writeRows', parameters }),
}

port.on('message', (message: ToWorker) => {
  if (message.type === 'answer') {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if ('error' in message) asked?.reject(new Error(message.error))
    else asked?.resolve(message.value)
    return
  }
  // Nobody else has a turn in this thread.
  doIndexJob(message.job, host, async () => {}).then(
    (result) => port.postMessage({ type: 'done', result } satisfies FromWorker),
    (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      port.postMessage({ type: 'failed', error: text } satisfies FromWorker)
    },
  )
})

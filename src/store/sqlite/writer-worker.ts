// The writer thread: takes what the protocol thread sends, lets everything that waits join the next commit, and answers
// each group in one message. Ends when it is sent null.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Connection } from './connection.ts'
import type { WriterData } from './write-queue.ts'
import { type Call, Writer } from './writer.ts'

const port = parentPort
if (!port) throw new Error('this file runs as a worker thread')
// `WriteQueue` starts this file, with this.
const { path, limits } = workerData as WriterData
const connection = new Connection({ path })
const writer = new Writer({ connection, limits, monotonic: () => performance.now() })

port.on('message', (first: Call[] | null) => {
  const waiting: Call[] = []
  let ended = first === null
  if (first) waiting.push(...first)
  for (;;) {
    for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) {
      // The other end sends nothing else.
      const calls = more.message as Call[] | null
      if (calls) waiting.push(...calls)
      else ended = true
    }
    if (waiting.length === 0) break
    port.postMessage(writer.run(waiting))
  }
  if (!ended) return
  connection.close()
  port.close()
})

// The writer thread: takes what the protocol thread sends, lets everything that waits join the next commit, and answers
// each group in one message. Ends when it is sent null.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Checkpoint, CheckpointModule } from '../../base/checkpoint.ts'
import { Connection } from './connection.ts'
import type { WriterData } from './write-queue.ts'
import { type Call, Writer } from './writer.ts'

const port = parentPort
if (!port) throw new Error('this file runs as a worker thread')
// `WriteQueue` starts this file, with this.
const { path, limits, checkpoints } = workerData as WriterData
// `CheckpointModule` says what it exports.
const module = checkpoints === undefined ? null : ((await import(checkpoints)) as CheckpointModule)
const checkpoint = module?.checkpoint
const connection = new Connection({ path, ...(checkpoint && { beforeStatement: telling(checkpoint) }) })
const writer = new Writer({ connection, limits, monotonic: () => performance.now() })

port.on('message', (first: Call[] | null) => {
  const waiting: Call[] = []
  let ended = first === null
  checkpoint?.('writer.received')
  if (first) waiting.push(...first)
  for (;;) {
    for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) {
      // The other end sends nothing else.
      const calls = more.message as Call[] | null
      if (calls) waiting.push(...calls)
      else ended = true
    }
    if (waiting.length === 0) break
    const answers = writer.run(waiting)
    checkpoint?.('writer.after-commit')
    port.postMessage(answers)
    checkpoint?.('writer.answered')
  }
  if (!ended) return
  connection.close()
  port.close()
})

function telling(reach: Checkpoint): (text: string) => void {
  return (text) => {
    if (text.startsWith('BEGIN')) reach('writer.before-begin')
    else reach(text === 'COMMIT' ? 'writer.before-commit' : 'writer.statement')
  }
}

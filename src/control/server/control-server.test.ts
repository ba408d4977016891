// What the command line reads from the socket, above all in words that a person can use.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { StoreUnavailable } from '../../store/store.ts'
import { controlSocketPath, startControlServer } from './control-server.ts'
import { type AdminOperations, DeferredOperation, RefusedOperation } from './operation.ts'

async function ask(context: TestContext, run: AdminOperations['run']): Promise<unknown> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'posthorn-control-'))
  const server = await startControlServer({ dataFolder, operations: { run } })
  context.after(async () => {
    await server[Symbol.asyncDispose]()
    await rm(dataFolder, { recursive: true })
  })
  const socket = connect(controlSocketPath(dataFolder))
  socket.setEncoding('utf8')
  socket.write('{"operation":"mail.submit","arguments":{}}\n')
  let text = ''
  for await (const piece of socket) text += String(piece)
  return JSON.parse(text)
}

const failures: readonly [Error, object][] = [
  [new RefusedOperation('No such queue.'), { type: 'refused', message: 'No such queue.' }],
  [
    new DeferredOperation('The queue is full; try again later.'),
    { type: 'failed', message: 'The queue is full; try again later.' },
  ],
  [
    new StoreUnavailable('The disk is full'),
    { type: 'failed', message: new StoreUnavailable('The disk is full').message },
  ],
  [new TypeError('x is not a function'), { type: 'failed', message: 'TypeError: x is not a function' }],
]

for (const [error, expected] of failures) {
  test(`a failure is told in a sentence, without the names of our classes: ${error.name}`, async (context) => {
    assert.deepEqual(await ask(context, () => Promise.reject(error)), expected)
  })
}

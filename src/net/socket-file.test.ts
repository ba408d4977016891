import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { RealClock } from './real-clock.ts'
import { openSocketFile } from './socket-file.ts'
import { SocketNetwork } from './socket-network.ts'

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'posthorn-socket-'))
  context.after(() => rm(path, { recursive: true, force: true }))
  return path
}

function server(context: TestContext): Server {
  const made = createServer((socket) => socket.on('error', () => {}).end('hello'))
  context.after(() => made.close())
  return made
}

test('a network listens on a path, with its permissions, and takes the file away', async (context) => {
  const path = join(await folder(context), 'smtp.sock')
  const network = new SocketNetwork(new RealClock())
  const listening = await network.listen(
    { address: `unix:${path}`, port: 0, mode: 0o600, identity: null },
    (connection) => {
      connection.resume()
      connection.write(`you are ${connection.peer.remoteAddress}`)
      connection.end()
    },
  )
  assert.deepEqual([listening.address, listening.port], [`unix:${path}`, 0])
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const dialled = await network.dial({ address: `unix:${path}`, port: 0, timeoutMilliseconds: 15_000 })
  const text = await new Promise<string>((resolve) => {
    let heard = ''
    dialled.onData = (bytes) => (heard += Buffer.from(bytes).toString())
    dialled.onEnd = () => resolve(heard)
    dialled.resume()
  })
  assert.equal(text, 'you are 127.0.0.1')
  dialled.destroy()
  await listening.close()
  await assert.rejects(stat(path), { code: 'ENOENT' })
})

test('what nobody answers is replaced; what somebody answers is not', async (context) => {
  const path = join(await folder(context), 'a.sock')
  await leaveBehind(path)
  assert.ok((await stat(path)).isSocket())
  await openSocketFile(server(context), { path, mode: 0o660, backlog: 1 })
  assert.equal((await stat(path)).mode & 0o777, 0o660)
  await assert.rejects(openSocketFile(server(context), { path, mode: 0o660, backlog: 1 }), {
    code: 'EADDRINUSE',
  })
})

test('a file that is no socket stays', async (context) => {
  const path = join(await folder(context), 'letter.txt')
  await writeFile(path, 'dear Ann')
  await assert.rejects(openSocketFile(server(context), { path, mode: 0o660, backlog: 1 }), {
    code: 'EADDRINUSE',
  })
  assert.equal((await stat(path)).size, 8)
})

/** A socket of a thread that ended without a word. */
async function leaveBehind(path: string): Promise<void> {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { linkSync } = require('node:fs')
     const { parentPort } = require('node:worker_threads')
     const path = ${JSON.stringify(path)}
     const server = createServer().listen(path + '.own', () => {
       linkSync(path + '.own', path)
       server.close(() => parentPort.postMessage('left'))
     })`,
    { eval: true },
  )
  await new Promise((resolve) => worker.once('message', resolve))
  await worker.terminate()
}

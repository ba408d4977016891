// Listens on the data folder's local socket for the command line, so that `posthorn account add` works while `serve` runs.
//
// Whoever may open the socket may administer: the socket is made with mode 0600 in a folder of mode 0700, and its owner is the
// server's user. One request a connection, worked off one after the other, with what feeds it behind it; a client that goes away cancels nothing but what only
// watches, and ends what it feeds.
import { createHash } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorText } from '../../events/error-text.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { ControlLines, type ControlMessage, tryControlInput, tryControlRequest } from '../proto/messages.ts'
import { InputFeed } from './input-feed.ts'
import { type AdminOperations, type Asker, DeferredOperation, RefusedOperation } from './operation.ts'

/** The longest path that every system takes as a local socket's name. */
const maxSocketPath = 100

/** Where the socket of a data folder is: in it, or, where that name is too long, in the system's temporary folder. */
export function controlSocketPath(dataFolder: string): string {
  const inside = join(dataFolder, 'control.sock')
  if (Buffer.byteLength(inside) <= maxSocketPath) return inside
  const name = createHash('sha256').update(dataFolder).digest('hex').slice(0, 24)
  return join(tmpdir(), `posthorn-${name}.sock`)
}

/** Serves the operations until disposed. The caller holds the data folder's lock, so a socket found there is a dead one's. */
export async function startControlServer(options: {
  dataFolder: string
  operations: AdminOperations
}): Promise<AsyncDisposable> {
  const path = controlSocketPath(options.dataFolder)
  await rm(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveClient(socket, options.operations)
  })
  await listenOn(server, path)
  await chmod(path, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(path, { force: true })
    },
  }
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function serveClient(socket: Socket, operations: AdminOperations): void {
  const lines = new ControlLines()
  const gone = new AbortController()
  const input = new InputFeed((state) => (state === 'hold' ? socket.pause() : socket.resume()))
  let asked = false
  const say = (message: ControlMessage): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`)
  }
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  const leave = (): void => {
    gone.abort()
    input.end()
  }
  socket.on('close', leave)
  // A client that hung up its side waits for nothing that is still to come.
  socket.on('end', leave)
  socket.on('data', (text: string) => {
    const complete = lines.push(text)
    if (complete === null) {
      socket.destroy()
      return
    }
    const [line, ...more] = asked ? ['', ...complete] : complete
    if (line === undefined) return
    for (const each of more) input.push(tryControlInput(each))
    if (asked) return
    asked = true
    const request = tryControlRequest(line)
    if (request === undefined) {
      say({ type: 'failed', message: 'not a control request' })
      socket.end()
      return
    }
    const asker: Asker = {
      operator: { name: request.user ?? 'unknown', via: 'command-line', remoteAddress: null },
      onProgress: (done, total) => say({ type: 'progress', done, total }),
      onEvent: (event) => say({ type: 'event', event }),
      input,
      gone: gone.signal,
    }
    operations
      .run(request.operation, request.arguments, asker)
      .then(
        (result) => say({ type: 'result', result }),
        (error: unknown) => say(failureOf(error)),
      )
      .finally(() => socket.end())
  })
}

/** What was foreseen is a sentence already; of a defect its kind is told too. */
function failureOf(error: unknown): ControlMessage {
  if (error instanceof RefusedOperation) return { type: 'refused', message: error.message }
  const foreseen = error instanceof DeferredOperation || error instanceof StoreUnavailable
  return { type: 'failed', message: foreseen ? error.message : errorText(error) }
}

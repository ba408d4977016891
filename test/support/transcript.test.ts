import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Connection } from '../../src/base/connection.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { connectInMemory } from '../../src/net/memory-network.ts'
import { makeSelfSigned } from '../../src/net/self-signed.ts'
import { parseTranscript } from './transcript-parser.ts'
import {
  playTranscript,
  TranscriptUnsupported,
  type TranscriptConnection,
  type TranscriptHost,
} from './transcript.ts'
import { connectEndpoint, wrapConnection } from './transcript-transport.ts'

/** A server in a few words: what it says when a line comes; null closes. */
type Script = (line: string) => string | null

class ScriptedConnection implements TranscriptConnection {
  readonly #script: Script
  readonly #said: (Uint8Array | null)[]
  #waiting: ((chunk: Uint8Array | null) => void) | null = null
  #rest = ''

  constructor(greeting: string, script: Script) {
    this.#script = script
    this.#said = [Buffer.from(greeting)]
  }

  write(bytes: Uint8Array): void {
    const lines = (this.#rest + Buffer.from(bytes).toString()).split('\r\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const reply = this.#script(line)
      this.#said.push(reply === null ? null : Buffer.from(reply))
    }
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting !== null) void this.read().then(waiting)
  }

  read(): Promise<Uint8Array | null> {
    const next = this.#said.shift()
    if (next !== undefined) return Promise.resolve(next)
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  startTls(): Promise<void> {
    return Promise.reject(new TranscriptUnsupported('no TLS'))
  }

  end(): void {}
  destroy(): void {}
}

function hostOf(script: Script): TranscriptHost & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    connect: () => Promise.resolve(new ScriptedConnection('220 hello\r\n', script)),
    fixture: (clause) => Promise.resolve(void asked.push(`use ${clause}`)),
    expect: (clause) =>
      clause === 'wrong'
        ? Promise.reject(new Error('it is not so'))
        : Promise.resolve(void asked.push(clause)),
  }
}

function play(text: string, script: Script): Promise<void> {
  return playTranscript(parseTranscript(text, 'x.txt'), hostOf(script), { patience: 2_000 })
}

const ok: Script = (line) => `250 ${line}\r\n`

test('a dialogue that goes as written passes, fixtures and expectations in order', async () => {
  const host = hostOf(ok)
  const text = 'use: user ann\nS: 220 *\nC: one / two\nS: 250 one / 250 t*o\nexpect: a; b'
  await playTranscript(parseTranscript(text, 'x.txt'), host)
  assert.deepEqual(host.asked, ['use user ann', 'a', 'b'])
})

test('a failure tells line, expectation, answer and the dialogue', async () => {
  const playing = play('# why\nS: 220 *\nC: one\nS: 550 *', ok)
  await assert.rejects(playing, (error: Error) => {
    assert.match(error.message, /^x\.txt:4: expected 550 \*\n +got 250 one\n/)
    assert.match(error.message, /The dialogue so far:\n.*1 S: 220 hello\n.*1 C: one\n.*1 S: 250 one$/s)
    return true
  })
})

test('a value that was bound once must come again, and can be sent', async () => {
  const script: Script = (line) => (line === 'id' ? '250 queued as q42 q42\r\n' : `250 ${line}\r\n`)
  await play('S: 220 *\nC: id\nS: 250 queued as $id $id\nC: get $id\nS: 250 get $id', script)
  await assert.rejects(
    play('S: 220 *\nC: id\nS: 250 * $id\nC: other\nS: 250 $id', script),
    /expected 250 \$id/,
  )
  await assert.rejects(play('C: $id', script), /\$id has no value yet/)
})

test('... finds the line it waits for, and what must not be there', async () => {
  const script: Script = () => '250-a\r\n250-STARTTLS\r\n250 z\r\n'
  await play('S: 220 *\nC: x\nS: 250-a ... 250 *', script)
  await play('S: 220 *\nC: x\nS: ... 250-STARTTLS / 250 z', script)
  await assert.rejects(play('S: 220 *\nC: x\nS: 250-a ...-STARTTLS 250 *', script), /no line with STARTTLS/)
})

test('S~ takes its lines in any order, each once', async () => {
  const script: Script = () => '* b\r\n* a\r\nt OK\r\n'
  await play('S: 220 *\nC: x\nS~: * a / * b\nS: t OK', script)
  await assert.rejects(
    play('S: 220 *\nC: x\nS~: * a / * a', script),
    /expected one of: \* a \/ \* a\n +got \* b/,
  )
})

test('closing is expected, or a failure', async () => {
  await play('S: 220 *\nC: QUIT\nS: <closed>', () => null)
  await assert.rejects(
    play('S: 220 *\nC: QUIT\nS: 221 *', () => null),
    /got <closed>/,
  )
  await assert.rejects(play('S: 220 *\nC: x\nS: <closed>', ok), /expected <closed>\n +got 250 x/)
})

test('a line that ends in a bare line feed is no line', async () => {
  await assert.rejects(
    play('S: 220 *\nC: x\nS: 250 *\n', () => '250 a\n250 b\r\n'),
    /expected 250 \*/,
  )
})

test('raw octets are compared as they are', async () => {
  await play('S: 220 *\nC| "x\\r\\n"\nS| "250 x\\r\\n"', ok)
  await assert.rejects(
    play('S: 220 *\nC: y\nS| "250 x\\r\\n"', ok),
    /expected "250 x\\r\\n"\n +got "250 y\\r\\n"/,
  )
})

test('what the server says beyond the end is a failure', async () => {
  await assert.rejects(
    play('S: 220 *\nC: x\nS: 250 x', () => '250 x\r\n250 x\r\n'),
    /expected nothing more on connection 1/,
  )
})

test('silence, a wrong expectation and a missing clock are told apart', async () => {
  const silent = playTranscript(parseTranscript('S: 220 *\nS: 250 *', 'x.txt'), hostOf(ok), { patience: 5 })
  await assert.rejects(silent, /x\.txt:2: silence for 0\.005 s/)
  await assert.rejects(play('expect: wrong', ok), /x\.txt:1: it is not so/)
  await assert.rejects(play('after: 5m', ok), TranscriptUnsupported)
})

test('connections are separate, and may name a port', async () => {
  await play(
    'a connect smtp\nb connect imap\na S: 220 *\nb S: 220 *\nb C: 2\na C: 1\na S: 250 1\nb S: 250 2',
    ok,
  )
  await assert.rejects(play('a connect\na connect', ok), /connection a is already open/)
})

/** A server over TCP that greets, secures itself when asked, and tells of every line whether it came in private. */
async function startSecureServer(): Promise<Server> {
  const { certificate, key } = await makeSelfSigned({
    names: ['localhost'],
    now: Date.UTC(2026, 10, 21),
    random: new SeededRandom(1),
  })
  const secureContext = createSecureContext({ cert: certificate, key })
  const serve = (socket: Socket, secure: boolean): void => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const line = chunk.toString().trimEnd()
      if (line === 'QUIT') return void socket.end()
      socket.write(`250 ${secure} ${line}\r\n`)
      if (line !== 'STARTTLS') return undefined
      socket.removeAllListeners('data')
      serve(new TLSSocket(socket, { isServer: true, secureContext }), true)
    })
  }
  const server = createServer((socket) => {
    socket.write('220 hello\r\n')
    serve(socket, false)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const secureDialogue =
  'S: 220 *\nC: STARTTLS\nS: 250 false *\nstarttls\nC: NOOP\nS: 250 true NOOP\nC: QUIT\nS: <closed>'

test('over TCP, and TLS after STARTTLS', async () => {
  const server = await startSecureServer()
  try {
    const { port } = server.address() as AddressInfo
    const host = { ...hostOf(ok), connect: () => connectEndpoint({ host: '127.0.0.1', port }) }
    await playTranscript(parseTranscript(secureDialogue, 'x.txt'), host)
  } finally {
    server.close()
  }
})

/** The same server at the other end of a connection in memory. */
function serveInMemory(connection: Connection): void {
  connection.onData = (bytes) => {
    const line = Buffer.from(bytes).toString().trimEnd()
    if (line === 'QUIT') return connection.end()
    connection.write(`250 ${connection.tls !== null} ${line}\r\n`)
    if (line === 'STARTTLS') void connection.startTls()
  }
  connection.resume()
  connection.write('220 hello\r\n')
}

test('over a network in memory', async () => {
  const ends = { local: { address: '192.0.2.1', port: 40_000 }, remote: { address: '192.0.2.2', port: 25 } }
  const [client, server] = connectInMemory({ clock: new VirtualClock(), random: new SeededRandom(1) }, ends)
  const host = { ...hostOf(ok), connect: () => Promise.resolve(wrapConnection(client)) }
  serveInMemory(server)
  await playTranscript(parseTranscript(secureDialogue, 'x.txt'), host)
})

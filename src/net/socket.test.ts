// Sessions over real sockets on loopback: what memory can only pretend.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Handler, Sink, TlsState } from '../base/core.ts'
import { parseIpNetworks } from '../base/ip-network.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { EchoCore } from '../../test/support/echo-core.ts'
import { cutEvery } from '../../test/support/feed.ts'
import { LineClient } from '../../test/support/line-client.ts'
import { ConnectionCount } from './connection-limits.ts'
import { listen } from './listener.ts'
import { RealClock, settleEventLoop } from './real-clock.ts'
import { SocketNetwork } from './socket-network.ts'
import { createFileIdentity, createSelfSignedIdentity } from './tls-identity.ts'
import type { TlsIdentity } from './tls.ts'

const clock = new RealClock()
const identity = createSelfSignedIdentity({
  hostname: 'mail.example.org',
  folder: null,
  clock,
  random: new SeededRandom(1),
})

interface Setup {
  readonly answer?: (question: string, sink: Sink) => string | Promise<string>
  readonly tls?: 'implicit' | 'on-request'
  readonly address?: string
  readonly with?: TlsIdentity
  readonly proxied?: true
}

async function serve({
  answer = (question) => `echo ${question}`,
  tls = 'on-request',
  address = '127.0.0.1',
  with: shown = identity,
  proxied,
}: Setup) {
  const heard: string[] = []
  const states: TlsState[] = []
  const endings = new Map<number, (ending: string) => void>()
  const ended = (port: number) => new Promise<string>((resolve) => endings.set(port, resolve))
  const network = new SocketNetwork(clock)
  const listener = await listen<string, string>({
    network,
    points: [{ address, port: 0 }],
    tls,
    identity: shown,
    service: {
      makeCore: () => {
        const core = new EchoCore()
        const { open, secured } = core
        core.open = (state) => {
          if (state !== null) states.push(state)
          return open.call(core, state)
        }
        core.secured = (state) => {
          states.push(state)
          return secured.call(core, state)
        }
        return core
      },
      makeHandler: (sink): Handler<string, string> => ({
        answer: (question) => answer(question, sink),
        failed: () => 'failed',
        closed: () => undefined,
      }),
    },
    clock,
    events: {
      opened: (peer) => void heard.push(`opened ${peer.remoteAddress}`),
      refused: () => undefined,
      handlerFailed: (_peer, question) => void heard.push(`handler failed on ${question}`),
      handshakeFailed: () => void heard.push('handshake failed'),
      broke: (_peer, error) => void heard.push(`broke: ${error}`),
      finished: (session) => {
        heard.push(`finished: ${session.ending}`)
        endings.get(session.peer.remotePort)?.(session.ending ?? '')
      },
    },
    proxies: proxied
      ? { from: parseIpNetworks(['127.0.0.1']), timeoutMilliseconds: 5_000, longestHeader: 200 }
      : null,
    connections: new ConnectionCount({ total: 100, perAddress: 100, perPrefix: 100 }),
    farewell: () => '',
  })
  const port = listener.points[0]?.port ?? 0
  const dial = async () =>
    new LineClient(await network.dial({ address: '127.0.0.1', port, timeoutMilliseconds: 5_000 }))
  return {
    listener,
    network,
    port,
    dial,
    heard,
    states,
    ended,
    [Symbol.asyncDispose]: () => listener.stop(100),
  }
}

/** Everything until the end, or until the connection breaks. */
function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (bytes: Uint8Array) => {
      text += Buffer.from(bytes).toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
  })
}

async function waitFor(socket: Socket, text: string): Promise<void> {
  let seen = ''
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
    seen += String(bytes)
    if (seen.includes(text)) return
  }
  throw new Error(`the server ended after ${JSON.stringify(seen)}`)
}

function secure(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ rejectUnauthorized: false, servername: 'mail.example.org', ...options }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
  })
}

test('a dialogue over TCP, in one segment and byte by byte', async () => {
  await using server = await serve({})
  for (const chunks of [['one\r\ntwo\r\nquit\r\n'], cutEvery(Buffer.from('one\r\ntwo\r\nquit\r\n'), 1)]) {
    const client = await server.dial()
    for (const chunk of chunks) {
      client.send(chunk)
      await settleEventLoop()
    }
    assert.equal(await client.rest(), 'hello\r\necho one\r\necho two\r\nbye\r\n')
    client.connection.end()
  }
})

test('a client that half-closes first gets its replies', async () => {
  await using server = await serve({ answer: (question) => settleEventLoop().then(() => question) })
  const client = await server.dial()
  client.send('one\r\ntwo\r\n')
  client.connection.end()
  assert.equal(await client.rest(), 'hello\r\none\r\ntwo\r\nyou left\r\n')
})

test('an IPv4 peer of an IPv6 socket is known by its IPv4 address', async (context) => {
  try {
    await using server = await serve({ address: '::' })
    const client = await server.dial()
    await client.line()
    assert.deepEqual(server.heard, ['opened 127.0.0.1'])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT') context.skip('no IPv6 here')
    else throw error
  }
})

test('a reset in mid-answer ends that session alone', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  await using server = await serve({ answer: (question) => (question === 'wait' ? promise : 'ok') })
  const other = await server.dial()
  const victim = connectTcp(server.port, '127.0.0.1')
  await waitFor(victim, 'hello')
  const ended = server.ended(victim.localPort ?? 0)
  victim.write('wait\r\n')
  await settleEventLoop()
  victim.resetAndDestroy()
  await settleEventLoop()
  resolve('late')
  assert.match(await ended, /^(reset|peer-ended)$/)
  other.send('x\r\n')
  assert.deepEqual(await other.lines(2), ['hello', 'ok'])
  assert.ok(!server.heard.some((event) => event.startsWith('broke')))
})

test('a large body reaches a slow reader whole, without piling up', async () => {
  const block = Buffer.alloc(65_536, 'x')
  let waits = 0
  await using server = await serve({
    answer: async (_question, sink) => {
      for (let round = 0; round < 200; round++) {
        const room = sink.write(block)
        if (room !== undefined) waits++
        await room
      }
      return 'done'
    },
  })
  const client = await server.dial()
  client.connection.pause()
  client.send('big\r\nquit\r\n')
  await settleEventLoop()
  client.connection.resume()
  const output = await client.rest()
  assert.equal(output.length, 'hello\r\n'.length + 200 * 65_536 + 'done\r\nbye\r\n'.length)
  assert.ok(waits > 0)
})

test('implicit TLS: name, version and both channel bindings agree with the client', async () => {
  await using server = await serve({ tls: 'implicit' })
  const client = await secure({ port: server.port, host: '127.0.0.1' })
  const output = readAll(client)
  const exporter = client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const certificate = client.getPeerX509Certificate()
  client.write('one\r\nquit\r\n')
  client.end()
  assert.equal(await output, 'hello secure\r\necho one\r\nbye\r\n')
  const [state] = server.states
  assert.equal(state?.version, 'TLSv1.3')
  assert.equal(state.serverName, 'mail.example.org')
  assert.deepEqual(Buffer.from(state.exporter ?? []), exporter)
  const { hashServerEndPoint } = await import('./tls.ts')
  assert.deepEqual(state.serverEndPoint, hashServerEndPoint(certificate))
})

test('TLS 1.2 is spoken, without an exporter; TLS 1.1 is not', async () => {
  await using server = await serve({ tls: 'implicit' })
  const client = await secure({ port: server.port, host: '127.0.0.1', maxVersion: 'TLSv1.2' })
  const output = readAll(client)
  client.write('quit\r\n')
  await output
  assert.equal(server.states[0]?.version, 'TLSv1.2')
  assert.equal(server.states[0]?.exporter, null)
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  await assert.rejects(secure({ port: server.port, host: '127.0.0.1', ...old }))
})

test('STARTTLS upgrades, and the dialogue goes on inside', async () => {
  await using server = await serve({})
  const plain = connectTcp(server.port, '127.0.0.1')
  plain.write('tls\r\n')
  await waitFor(plain, 'go\r\n')
  const client = await secure({ socket: plain })
  const output = readAll(client)
  // Sent at once, with the end of the handshake.
  client.write('one\r\nquit\r\n')
  assert.equal(await output, 'secured\r\necho one\r\nbye\r\n')
})

test('a PROXY header comes before the greeting and before TLS, in one segment with what follows or not', async () => {
  for (const tls of ['on-request', 'implicit'] as const) {
    await using server = await serve({ proxied: true, tls })
    for (const together of [true, false]) {
      const plain = connectTcp(server.port, '127.0.0.1')
      await new Promise<void>((resolve) => plain.once('connect', () => resolve()))
      if (together) plain.cork()
      plain.write('PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n')
      if (!together) for (let turn = 0; turn < 5; turn++) await settleEventLoop()
      const client = tls === 'implicit' ? secure({ socket: plain }) : Promise.resolve(plain)
      if (tls !== 'implicit') plain.write('one\r\nquit\r\n')
      await settleEventLoop()
      plain.uncork()
      const output = readAll(await client)
      if (tls === 'implicit') (await client).write('one\r\nquit\r\n')
      const greeting = tls === 'implicit' ? 'hello secure' : 'hello'
      assert.equal(await output, `${greeting}\r\necho one\r\nbye\r\n`)
    }
    assert.deepEqual(
      server.heard.filter((event) => event.startsWith('opened')),
      ['opened 198.51.100.7', 'opened 198.51.100.7'],
    )
  }
})

test('commands sent in the clear behind STARTTLS are never run', async () => {
  const asked: string[] = []
  const answer = (question: string) => {
    asked.push(question)
    return 'ok'
  }
  await using server = await serve({ answer })
  for (const late of [false, true]) {
    const plain = connectTcp(server.port, '127.0.0.1')
    const output = readAll(plain)
    plain.write(late ? 'tls\r\n' : 'tls\r\nevil\r\n')
    if (late) {
      for (let turn = 0; turn < 20; turn++) await settleEventLoop()
      plain.write('evil\r\n')
    }
    plain.end()
    assert.doesNotMatch(await output, /secured|ok/)
  }
  assert.deepEqual(asked, [])
})

test('garbage instead of a handshake, or a reset within it, ends that session alone', async () => {
  await using server = await serve({ tls: 'implicit' })
  const garbage = connectTcp(server.port, '127.0.0.1')
  const closed = readAll(garbage)
  garbage.write('EHLO x\r\n')
  await closed
  const half = connectTcp(server.port, '127.0.0.1')
  await new Promise<void>((resolve) => half.write(Uint8Array.of(0x16, 3, 1, 2, 0), () => resolve()))
  await settleEventLoop()
  const reset = readAll(half)
  half.resetAndDestroy()
  await reset
  const client = await secure({ port: server.port, host: '127.0.0.1' })
  const output = readAll(client)
  client.write('quit\r\n')
  assert.equal(await output, 'hello secure\r\nbye\r\n')
  assert.deepEqual(server.heard.filter((event) => !event.startsWith('opened')).slice(0, 4), [
    'handshake failed',
    'finished: handshake-failed',
    'handshake failed',
    'finished: handshake-failed',
  ])
})

test('a broken record after the handshake ends that session at once', async () => {
  await using server = await serve({})
  const plain = connectTcp(server.port, '127.0.0.1')
  plain.write('tls\r\n')
  await waitFor(plain, 'go\r\n')
  const ended = server.ended(plain.localPort ?? 0)
  const client = await secure({ socket: plain })
  const output = readAll(client)
  client.write('one\r\n')
  await settleEventLoop()
  // Under the TLS engine's feet, as an attacker on the path would.
  plain.write('\x17\x03\x03\x00\x20' + 'x'.repeat(32), 'latin1')
  assert.equal(await ended, 'reset')
  client.destroy()
  await output
  assert.ok(!server.heard.some((event) => event.startsWith('broke')))
})

test('TLS without a certificate to show is refused, and reported', async () => {
  const missing = { certFile: 'no-such-file.crt', keyFile: 'no-such-file.key' }
  const none = createFileIdentity({ certificates: [missing], clock, onReloadFailed: () => undefined })
  for (const tls of ['implicit', 'on-request'] as const) {
    await using server = await serve({ tls, with: none })
    const plain = connectTcp(server.port, '127.0.0.1')
    const output = readAll(plain)
    plain.write('tls\r\n')
    assert.doesNotMatch(await output, /secured/)
    assert.ok(server.heard.includes('handshake failed'))
  }
})

test('TLS 1.2 clients cannot renegotiate', async () => {
  await using server = await serve({ tls: 'implicit' })
  const client = await secure({ port: server.port, host: '127.0.0.1', maxVersion: 'TLSv1.2' })
  client.resume()
  const refused = await new Promise<Error | null>((resolve) => {
    client.once('error', resolve)
    client.renegotiate({ rejectUnauthorized: false }, resolve)
  })
  client.on('error', () => undefined).destroy()
  assert.match(String(refused), /no.renegotiation/i)
})

test('dialing tells why it failed', async () => {
  const network = new SocketNetwork(clock)
  const listening = await network.listen({ address: '127.0.0.1', port: 0, identity: null }, () => undefined)
  await listening.close()
  const target = { address: '127.0.0.1', port: listening.port, timeoutMilliseconds: 5_000 }
  await assert.rejects(network.dial(target), { code: 'ECONNREFUSED' })
  await assert.rejects(network.dial({ ...target, address: 'localhost' }), TypeError)
  await assert.rejects(
    network.dial({ ...target, signal: AbortSignal.abort(new Error('no more')) }),
    /no more/,
  )
})

test('a port in use is refused', async () => {
  const network = new SocketNetwork(clock)
  const listening = await network.listen({ address: '127.0.0.1', port: 0, identity: null }, () => undefined)
  const { port } = listening
  await assert.rejects(
    network.listen({ address: '127.0.0.1', port, identity: null }, () => undefined),
    { code: 'EADDRINUSE' },
  )
  await listening.close()
})

test('a UNIX socket is connected to by its path', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-unix-'))
  const path = join(folder, 'a.sock')
  const server = createServer((socket) => socket.pipe(socket)).listen(path)
  await once(server, 'listening')
  context.after(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  const network = new SocketNetwork(clock)
  const connection = await network.dial({ address: `unix:${path}`, port: 0, timeoutMilliseconds: 5000 })
  const heard = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<Error | null>()
  connection.onData = (bytes) => heard.resolve(Buffer.from(bytes).toString())
  connection.onEnd = () => connection.end()
  connection.onClose = (error) => closed.resolve(error)
  connection.resume()
  connection.write('hello')
  assert.equal(await heard.promise, 'hello')
  assert.equal(connection.peer.remoteAddress, `unix:${path}`)
  connection.end()
  assert.equal(await closed.promise, null)
  const nobody = network.dial({ address: `unix:${path}x`, port: 0, timeoutMilliseconds: 5000 })
  await assert.rejects(nobody, { code: 'ENOENT' })
})

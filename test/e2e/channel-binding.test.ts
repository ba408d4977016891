// SCRAM-SHA-256 and -PLUS by every protocol over real TLS, with this project's own client half: `tls-exporter` on TLS 1.3 (RFC 9266),
// `tls-server-end-point` on TLS 1.2 (RFC 5929 §4), and what must not get in. Another's client tries it in test/interop.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Secret } from '../../src/base/secret.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { scramClient, type ScramClientOptions } from '../../src/sasl/scram-client.ts'

interface Protocol {
  readonly service: 'submission' | 'imap' | 'pop3'
  /** Sent before the log-in, and how the last line of the answer begins. */
  readonly hello: readonly [line: string, last: string] | null
  readonly command: string
  readonly challenge: string
  readonly success: RegExp
  readonly failure: RegExp
}

const protocols: readonly Protocol[] = [
  {
    ...{ service: 'submission', hello: ['EHLO c.example', '250 '], command: 'AUTH', challenge: '334 ' },
    ...{ success: /^235 2\.7\.0/, failure: /^535 5\.7\.8/ },
  },
  {
    ...{ service: 'imap', hello: null, command: 'a AUTHENTICATE', challenge: '+ ' },
    ...{ success: /^a OK/, failure: /^a NO/ },
  },
  {
    ...{ service: 'pop3', hello: null, command: 'AUTH', challenge: '+ ' },
    ...{ success: /^\+OK/, failure: /^-ERR \[AUTH\]/ },
  },
]

type Binding = NonNullable<ScramClientOptions['channelBinding']>

interface Attempt {
  readonly protocol: Protocol
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  /** Absent: a client that can bind to nothing. */
  readonly bind?: (socket: TLSSocket) => Binding
  readonly username?: string
  readonly password?: string
}

function exporter(socket: TLSSocket): Binding {
  return {
    name: 'tls-exporter',
    data: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
  }
}

function serverEndPoint(socket: TLSSocket): Binding {
  return {
    name: 'tls-server-end-point',
    data: hash('sha256', socket.getPeerCertificate().raw, 'buffer'),
  }
}

suite('SCRAM over TLS', () => {
  let posthorn: Posthorn

  before(async () => {
    const listeners = protocols.map(({ service }) => {
      return { service, address: '127.0.0.1', port: 0, tls: 'implicit' } as const
    })
    const auth = { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096, allowClearText: false }
    posthorn = await startPosthorn(
      resolveConfig([{ name: 'test', settings: { profile: 'test', auth, listeners } }]),
    )
    const { operations } = posthorn.backend
    await operations.run('domain.add', { name: 'example.org' })
    await operations.run('account.add', { address: 'ann@example.org', password: 'pencil' })
  })

  after(() => posthorn.stop())

  /** What the server says last. */
  async function logIn(attempt: Attempt): Promise<string> {
    const { protocol, version, bind, username = 'ann@example.org', password = 'pencil' } = attempt
    const listener = posthorn.listeners.find(({ service }) => service === protocol.service)
    const options: ConnectionOptions = { minVersion: version, maxVersion: version, rejectUnauthorized: false }
    const socket = connect({ host: '127.0.0.1', port: listener?.port ?? 0, ...options })
    try {
      await once(socket, 'secureConnect')
      assert.equal(socket.getProtocol(), version)
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
      const next = async (): Promise<string> => String((await lines.next()).value)
      await next()
      if (protocol.hello !== null) {
        const [line, last] = protocol.hello
        socket.write(`${line}\r\n`)
        while (!(await next()).startsWith(last));
      }
      const channelBinding = bind?.(socket)
      const plus = typeof channelBinding === 'object' ? '-PLUS' : ''
      const exchange = scramClient({
        ...{ username, password: new Secret(password), nonce: 'rOprNGfwEbeRWgbNEkqO' },
        ...(channelBinding === undefined ? {} : { channelBinding }),
      })
      socket.write(`${protocol.command} SCRAM-SHA-256${plus}\r\n`)
      for (;;) {
        const line = await next()
        if (!line.startsWith(protocol.challenge)) {
          // RFC 5802 §3: the server has proved that it knows the password too, or it said no.
          if (protocol.success.test(line)) assert.ok(exchange.complete)
          return line
        }
        const challenge = Buffer.from(line.slice(protocol.challenge.length), 'base64')
        const response = exchange.respond(challenge.length === 0 ? null : challenge)
        assert.equal(response.type, 'response')
        if (response.type === 'response')
          socket.write(`${Buffer.from(response.bytes).toString('base64')}\r\n`)
      }
    } finally {
      socket.destroy()
    }
  }

  for (const protocol of protocols) {
    const { service, success, failure } = protocol

    test(`${service}: -PLUS with tls-exporter on TLS 1.3`, async () => {
      assert.match(await logIn({ protocol, version: 'TLSv1.3', bind: exporter }), success)
    })

    test(`${service}: -PLUS with tls-server-end-point on TLS 1.2 and 1.3`, async () => {
      assert.match(await logIn({ protocol, version: 'TLSv1.2', bind: serverEndPoint }), success)
      assert.match(await logIn({ protocol, version: 'TLSv1.3', bind: serverEndPoint }), success)
    })

    test(`${service}: without binding, with the right password alone (RFC 7677)`, async () => {
      assert.match(await logIn({ protocol, version: 'TLSv1.3' }), success)
      assert.match(await logIn({ protocol, version: 'TLSv1.3', password: 'pencils' }), failure)
      assert.match(await logIn({ protocol, version: 'TLSv1.3', username: 'nobody@example.org' }), failure)
    })

    test(`${service}: a relayed log-in is bound to another connection and fails`, async () => {
      const elsewhere = (name: string) => (): Binding => ({ name, data: new Uint8Array(32).fill(7) })
      assert.match(await logIn({ protocol, version: 'TLSv1.3', bind: elsewhere('tls-exporter') }), failure)
      assert.match(
        await logIn({ protocol, version: 'TLSv1.2', bind: elsewhere('tls-server-end-point') }),
        failure,
      )
    })

    test(`${service}: a client from which -PLUS was hidden notices (RFC 5802 §6)`, async () => {
      assert.match(await logIn({ protocol, version: 'TLSv1.3', bind: () => 'not-offered' }), failure)
    })
  }
})

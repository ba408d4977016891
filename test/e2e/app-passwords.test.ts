// App passwords and the second factor, as mail programs meet them: submission, IMAP and POP3 of a running server.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { Secret as OtpSecret, TOTP } from 'otpauth'
import { RealRandom } from '../../src/base/real-random.ts'
import { Secret } from '../../src/base/secret.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { plainClient } from '../../src/sasl/client.ts'
import type { SaslClientExchange } from '../../src/sasl/mechanism.ts'
import { scramClient } from '../../src/sasl/scram-client.ts'

const protocols = [
  {
    ...{
      service: 'submission',
      greeting: 'EHLO c.example',
      greeted: /^250 /,
      command: 'AUTH',
      challenge: '334 ',
    },
    ...{ success: /^235 2\.7\.0/, failure: /^535 5\.7\.8/, scope: 'send', other: 'mail' },
  },
  {
    ...{ service: 'imap', greeting: 'b NOOP', greeted: /^b OK/, command: 'a AUTHENTICATE', challenge: '+ ' },
    ...{ success: /^a OK/, failure: /^a NO \[AUTHENTICATIONFAILED\]/, scope: 'mail', other: 'send' },
  },
  {
    ...{ service: 'pop3', greeting: 'CAPA', greeted: /^\.$/, command: 'AUTH', challenge: '+ ' },
    ...{ success: /^\+OK/, failure: /^-ERR \[AUTH\]/, scope: 'mail', other: 'send' },
  },
] as const

type Protocol = (typeof protocols)[number]

suite('app passwords', () => {
  let posthorn: Posthorn
  const memory = new EventMemory()

  before(async () => {
    const listeners = protocols.map(
      ({ service }) => ({ service, address: '127.0.0.1', port: 0, tls: 'none' }) as const,
    )
    const auth = { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096, allowClearText: true }
    const settings = { profile: 'test', auth, listeners } as const
    posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]), { sinks: [memory] })
    const { operations, store, logins } = posthorn.backend
    await operations.run('domain.add', { name: 'example.org' })
    for (const name of ['ann', 'bob', 'guarded']) {
      await operations.run('account.add', { address: `${name}@example.org`, password: 'pencil' })
    }
    const known = await store.credentialsOf('guarded@example.org')
    assert.ok(known)
    const { secret } = await logins.secondFactor.enrol(known.account, 'example.org')
    const code = TOTP.generate({ secret: OtpSecret.fromBase32(secret) })
    assert.ok(await logins.secondFactor.confirm(known.account.id, code))
  })

  after(() => posthorn.stop())

  async function logIn(protocol: Protocol, mechanism: string, client: SaslClientExchange): Promise<string> {
    const port = posthorn.listeners.find(({ service }) => service === protocol.service)?.port ?? 0
    const socket = connect({ host: '127.0.0.1', port })
    try {
      await once(socket, 'connect')
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
      const next = async (): Promise<string> => String((await lines.next()).value)
      await next()
      socket.write(`${protocol.greeting}\r\n`)
      while (!protocol.greeted.test(await next()));
      socket.write(`${protocol.command} ${mechanism}\r\n`)
      for (;;) {
        const line = await next()
        if (!line.startsWith(protocol.challenge)) return line
        const challenge = Buffer.from(line.slice(protocol.challenge.length), 'base64')
        const response = client.respond(challenge.length === 0 ? null : challenge)
        const bytes = response.type === 'response' ? Buffer.from(response.bytes).toString('base64') : '*'
        socket.write(`${bytes}\r\n`)
      }
    } finally {
      socket.destroy()
    }
  }

  const plain = (protocol: Protocol, name: string, password: string): Promise<string> =>
    logIn(protocol, 'PLAIN', plainClient({ username: `${name}@example.org`, password: new Secret(password) }))

  const scram = (protocol: Protocol, name: string): Promise<string> => {
    const credentials = { username: `${name}@example.org`, password: new Secret('pencil') }
    const client = scramClient({
      ...credentials,
      scramHash: 'sha256',
      nonce: new RealRandom().id(),
    })
    return logIn(protocol, 'SCRAM-SHA-256', client)
  }

  async function add(name: string, scopes: readonly string[]): Promise<{ id: number; password: string }> {
    const parameters = { address: `${name}@example.org`, label: 'Test', scopes }
    // The operation's own answer.
    return (await posthorn.operations.run('account.app-password.add', parameters)) as {
      id: number
      password: string
    }
  }

  for (const protocol of protocols) {
    const { service, scope, other, success, failure } = protocol

    test(`${service}: an app password opens what it is for, until it is revoked`, async () => {
      const good = await add('ann', [scope])
      assert.match(await plain(protocol, 'ann', good.password), success)
      assert.match(await plain(protocol, 'ann', good.password.replaceAll('-', '').toUpperCase()), success)
      assert.match(await plain(protocol, 'bob', good.password), failure)
      const wrong = await add('ann', [other])
      assert.match(await plain(protocol, 'ann', wrong.password), failure)
      await posthorn.operations.run('account.app-password.remove', {
        address: 'ann@example.org',
        id: good.id,
      })
      assert.match(await plain(protocol, 'ann', good.password), failure)
      // The password itself goes on as before.
      assert.match(await plain(protocol, 'ann', 'pencil'), success)
      assert.match(await scram(protocol, 'ann'), success)
    })

    test(`${service}: an account with a second factor is opened by app passwords alone`, async () => {
      const before_ = memory.count('auth.password-guarded')
      assert.match(await plain(protocol, 'guarded', 'pencil'), failure)
      assert.equal(memory.count('auth.password-guarded'), before_ + 1)
      assert.match(await scram(protocol, 'guarded'), failure)
      const { password } = await add('guarded', [scope])
      assert.match(await plain(protocol, 'guarded', password), success)
    })
  }

  test('the last use is noted', async () => {
    const { id, password } = await add('bob', ['mail'])
    assert.match(await plain(protocols[1], 'bob', password), protocols[1].success)
    const listed = await posthorn.operations.run('account.app-password.list', { address: 'bob@example.org' })
    const one = (listed as { id: number; usedBy: string }[]).find((each) => each.id === id)
    assert.equal(one?.usedBy, 'imap 127.0.0.1')
  })
})

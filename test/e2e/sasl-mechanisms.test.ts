// The mechanisms beside passwords and SCRAM, by every protocol over real TLS, with this project's own client halves: access tokens,
// client certificates (test/corpora/tls), CRAM-MD5; and the address that a proxy tells.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { Secret } from '../../src/base/secret.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { cramMd5Client, externalClient, oauthBearerClient, xoauth2Client } from '../../src/sasl/client.ts'
import type { SaslClientExchange } from '../../src/sasl/mechanism.ts'

interface Protocol {
  readonly service: 'submission' | 'imap' | 'pop3'
  /** How the list of mechanisms is asked for, and how its answer ends. */
  readonly list: readonly [command: string, last: RegExp]
  readonly command: string
  readonly challenge: string
  readonly success: RegExp
  readonly failure: RegExp
}

const protocols: readonly Protocol[] = [
  {
    ...{ service: 'submission', list: ['EHLO c.example', /^250 /] },
    ...{ command: 'AUTH', challenge: '334 ', success: /^235 2\.7\.0/, failure: /^535 5\.7\.8/ },
  },
  {
    ...{ service: 'imap', list: ['b CAPABILITY', /^b OK/], command: 'a AUTHENTICATE' },
    ...{ challenge: '+ ', success: /^a OK/, failure: /^a NO/ },
  },
  {
    ...{ service: 'pop3', list: ['CAPA', /^\.$/], command: 'AUTH' },
    ...{ challenge: '+ ', success: /^\+OK/, failure: /^-ERR \[AUTH\]/ },
  },
]

const path = (name: string) => fileURLToPath(new URL(`../corpora/tls/${name}`, import.meta.url))

suite('SASL over TLS', () => {
  let posthorn: Posthorn
  const memory = new EventMemory()
  let ann: ConnectionOptions
  let expired: ConnectionOptions

  before(async () => {
    const identity = async (name: string) => ({
      cert: await readFile(path(`${name}.crt`)),
      key: await readFile(path(`${name}.key`)),
    })
    ann = await identity('ann')
    expired = await identity('expired')
    const listeners = [
      ...protocols.map(
        ({ service }) => ({ service, address: '127.0.0.1', port: 0, tls: 'implicit' }) as const,
      ),
      { service: 'smtp', address: '127.0.0.1', port: 0, tls: 'none', proxyFrom: ['127.0.0.0/8'] } as const,
    ]
    const auth = {
      ...{ argon2Memory: 8, argon2Passes: 1, scramIterations: 4096, allowClearText: false, cramMd5: true },
      verifyToken: (token: string) => (token === 'of-ann' ? 'ann@example.org' : null),
    }
    const tls = { clientAuthorities: path('root.crt') }
    posthorn = await startPosthorn(
      resolveConfig([{ name: 'test', settings: { profile: 'test', auth, listeners, tls } }]),
      { sinks: [memory] },
    )
    const { operations } = posthorn.backend
    await operations.run('domain.add', { name: 'example.org' })
    for (const name of ['ann', 'bob']) {
      await operations.run('account.add', { address: `${name}@example.org`, password: 'pencil' })
    }
  })

  after(() => posthorn.stop())

  const portOf = (service: string) => posthorn.listeners.find((one) => one.service === service)?.port ?? 0

  /** The mechanisms offered, and what the server says last. */
  async function logIn(
    protocol: Protocol,
    mechanism: string,
    { client, shown = {} }: { readonly client: SaslClientExchange; readonly shown?: ConnectionOptions },
  ): Promise<{ offered: string; last: string }> {
    const port = portOf(protocol.service)
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...shown })
    try {
      await once(socket, 'secureConnect')
      const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
      const next = async (): Promise<string> => String((await lines.next()).value)
      await next()
      const [list, end] = protocol.list
      socket.write(`${list}\r\n`)
      let offered = ''
      for (let line = ''; !end.test(line);) {
        line = await next()
        offered += `${line}\n`
      }
      socket.write(`${protocol.command} ${mechanism}\r\n`)
      for (;;) {
        const line = await next()
        if (!line.startsWith(protocol.challenge)) return { offered, last: line }
        const challenge = Buffer.from(line.slice(protocol.challenge.length), 'base64')
        const response = client.respond(challenge.length === 0 ? null : challenge)
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

    test(`${service}: an access token, by OAUTHBEARER and XOAUTH2`, async () => {
      const where = { host: 'localhost', port: portOf(service) }
      for (const [text, username, outcome] of [
        ['of-ann', 'ann@example.org', success],
        ['of-ann', 'bob@example.org', failure],
        ['of-nobody', 'ann@example.org', failure],
      ] as const) {
        const credentials = { username, token: new Secret(text) }
        const bearer = oauthBearerClient({ ...credentials, ...where })
        assert.match((await logIn(protocol, 'OAUTHBEARER', { client: bearer })).last, outcome)
        const { last, offered } = await logIn(protocol, 'XOAUTH2', { client: xoauth2Client(credentials) })
        assert.match(last, outcome)
        assert.match(offered, /OAUTHBEARER.*XOAUTH2/s)
      }
    })

    test(`${service}: a client certificate, by EXTERNAL`, async () => {
      const good = await logIn(protocol, 'EXTERNAL', { client: externalClient({}), shown: ann })
      assert.match(good.last, success)
      assert.match(good.offered, /EXTERNAL/)
      const client = externalClient({ authorizationId: 'bob@example.org' })
      assert.match((await logIn(protocol, 'EXTERNAL', { client, shown: ann })).last, failure)
      for (const shown of [expired, {}]) {
        const { offered, last } = await logIn(protocol, 'EXTERNAL', { client: externalClient({}), shown })
        assert.doesNotMatch(offered, /EXTERNAL/)
        assert.doesNotMatch(last, success)
      }
    })

    test(`${service}: CRAM-MD5, with the right password alone`, async () => {
      for (const [password, username, outcome] of [
        ['pencil', 'ann@example.org', success],
        ['pencils', 'ann@example.org', failure],
        ['pencil', 'nobody@example.org', failure],
      ] as const) {
        const client = cramMd5Client({ username, password: new Secret(password) })
        assert.match((await logIn(protocol, 'CRAM-MD5', { client })).last, outcome)
      }
    })
  }

  test('the address that a listed proxy tells is the client’s', async () => {
    const socket = connectTcp({ host: '127.0.0.1', port: portOf('smtp') })
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    socket.write('PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n')
    assert.match(String((await lines.next()).value), /^220 /)
    socket.write('QUIT\r\n')
    assert.match(String((await lines.next()).value), /^221 /)
    socket.destroy()
    const opened = memory.records.filter(({ name }) => name === 'connection.opened')
    assert.ok(opened.some(({ fields }) => fields['remoteAddress'] === '198.51.100.7'))
  })
})

// curl against the HTTP API of a whole server: TLS, log-in, JSON and whole messages, a message of its time, webhooks to a real listener.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, succeed } from './tool.ts'

const skip = missing('curl')

async function start(context: TestContext, settings: ConfigInput = {}) {
  const listener = (service: 'http' | 'imap', tls: 'implicit' | 'starttls') =>
    ({ service, tls, address: '127.0.0.1', port: 0 }) as const
  const server = await startServer(context, {
    settings: { ...settings, listeners: [listener('imap', 'starttls'), listener('http', 'implicit')] },
  })
  const port = server.posthorn.listeners.find(({ service }) => service === 'http')?.port ?? 0
  const curl = (path: string, ...more: readonly string[]): Promise<string> =>
    succeed(
      'curl',
      ['-sSk', '-u', `ann@mail.test:${password}`, ...more, `https://127.0.0.1:${port}${path}`],
      {
        home: server.folder,
      },
    )
  return { server, curl }
}

async function arrival(server: InteropServer, address: string): Promise<string> {
  const { store } = server.posthorn.backend
  const entry = await store.findAddress(address)
  assert.equal(entry?.type, 'account')
  const account = entry.account.id
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = store.subscribe(account, () => resolve())
  if ((await server.messages(address)).length === 0) await promise
  end()
  const [message = ''] = await server.messages(address)
  return message
}

const note = { from: 'ann@mail.test', to: 'bob@mail.test', subject: 'From curl', text: 'Hi\n' }

test('curl sends JSON and a file, and reads the document', { skip }, async (context) => {
  const { server, curl } = await start(context)
  const answer = await curl('/api/v1/messages', '--json', JSON.stringify(note))
  assert.match(answer, /"recipients":\[\{"address":"bob@mail\.test","status":"delivered"\}\]/)
  assert.match(await arrival(server, 'bob@mail.test'), /with HTTP[^]*\r\nSubject: From curl\r\n/)
  const file = join(server.folder, 'mail.eml')
  await writeFile(file, `From: ann@mail.test\nTo: ann@mail.test\nSubject: raw\n\n${'line\n'.repeat(200_000)}`)
  await curl('/api/v1/messages', '--data-binary', `@${file}`, '-H', 'content-type: message/rfc822')
  assert.ok((await arrival(server, 'ann@mail.test')).endsWith('line\r\nline\r\n'))
  assert.match(await curl('/api/v1/openapi.json'), /^\{"openapi":"3\.1\.0"/)
  assert.match(await curl('/api/v1/messages', '--json', '{"from":"bob@mail.test"}'), /"code":"invalid"/)
})

test(
  'a scheduled message reaches a mailbox of this server when its time has come',
  { skip },
  async (context) => {
    const { server, curl } = await start(context)
    const scheduledAt = new Date(Date.now() + 1500).toISOString()
    const answer = await curl('/api/v1/messages', '--json', JSON.stringify({ ...note, scheduledAt }))
    assert.match(answer, /"status":"queued"/)
    assert.match(await arrival(server, 'bob@mail.test'), /Subject: From curl\r\n/)
    assert.ok(Date.now() >= Date.parse(scheduledAt))
  },
)

const verify = `import base64, hashlib, hmac, json, sys
for told in json.load(sys.stdin):
    headers = told["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{told['body']}".encode()
    digest = hmac.new(sys.argv[1].encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode(), headers
    print(json.loads(told["body"])["type"])
`

test(
  'webhooks come over a real connection, with signatures that Python computes',
  { skip: skip || missing('python3') },
  async (context) => {
    const told: { headers: IncomingHttpHeaders; body: string }[] = []
    const both = Promise.withResolvers<void>()
    const app = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        response.end()
        told.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') })
        if (told.length === 2) both.resolve()
      })
    }).listen(0, '127.0.0.1')
    await once(app, 'listening')
    context.after(() => app.close())
    const address = app.address()
    assert.ok(typeof address === 'object' && address !== null)
    const url = `http://127.0.0.1:${address.port}/hook`
    const secret = 'sixteen-octets-at-least'
    const { server, curl } = await start(context, {
      http: { webhookPoll: '50ms' },
      webhooks: [{ url, secret }],
    })
    await curl('/api/v1/messages', '--json', JSON.stringify({ ...note, subject: 'Grüße' }))
    await both.promise
    const types = await succeed('python3', ['-c', verify, secret], {
      home: server.folder,
      input: JSON.stringify(told),
    })
    assert.equal(types, 'message.received\nmessage.delivered\n')
  },
)

test('an idempotency key sends once, and status and withdrawal go by the id', { skip }, async (context) => {
  const { server, curl } = await start(context)
  const key = ['-H', 'Idempotency-Key: order-1']
  const first = await curl('/api/v1/messages', ...key, '--json', JSON.stringify(note))
  assert.equal(await curl('/api/v1/messages', ...key, '--json', JSON.stringify(note)), first)
  const other = await curl(
    '/api/v1/messages',
    ...key,
    '-w',
    ' %{http_code}',
    '--json',
    JSON.stringify({ ...note, subject: 'x' }),
  )
  assert.match(other, / 422$/)
  assert.equal((await server.messages('bob@mail.test')).length, 1)
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString()
  const later = await curl('/api/v1/messages', '--json', JSON.stringify({ ...note, scheduledAt }))
  const [, id = ''] = /"id":"([^"]+)"/.exec(later) ?? []
  assert.match(
    await curl(`/api/v1/messages/${id}`),
    /"address":"bob@mail\.test"[^]*"status":"(queued|scheduled|waiting)"/,
  )
  await curl(`/api/v1/messages/${id}`, '-X', 'DELETE')
  assert.doesNotMatch(await curl(`/api/v1/messages/${id}`), /"status":"(queued|scheduled|waiting)"/)
})

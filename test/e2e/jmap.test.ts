// Mail by JMAP from a server as its users start it: log-in, session, a message that is imported, found, and its changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startPosthorn } from '../../src/main.ts'

const password = 'correct horse'
const address = 'ann@example.org'
const mail = 'urn:ietf:params:jmap:mail'

/** What a response holds, to be looked into without a cast at each step. */
// oxlint-disable-next-line no-explicit-any -- answers of many shapes
type Loose = Record<string, any>

test('a message comes by upload and import, is found by its text, and /changes tells of it', async (context) => {
  const settings: ConfigInput = {
    ...{ profile: 'server', data: null, hostname: 'mail.example.org', relay: { enabled: false } },
    ...{ auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true }, log: { level: 'error' } },
    listeners: [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }],
  }
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]))
  context.after(() => posthorn.stop())
  const { pages } = posthorn
  assert.ok(pages)
  await posthorn.operations.run('domain.add', { name: 'example.org' })
  await posthorn.operations.run('account.add', { address, password })
  const headers = { authorization: `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}` }
  const ask = async (path: string, init: RequestInit = {}): Promise<Loose> => {
    const url = new URL(path, pages)
    const response = await fetch(url, { ...init, headers: { ...headers, ...init.headers } })
    assert.ok(response.ok, `${path}: ${response.status}`)
    return (await response.json()) as Loose
  }
  const session = await ask('/.well-known/jmap')
  const accountId = session['primaryAccounts'][mail]
  const abilities = session['accounts'][accountId].accountCapabilities[mail]
  assert.equal(abilities.mayCreateTopLevelMailbox, true)
  // What may be attached can be sent: in Base64 it is longer, and the message has more than that.
  const encoded = (abilities.maxSizeAttachmentsPerEmail / 57) * 78
  assert.ok(encoded <= posthorn.backend.config.maxMessageSize, `${encoded} octets`)
  const call = async (name: string, args: object): Promise<Loose> => {
    const request = {
      using: ['urn:ietf:params:jmap:core', mail],
      methodCalls: [[name, { accountId, ...args }, '0']],
    }
    const body = await ask('/jmap/api', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    const [answered, answer] = body['methodResponses'][0]
    assert.equal(answered, name, JSON.stringify(answer))
    return answer
  }
  const { state } = await call('Email/get', { ids: [] })
  const { list } = await call('Mailbox/get', { properties: ['role'] })
  const inbox = list.find((one: Loose) => one['role'] === 'inbox')
  const { blobId } = await ask(`/jmap/upload/${accountId}`, {
    method: 'POST',
    headers: { 'content-type': 'message/rfc822' },
    body: 'From: b@example.org\r\nSubject: Rain\r\n\r\nThe rain in Spain\r\n',
  })
  const emails = { k: { blobId, mailboxIds: { [inbox.id]: true } } }
  const imported = await call('Email/import', { emails })
  const { id } = imported['created'].k
  const found = await call('Email/query', {
    filter: { inMailbox: inbox.id, text: 'spain' },
    calculateTotal: true,
  })
  assert.deepEqual([found['ids'], found['total']], [[id], 1])
  const changes = await call('Email/changes', { sinceState: state })
  assert.deepEqual([changes['created'], changes['newState']], [[id], imported['newState']])
  const got = await call('Email/get', { ids: [id], properties: ['subject', 'preview', 'from'] })
  assert.deepEqual(got['list'], [
    { id, subject: 'Rain', preview: 'The rain in Spain', from: [{ name: null, email: 'b@example.org' }] },
  ])
})

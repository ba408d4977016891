// JMAP as seen by a client library of npm (jmap-jam): session, references, uploads and downloads, changes, and mail that is sent.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import JamClient from 'jmap-jam'
import type { Loose } from '../support/mail-house.ts'
import { type InteropServer, password, startServer } from './server.ts'

interface Scene {
  readonly server: InteropServer
  readonly jam: JamClient
  readonly accountId: string
  ask(method: string, args: object): Promise<Loose>
}

async function connect(context: TestContext): Promise<Scene> {
  const server = await startServer(context, {
    settings: { auth: { allowClearText: true } },
    listeners: [{ service: 'http', tls: 'none' }],
  })
  const sessionUrl = `http://127.0.0.1:${server.more[0] ?? 0}/.well-known/jmap`
  const authorization = `Basic ${Buffer.from(`ann@mail.test:${password}`).toString('base64')}`
  const jam = new JamClient({ bearerToken: 'none', sessionUrl })
  // It knows bearer tokens alone, and asks with one at once.
  await jam.session.catch(() => undefined)
  jam.authHeader = authorization
  jam.session = JamClient.loadSession(sessionUrl, authorization)
  const accountId = await jam.getPrimaryAccount()
  return {
    ...{ server, jam, accountId },
    ask: async (method, args) => (await jam.request([method, { accountId, ...args }]))[0],
  }
}

const letter = 'From: bob@mail.test\r\nTo: ann@mail.test\r\nSubject: Lunch\r\n\r\nAt noon?\r\n'

test('it finds, reads, marks and follows mail', async (context) => {
  const { server, jam, accountId, ask } = await connect(context)
  await server.put('ann@mail.test', letter)
  const [told] = await jam.requestMany((t) => {
    const found = t['Email']?.['query']?.({ accountId, filter: { subject: 'lunch' } })
    assert.ok(found)
    const properties = ['id', 'subject', 'keywords']
    const emails = t['Email']?.['get']?.({ accountId, ids: found.$ref('/ids'), properties })
    assert.ok(emails)
    return { found, emails }
  })
  const emails: Loose = told['emails'] ?? {}
  const [email] = emails['list']
  assert.deepEqual([email.subject, email.keywords], ['Lunch', {}])
  const set = await ask('Email/set', { update: { [email.id]: { 'keywords/$seen': true } } })
  assert.deepEqual(set['updated'], { [email.id]: null })
  const changes = await ask('Email/changes', { sinceState: emails['state'] })
  assert.deepEqual([changes['updated'], changes['newState']], [[email.id], set['newState']])
})

test('it uploads, imports, downloads and sends', async (context) => {
  const { server, jam, accountId, ask } = await connect(context)
  const { blobId, size } = await jam.uploadBlob(accountId, new Blob([letter], { type: 'message/rfc822' }))
  assert.equal(size, letter.length)
  const mailboxes = await ask('Mailbox/get', { ids: null })
  const inbox = mailboxes['list'].find(({ role }: Loose) => role === 'inbox')
  const mailboxIds = { [inbox.id]: true }
  const imported = await ask('Email/import', { emails: { k: { blobId, mailboxIds } } })
  const made = imported['created'].k
  const response = await jam.downloadBlob({
    ...{ accountId, blobId: made.blobId, mimeType: 'message/rfc822', fileName: 'lunch.eml' },
  })
  assert.equal(await response.text(), letter)
  const draft = {
    ...{
      mailboxIds,
      keywords: { $draft: true },
      subject: 'Yes',
      from: [{ name: 'Ann', email: 'ann@mail.test' }],
    },
    ...{ to: [{ name: null, email: 'bob@mail.test' }], bodyValues: { 1: { value: 'At noon.' } } },
    textBody: [{ partId: '1', type: 'text/plain' }],
  }
  const email = (await ask('Email/set', { create: { d: draft } }))['created'].d
  const identities = await ask('Identity/get', { ids: null })
  const sent = await ask('EmailSubmission/set', {
    create: { s: { emailId: email.id, identityId: identities['list'][0].id } },
    onSuccessUpdateEmail: { '#s': { 'keywords/$draft': null } },
  })
  assert.equal(sent['created'].s.undoStatus, 'final')
  assert.match((await server.messages('bob@mail.test')).join(''), /Subject: Yes/)
  const [after] = (await ask('Email/get', { ids: [email.id], properties: ['keywords'] }))['list']
  assert.deepEqual(after.keywords, {})
})

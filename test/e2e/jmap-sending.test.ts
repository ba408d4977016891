// Sending by JMAP on a server as its users start it: an Email is sent, its recipient is away and answers, and one that is held back is taken back.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startPosthorn } from '../../src/main.ts'

const password = 'correct horse'
const using = ['core', 'mail', 'submission', 'vacationresponse'].map((name) => `urn:ietf:params:jmap:${name}`)

/** What a response holds, to be looked into without a cast at each step. */
// oxlint-disable-next-line no-explicit-any -- answers of many shapes
type Loose = Record<string, any>

interface User {
  readonly accountId: string
  call(name: string, args: object): Promise<Loose>
}

async function openServer(context: TestContext): Promise<(address: string) => Promise<User>> {
  const settings: ConfigInput = {
    ...{ profile: 'server', data: null, hostname: 'mail.example.org', relay: { enabled: false } },
    ...{ auth: { argon2Memory: 8, argon2Passes: 1, allowClearText: true }, log: { level: 'error' } },
    listeners: [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }],
  }
  const posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]))
  context.after(() => posthorn.stop())
  await posthorn.operations.run('domain.add', { name: 'example.org' })
  const { pages } = posthorn
  assert.ok(pages)
  return async (address) => {
    await posthorn.operations.run('account.add', { address, password })
    const authorization = `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}`
    const ask = async (path: string, init: RequestInit = {}): Promise<Loose> => {
      const headers = { authorization, 'content-type': 'application/json' }
      const response = await fetch(new URL(path, pages), { ...init, headers })
      assert.ok(response.ok, `${path}: ${response.status}`)
      return (await response.json()) as Loose
    }
    const session = await ask('/.well-known/jmap')
    const accountId = session['primaryAccounts']['urn:ietf:params:jmap:submission']
    const call = async (name: string, args: object): Promise<Loose> => {
      const body = JSON.stringify({ using, methodCalls: [[name, { accountId, ...args }, '0']] })
      const { methodResponses } = await ask('/jmap/api', { method: 'POST', body })
      const [answered, answer] = methodResponses[0]
      assert.equal(answered, name, JSON.stringify(answer))
      return answer
    }
    return { accountId, call }
  }
}

test('an Email is sent, who is away answers, and what is held back is taken back', async (context) => {
  const open = await openServer(context)
  const [ann, bob] = [await open('ann@example.org'), await open('bob@example.org')]
  const away = { isEnabled: true, textBody: 'Back in May.' }
  assert.ok((await bob.call('VacationResponse/set', { update: { singleton: away } }))['updated'])
  const { list } = await ann.call('Mailbox/get', { properties: ['role'] })
  const idOf = (role: string): string => list.find((one: Loose) => one['role'] === role).id
  const identities = await ann.call('Identity/get', {})
  const send = async (parameters: object | null): Promise<Loose> => {
    const draft = {
      mailboxIds: { [idOf('drafts')]: true },
      ...{ from: [{ email: 'ann@example.org' }], to: [{ email: 'bob@example.org' }], subject: 'Dinner?' },
      ...{ textBody: [{ partId: 't' }], bodyValues: { t: { value: 'At eight.' } } },
    }
    const made = await ann.call('Email/set', { create: { d: draft } })
    const create = {
      k: {
        ...{ identityId: identities['list'][0].id, emailId: made['created'].d.id },
        envelope: {
          mailFrom: { email: 'ann@example.org', parameters },
          rcptTo: [{ email: 'bob@example.org', parameters: null }],
        },
      },
    }
    const update = { mailboxIds: { [idOf('sent')]: true } }
    const answer = await ann.call('EmailSubmission/set', { create, onSuccessUpdateEmail: { '#k': update } })
    return answer['created'].k
  }
  const sent = await send(null)
  assert.equal(sent['deliveryStatus']['bob@example.org'].delivered, 'yes')
  assert.equal((await bob.call('Email/query', { filter: { subject: 'Dinner?' } }))['ids'].length, 1)
  const answered = async (): Promise<Loose> => {
    const { ids } = await ann.call('Email/query', { filter: { inMailbox: idOf('inbox') } })
    return ann.call('Email/get', {
      ids,
      properties: ['subject', 'from', 'preview', 'header:Auto-Submitted:asText'],
    })
  }
  // The answer is sent behind the delivery.
  let answers = await answered()
  while (answers['list'].length === 0) {
    await new Promise((resolve) => setImmediate(resolve))
    answers = await answered()
  }
  const [{ id: _, ...answer }] = answers['list']
  assert.deepEqual(answer, {
    ...{
      subject: 'Auto: Dinner?',
      preview: 'Back in May.',
      from: [{ name: null, email: 'bob@example.org' }],
    },
    'header:Auto-Submitted:asText': 'auto-replied',
  })
  const held = await send({ HOLDFOR: '60' })
  assert.equal(held['undoStatus'], 'pending')
  const undone = await ann.call('EmailSubmission/set', {
    update: { [held['id']]: { undoStatus: 'canceled' } },
  })
  const smtpReply = '250 2.0.0 Taken back by its sender'
  assert.deepEqual(undone['updated'], {
    [held['id']]: {
      deliveryStatus: { 'bob@example.org': { smtpReply, delivered: 'no', displayed: 'unknown' } },
    },
  })
  const got = await ann.call('EmailSubmission/get', { ids: [held['id']], properties: ['undoStatus'] })
  assert.equal(got['list'][0].undoStatus, 'canceled')
  assert.equal((await bob.call('Email/query', { filter: { subject: 'Dinner?' } }))['ids'].length, 1)
})

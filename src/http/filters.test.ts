// Filters decide about mail that comes by HTTP as about mail that comes by SMTP: what signs mail signs this too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, openHttpHouse } from '../../test/support/http-house.ts'
import { Administration } from '../directory/administration.ts'
import type { Hooks } from '../config/hooks.ts'
import type { SendResponse } from './schema.ts'

const to = ['bob@example.org', 'carol@far.example']
const mail = { from: 'ann@example.org', to, subject: 'Hello', text: 'Hi\n' }

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}

test('a rewrite at `data` is in the mailbox and in the queue; the session says who and how', async (context) => {
  const seen: unknown[] = []
  const hooks: Hooks = {
    connect: ({ service, remoteAddress }) => void seen.push([service, remoteAddress]),
    mail: ({ username, reversePath }) => void seen.push([username, reversePath?.localPart]),
    data: ({ headers, recipients }) => {
      seen.push([headers.find(({ name }) => name === 'Subject')?.value, recipients.length])
      return { type: 'rewrite', header: [{ type: 'add', name: 'DKIM-Signature', value: 'v=1', at: 'start' }] }
    },
    delivered: ({ recipients }) => void seen.push(recipients.map(({ where }) => where)),
  }
  const house = await openHttpHouse(context, { settings: { hooks } })
  assert.equal((await house.post(mail)).status, 202)
  const [message = ''] = await house.inbox('bob@example.org')
  assert.match(message, /^DKIM-Signature: v=1\r\n/m)
  assert.deepEqual(seen, [
    ['api', '192.0.2.7'],
    ['ann@example.org', 'ann'],
    ['Hello', 2],
    ['bob@example.org', 'queue'],
  ])
})

test('a recipient refused at `rcpt` is told so; the others get it', async (context) => {
  const hooks: Hooks = {
    rcpt: ({ recipient }) => (recipient.address?.localPart === 'bob' ? { type: 'reject' } : undefined),
  }
  const house = await openHttpHouse(context, { settings: { hooks } })
  assert.deepEqual((await json<SendResponse>(await house.post(mail))).recipients, [
    { address: 'bob@example.org', status: 'refused', reason: 'policy' },
    { address: 'carol@far.example', status: 'queued' },
  ])
  assert.equal((await house.inbox('bob@example.org')).length, 0)
})

test('what is refused at `data` is kept nowhere: 422 for good, 503 for now', async (context) => {
  const refused = async (decision: ReturnType<NonNullable<Hooks['data']>>): Promise<unknown> => {
    const house = await openHttpHouse(context, { settings: { hooks: { data: () => decision } } })
    const response = await house.post(mail)
    const { code, detail } = await json<{ code: string; detail: string }>(response)
    assert.equal((await house.inbox('bob@example.org')).length, 0)
    assert.deepEqual(await house.queued(), [])
    return [response.status, code, detail]
  }
  assert.deepEqual(await refused({ type: 'reject', text: 'No adverts' }), [422, 'policy', 'No adverts'])
  assert.deepEqual(await refused({ type: 'defer' }), [503, 'policy', 'Try again later'])
  // An address that nobody here has is the filter's fault.
  assert.deepEqual(await refused({ type: 'rewrite', addRecipients: ['nobody@example.org'] }), [
    503,
    'policy',
    'Try again later',
  ])
})

test('quarantine holds all of it; the envelope may be changed', async (context) => {
  const held = await openHttpHouse(context, {
    settings: { hooks: { data: () => ({ type: 'quarantine', reason: 'odd' }) } },
  })
  const sent = await json<SendResponse>(await held.post(mail))
  assert.deepEqual(
    sent.recipients.map(({ status }) => status),
    ['queued', 'queued'],
  )
  assert.equal((await held.inbox('bob@example.org')).length, 0)
  const [entry] = await held.queued()
  assert.deepEqual(
    entry?.recipients.map(({ state, reason }) => [state, reason]),
    [
      ['held', 'odd'],
      ['held', 'odd'],
    ],
  )
  const moved = await openHttpHouse(context, {
    settings: {
      hooks: {
        data: () => ({
          type: 'rewrite',
          reversePath: 'bounces@example.org',
          removeRecipients: ['carol@far.example'],
          addRecipients: ['dora@far.example'],
        }),
      },
    },
  })
  await moved.post(mail)
  const [queued] = await moved.queued()
  assert.equal(queued?.message.reversePath, 'bounces@example.org')
  assert.deepEqual(
    queued?.recipients.map(({ address }) => address),
    ['dora@far.example'],
  )
})

test('RFC 8689 §3: TLS-Required: No is heard here too', async (context) => {
  const house = await openHttpHouse(context)
  await house.post({ ...mail, headers: { 'TLS-Required': 'No' } })
  await house.post({ ...mail, headers: { 'TLS-Required': 'No' }, requireTls: true })
  const options = (await house.queued()).map((entry) => entry.message.options)
  assert.equal(options.find(({ requireTls }) => !requireTls)?.tlsOptional, true)
  assert.equal(options.find(({ requireTls }) => requireTls)?.tlsOptional, false)
})

test('a list does not belong to its members', async (context) => {
  const house = await openHttpHouse(context)
  const { store, clock, parts, config } = house
  const { random, events } = parts
  const administration = new Administration({
    store,
    clock,
    random,
    events,
    auth: config.auth,
    directory: config.directory,
  })
  const members = ['ann@example.org', 'bob@example.org']
  const made = await administration.setAlias('news@example.org', members, { owner: 'bob@example.org' })
  assert.ok(made.ok)
  const response = await house.post(
    { ...mail, from: 'news@example.org' },
    { headers: basic('ann@example.org') },
  )
  assert.equal(response.status, 403)
})

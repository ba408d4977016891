// Limits that have a setting (`config/sections/jmap.ts`) and no test of their own elsewhere.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { arrive, at, JmapHouse, textAt } from '../../../test/support/jmap-house.ts'
import { type Loose, mailHouse } from '../../../test/support/mail-house.ts'
import { testStore } from '../../../test/support/store.ts'
import { jmapSection } from '../../config/sections/jmap.ts'
import type { Store } from '../../store/store.ts'
import { emailCondition } from '../proto/email-filter.ts'
import { Wrong } from '../proto/shape.ts'
import { filterOf } from '../proto/standard.ts'
import { findEmails } from './emails/email-results.ts'
import { MailAccess } from './mail-access.ts'

test('an account has so many identities, and their changes are told in pages of any size', async (context) => {
  const mail = await mailHouse(context, { config: { maxIdentities: 6 } })
  const { state } = await mail.call('Identity/get', { ids: null })
  const email = mail.ann.address
  const make = async (count: number): Promise<Loose> =>
    await mail.call('Identity/set', {
      create: Object.fromEntries(Array.from({ length: count }, (_, k) => [`k${k}`, { email }])),
    })
  const made = await make(5)
  assert.equal(made['notCreated'], null)
  const more = await make(1)
  assert.equal(more['notCreated'].k0.type, 'overQuota')
  const ids: string[] = Object.values<Loose>(made['created']).map((one) => one['id'])
  await mail.call('Identity/set', { update: { [String(ids[1])]: { name: 'x' } }, destroy: [ids[3]] })
  for (const maxChanges of [1, 2, 3, 50]) {
    const [created, updated]: [string[], string[]] = [[], []]
    let sinceState = state
    for (let pages = 0, more = true; more; pages++) {
      assert.ok(pages < 10)
      const page: Loose = await mail.call('Identity/changes', { sinceState, maxChanges })
      created.push(...page['created'])
      updated.push(...page['updated'])
      // It came and went since, which a page that ends between the two may tell the half of.
      assert.ok(page['destroyed'].every((id: string) => id === ids[3]))
      assert.ok(page['created'].length + page['updated'].length <= maxChanges)
      sinceState = page['newState']
      more = page['hasMoreChanges']
    }
    assert.equal(sinceState, (await mail.call('Identity/get', { ids: [] }))['state'])
    assert.deepEqual(new Set(created), new Set([ids[0], ids[1], ids[2], ids[4]]), String(maxChanges))
    assert.ok(updated.every((id) => id === ids[1]))
  }
  // RFC 8620 §5.2: what the client knows and is gone by now.
  const { state: late } = await mail.call('Identity/get', { ids: null })
  await mail.call('Identity/set', { destroy: [ids[0], ids[1]] })
  const first: Loose = await mail.call('Identity/changes', { sinceState: late, maxChanges: 1 })
  const second: Loose = await mail.call('Identity/changes', { sinceState: first['newState'], maxChanges: 1 })
  assert.deepEqual(
    [first['destroyed'], first['hasMoreChanges'], second['destroyed'], second['hasMoreChanges']],
    [[ids[0]], true, [ids[1]], false],
  )
})

test('quotas that changed are told in pages too', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', { bytes: 1000, messages: 50, mailboxes: 7 })
  const { state } = await house.call(ann, 'Quota/get', { accountId: 'A1', ids: null })
  await house.store.updateAccount({ id: ann.id, quota: { bytes: 2000, messages: 60, mailboxes: null } })
  const told: string[] = []
  let sinceState = state
  for (const hasMore of [true, true, false]) {
    const page: Loose = await house.call(ann, 'Quota/changes', { accountId: 'A1', sinceState, maxChanges: 1 })
    told.push(...page['updated'], ...page['destroyed'].map((id: string) => `-${id}`))
    assert.equal(page['hasMoreChanges'], hasMore)
    sinceState = page['newState']
  }
  assert.deepEqual(told, ['Qoctets', 'Qmessages', '-Qmailboxes'])
  assert.equal(sinceState, (await house.call(ann, 'Quota/get', { accountId: 'A1', ids: [] }))['state'])
})

test('an Email that a client makes has so many parts, so deep', async (context) => {
  const mail = await mailHouse(context, { config: { maxBodyParts: 3, maxBodyDepth: 2 } })
  const inbox = await mail.mailbox('INBOX')
  const leaf = { partId: '1', type: 'text/plain' }
  const within = (...subParts: object[]): object => ({ type: 'multipart/mixed', subParts })
  const wrong = async (bodyStructure: object): Promise<unknown> => {
    const email = { mailboxIds: { [inbox]: true }, bodyStructure, bodyValues: { 1: { value: 'x' } } }
    const made: Loose = await mail.call('Email/set', { create: { k: email } })
    return made['notCreated']?.k.properties ?? null
  }
  assert.equal(await wrong(within(leaf, leaf)), null)
  assert.deepEqual(await wrong(within(leaf, leaf, leaf)), ['bodyStructure/subParts/2'])
  assert.deepEqual(await wrong(within(leaf, leaf, leaf, leaf)), ['bodyStructure/subParts/2'])
  assert.equal(await wrong(within(within(leaf))), null)
  assert.deepEqual(await wrong(within(within(within(leaf)))), [
    'bodyStructure/subParts/0/subParts/0/subParts/0',
  ])
})

test('pings have bounds, and a stream that nobody reads is cut', async (context) => {
  const house = await JmapHouse.open(context, { config: { shortestPing: '10s', eventStreamBuffer: '300' } })
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  const open = async (ping: number) => {
    const response = await house.fetch(ann, `/jmap/eventsource?types=*&closeafter=no&ping=${ping}`)
    return response.body?.getReader() ?? assert.fail()
  }
  const pinged = await open(1)
  await pinged.read()
  await house.clock.advance('10s')
  const { value } = await pinged.read()
  assert.match(Buffer.from(value ?? []).toString(), /"interval":10/)
  await pinged.cancel()
  const unread = await open(10)
  for (let pings = 0; pings < 20; pings++) await house.clock.advance('10s')
  let octets = 0
  for (let next = await unread.read(); !next.done; next = await unread.read()) octets += next.value.length
  assert.ok(octets < 500, `${octets} octets`)
  for (const wrong of [{ shortestPing: '31s' }, { longestPing: '4m' }, { shortestPing: 0 }]) {
    assert.equal(jmapSection.safeParse(wrong).success, false)
  }
})

test('submissions are remembered for their time', async (context) => {
  const mail = await mailHouse(context, { config: { submissionTime: '2h' } })
  const inbox = await mail.mailbox('INBOX')
  const email = { mailboxIds: { [inbox]: true }, from: [{ email: mail.ann.address }] }
  const to = [{ email: mail.ann.address }]
  const made: Loose = await mail.call('Email/set', { create: { k: { ...email, to } } })
  const identities: Loose = await mail.call('Identity/get', { ids: null })
  const submission = { emailId: made['created'].k.id, identityId: identities['list'][0].id }
  assert.ok(((await mail.call('EmailSubmission/set', { create: { s: submission } })) as Loose)['created'])
  const count = async (): Promise<number> =>
    ((await mail.call('EmailSubmission/get', { ids: null })) as Loose)['list'].length
  await mail.house.clock.advance('1h')
  assert.equal(await count(), 1)
  await mail.house.clock.advance('90m')
  assert.equal(await count(), 0)
})

test('a code of verification is tried to be told so often, and pushes say how long they are kept', async (context) => {
  const house = await JmapHouse.open(context, {
    config: { pushVerifications: 2, pushTimeToLive: '1h' },
    push: async () => ({ ok: false, problem: 'gone away' }),
  })
  const ann = await house.account('ann')
  const create = { k: { deviceClientId: 'd', url: 'https://push.example.net/x', types: null } }
  const made = await house.call(ann, 'PushSubscription/set', { create })
  assert.ok(textAt(made, 'created', 'k', 'id'))
  for (let minute = 0; minute < 5; minute++) {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
    await house.clock.advance('1m')
  }
  assert.deepEqual(
    house.posts.map(({ headers }) => headers['ttl']),
    ['3600', '3600'],
  )
})

test('two changes of one push subscription at once are both there', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const create = { k: { deviceClientId: 'd', url: 'https://push.example.net/x', types: null } }
  const id = textAt(await house.call(ann, 'PushSubscription/set', { create }), 'created', 'k', 'id')
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
  const { verificationCode } = JSON.parse(Buffer.from(house.posts[0]?.body ?? []).toString())
  const patches = [{ verificationCode }, { types: ['Email'] }]
  await Promise.all(
    patches.map((patch) => house.call(ann, 'PushSubscription/set', { update: { [id]: patch } })),
  )
  const got = await house.call(ann, 'PushSubscription/get', { ids: null })
  assert.equal(textAt(got, 'list', '0', 'verificationCode'), verificationCode)
  assert.deepEqual(at(got, 'list', '0', 'types'), ['Email'])
})

test('a search by reading ends where mail comes faster than it is read', async (context) => {
  const real = await testStore(context)
  await real.addDomain({ name: 'x.test', now: 0 })
  const made = await real.addAccount({
    ...{ address: 'ann@x.test', credentials: { argon2id: null, scramSha256: null }, mailboxes: [], now: 0 },
    quota: { bytes: null, messages: null },
  })
  assert.ok(made.ok)
  const account = made.account.id
  await arrive(real, account, { text: 'Subject: hi\r\n\r\nhay\r\n' })
  let flood = Infinity
  const store: Store = {
    ...real,
    async *emailTexts(request) {
      if (flood-- > 0) await arrive(real, account, { text: 'Subject: hi\r\n\r\nhay\r\n' })
      yield* real.emailTexts(request)
    },
  }
  const access = new MailAccess({ store, memory: 1e9, now: () => 0 })
  const rights = { account, shared: null, fingerprint: '' }
  const filter = filterOf(emailCondition)({ body: 'hay' })
  assert.ok(!(filter instanceof Wrong))
  const ask = () =>
    findEmails(
      { access, searcher: null, limits: { header: 1000, text: 1000 }, rounds: 5 },
      {
        ...{ rights, question: { filter, sort: [], collapseThreads: false } },
        open: async () => ({ view: await access.view(rights) }),
      },
    )
  assert.equal(await ask(), 'mail-comes-too-fast')
  flood = 3
  const found = await ask()
  assert.ok(found !== undefined && found !== 'mail-comes-too-fast')
  assert.equal(found.slots.length, found.state.view.index.emails.length)
  access.close()
})

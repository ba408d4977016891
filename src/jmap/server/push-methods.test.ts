import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createECDH } from 'node:crypto'
import { test } from 'node:test'
import { anyType, arrive, at, JmapHouse, mailAlone, textAt } from '../../../test/support/jmap-house.ts'
import { endPushesOfPassword } from '../../directory/push-credentials.ts'
import type { JsonObject } from '../proto/json.ts'
import type { Account, ObjectId } from '../../store/model.ts'
import type { PushAnswer } from './push-request.ts'

const url = 'https://example.com/push/?device=X8980fc&client=12c6d086'
const subscription = { deviceClientId: 'a889-ffea-910', url, types: null }
const day = 86_400_000
const bodyOf = (house: JmapHouse, index: number): JsonObject =>
  JSON.parse(Buffer.from(house.posts.at(index)?.body ?? []).toString())
const dateIn = (house: JmapHouse, milliseconds: number): string =>
  `${new Date(house.clock.now() + milliseconds).toISOString().slice(0, -5)}Z`

/** Whatever is under way without the clock. */
async function settled(house: JmapHouse): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
  await house.clock.advance(0)
}

const set = (house: JmapHouse, as: Account, args: object): Promise<JsonObject> =>
  house.call(as, 'PushSubscription/set', args)

/** Its id, verified. */
async function subscribe(house: JmapHouse, as: Account, more: object = {}): Promise<string> {
  const made = await set(house, as, { create: { k: { ...subscription, ...more } } })
  const id = textAt(made, 'created', 'k', 'id')
  await settled(house)
  const { verificationCode } = bodyOf(house, -1)
  const done = await set(house, as, { update: { [id]: { verificationCode } } })
  assert.deepEqual(done['updated'], { [id]: null })
  await settled(house)
  return id
}

test('a subscription is made, verified and renewed, as the example of RFC 8620 §7.2.3 has it', async (context) => {
  const house = await JmapHouse.open(context, { config: { pushExpires: '7d' } })
  const ann = await house.account('ann')
  const made = await set(house, ann, { create: { '4f29': subscription } })
  const id = textAt(made, 'created', '4f29', 'id')
  assert.deepEqual(made['created'], { '4f29': { id, keys: null, expires: dateIn(house, 7 * day) } })
  await settled(house)
  assert.equal(house.posts.length, 1)
  assert.equal(house.posts[0]?.url, url)
  const { verificationCode, ...verification } = bodyOf(house, 0)
  assert.deepEqual(verification, { '@type': 'PushVerification', pushSubscriptionId: id })
  const wrong = await set(house, ann, { update: { [id]: { verificationCode: 'guess' } } })
  assert.deepEqual(at(wrong, 'notUpdated', id, 'properties'), ['verificationCode'])
  const all = { url: 'https://other.test/', verificationCode: 'guess', types: 3, expires: 'soon' }
  assert.deepEqual(at(await set(house, ann, { update: { [id]: all } }), 'notUpdated', id, 'properties'), [
    'url',
    'verificationCode',
    'types',
    'expires',
  ])
  assert.deepEqual((await set(house, ann, { update: { [id]: { verificationCode } } }))['updated'], {
    [id]: null,
  })
  await house.clock.advance('2d')
  const renewed = await set(house, ann, { update: { [id]: { expires: dateIn(house, 30 * day) } } })
  assert.deepEqual(renewed['updated'], { [id]: { expires: dateIn(house, 7 * day) } })
  const got = await house.call(ann, 'PushSubscription/get', { ids: null })
  const { deviceClientId, types } = subscription
  assert.deepEqual(got, {
    list: [{ id, deviceClientId, verificationCode, expires: dateIn(house, 7 * day), types }],
    notFound: [],
  })
  await house.clock.advance('7d')
  assert.deepEqual((await house.call(ann, 'PushSubscription/get', { ids: [id] }))['notFound'], [id])
})

test('URLs and keys stay secret, and the code until the client has told it', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const made = await set(house, ann, { create: { k: subscription } })
  const id = textAt(made, 'created', 'k', 'id')
  for (const name of ['url', 'keys']) {
    assert.equal(
      await house.refusal(ann, 'PushSubscription/get', { ids: null, properties: [name] }),
      'forbidden',
    )
  }
  const get = { ids: [id], properties: ['verificationCode'] }
  const { list } = await house.call(ann, 'PushSubscription/get', get)
  assert.deepEqual(list, [{ id, verificationCode: null }])
  // RFC 8620 §5.3: "an entire Foo object is also a valid PatchObject".
  const whole = (await house.call(ann, 'PushSubscription/get', { ids: [id] }))['list']
  const same = await set(house, ann, { update: { [id]: at(whole, '0') ?? null } })
  assert.deepEqual(same['updated'], { [id]: null })
  assert.deepEqual((await house.call(ann, 'PushSubscription/get', get))['list'], list)
  const unknown = { ids: null, properties: ['colour'] }
  assert.equal(await house.refusal(ann, 'PushSubscription/get', unknown), 'invalidArguments')
  assert.equal(
    await house.refusal(ann, 'PushSubscription/get', { accountId: 'A1', ids: null }),
    'invalidArguments',
  )
})

test('whoever has told the code has his answer when his states are followed', async (context) => {
  const known = Promise.withResolvers<void>()
  const house = await JmapHouse.open(context, {
    modules: () => [
      mailAlone,
      anyType(
        () => house.store,
        () => known.promise,
      ),
    ],
  })
  const ann = await house.account('ann')
  const made = await set(house, ann, { create: { k: { ...subscription, types: ['Any'] } } })
  const id = textAt(made, 'created', 'k', 'id')
  await settled(house)
  let answered = false
  const { verificationCode } = bodyOf(house, -1)
  const telling = set(house, ann, { update: { [id]: { verificationCode } } }).finally(() => (answered = true))
  await settled(house)
  assert.equal(answered, false)
  known.resolve()
  assert.deepEqual((await telling)['updated'], { [id]: null })
  await arrive(house.store, ann.id)
  await settled(house)
  assert.deepEqual(bodyOf(house, -1)['@type'], 'StateChange')
})

test('pushes go over http to services of this machine and its networks at most, and only in tests', async (context) => {
  const inside = [
    'http://127.0.0.1:9000/push',
    'http://[::1]:9000/',
    'http://10.1.2.3/',
    'http://LOCALHOST/',
    'http://relay:8080/',
    'http://push.example.test/',
  ]
  const outside = [
    'http://example.com/push',
    'http://127.0.0.1.example.com/',
    'http://192.88.98.1/',
    'http://localhost./',
  ]
  for (const pushToLoopback of [true, false]) {
    const house = await JmapHouse.open(context, { config: { pushToLoopback } })
    const ann = await house.account('ann')
    for (const url of [...inside, ...outside]) {
      const done = await set(house, ann, { create: { k: { ...subscription, url } } })
      const taken = pushToLoopback && inside.includes(url)
      assert.deepEqual(at(done, 'notCreated', 'k', 'properties') ?? [], taken ? [] : ['url'], url)
    }
  }
})

test('what cannot be a subscription is refused', async (context) => {
  const house = await JmapHouse.open(context, {
    config: { pushSubscriptions: 2, pushSubscriptionsPerHour: 3 },
  })
  const ann = await house.account('ann')
  const create = async (object: object): Promise<unknown> => {
    const done = await set(house, ann, { create: { k: object } })
    return at(done, 'notCreated', 'k', 'properties', '0') ?? at(done, 'notCreated', 'k', 'type') ?? 'made'
  }
  const cases: [string, object][] = [
    ['url', { url: 'http://example.com/' }],
    ['url', { url: 'https://' }],
    ['url', { url: 'https://a:b@example.com/' }],
    ['url', { url: 'javascript:https://x/' }],
    ['deviceClientId', { deviceClientId: '' }],
    ['verificationCode', { verificationCode: 'x' }],
    ['expires', { expires: '2020-01-01T00:00:00Z' }],
    ['expires', { expires: 'tomorrow' }],
    ['keys', { keys: { p256dh: 'x', auth: 'y' } }],
    ['types', { types: 'Email' }],
    ['id', { id: 'P1' }],
  ]
  for (const [property, change] of cases) {
    assert.equal(await create({ ...subscription, ...change }), property, JSON.stringify(change))
  }
  const several = await set(house, ann, { create: { k: { url: 'x', types: 1, colour: 'red' } } })
  assert.deepEqual(at(several, 'notCreated', 'k', 'properties'), [
    ...['colour', 'deviceClientId', 'url', 'types'],
  ])
  assert.equal(await create({ ...subscription, expires: dateIn(house, day) }), 'made')
  assert.equal(await create(subscription), 'made')
  assert.equal(await create(subscription), 'overQuota')
  assert.equal(await create(subscription), 'rateLimit')
})

/** An object of the account that stands for a session or an app password. */
async function opened({ store }: JmapHouse, { id: account }: Account, kind: string): Promise<ObjectId> {
  const made = await store.changeObjects({ account, kind, create: [{ value: '{}' }], now: 0 })
  return (made.ok ? made.created[0] : undefined) ?? assert.fail()
}

test('subscriptions are seen with the credentials alone that made them, and end with these', async (context) => {
  const house = await JmapHouse.open(context)
  const { store } = house
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  await subscribe(house, ann)
  for (const [scheme, kind] of [
    ['Session', 'web-session'],
    ['App', 'app-password'],
  ] as const) {
    const id = await opened(house, ann, kind)
    const calls = async (name: string, args: object): Promise<JsonObject> => {
      const request = { using: ['urn:ietf:params:jmap:core'], methodCalls: [[name, args, '0']] }
      const headers = { authorization: `${scheme} ann@x.test ${id}` }
      const { body } = await house.request(ann, request, { headers })
      return at(body, 'methodResponses', '0', '1') as JsonObject
    }
    assert.deepEqual((await calls('PushSubscription/get', { ids: null }))['list'], [])
    const made = await calls('PushSubscription/set', { create: { s: subscription } })
    assert.equal(at(made, 'created', 's', 'expires') === null, scheme === 'Session')
    await settled(house)
    const { verificationCode } = bodyOf(house, -1)
    const pushSubscriptionId = textAt(bodyOf(house, -1), 'pushSubscriptionId')
    await calls('PushSubscription/set', { update: { [pushSubscriptionId]: { verificationCode } } })
    await settled(house)
    await store.changeObjects({ account: ann.id, kind, destroy: [id], now: 0 })
    const before = house.posts.length
    await arrive(house.store, ann.id)
    await settled(house)
    assert.equal(house.posts.length, before + 1, 'the one of the password alone is told')
    assert.deepEqual((await calls('PushSubscription/get', { ids: null }))['list'], [])
    assert.ok(
      house.events.some(
        ({ name, fields }) => name === 'jmap.push-removed' && fields['reason'] === 'credentials',
      ),
    )
    await house.clock.advance('1m')
  }
  await endPushesOfPassword(store, { account: ann.id, now: house.clock.now() })
  const before = house.posts.length
  await arrive(house.store, ann.id)
  await settled(house)
  assert.equal(house.posts.length, before, 'nobody is told')
})

test('changes are pushed by type, not faster than allowed, and what comes between is told together', async (context) => {
  const house = await JmapHouse.open(context, { config: { pushInterval: '10s' } })
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  await subscribe(house, ann, { types: ['Quota'] })
  const other = await subscribe(house, ann, { types: ['Todo'] })
  const start = house.posts.length
  await arrive(house.store, ann.id)
  await settled(house)
  assert.deepEqual(Object.keys(at(bodyOf(house, -1), 'changed', 'A1') as object), ['Quota'])
  assert.equal(house.posts.length, start + 1, other)
  for (let time = 0; time < 3; time++) await arrive(house.store, ann.id)
  await settled(house)
  assert.equal(house.posts.length, start + 1)
  await house.clock.advance('10s')
  await settled(house)
  assert.equal(house.posts.length, start + 2)
  const { state } = await house.call(ann, 'Quota/get', { accountId: 'A1', ids: null })
  assert.equal(at(bodyOf(house, -1), 'changed', 'A1', 'Quota'), state)
})

test('a service that fails is tried again more and more seldom, and one that is gone no more', async (context) => {
  const answers: PushAnswer[] = []
  const ok: PushAnswer = { ok: true, status: 201, retryAfter: null }
  const house = await JmapHouse.open(context, {
    push: () => answers.shift() ?? ok,
    config: { pushInterval: 0 },
  })
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  const id = await subscribe(house, ann)
  answers.push(
    { ok: false, problem: 'refused' },
    { ...ok, status: 503 },
    { ...ok, status: 429, retryAfter: '60' },
  )
  const start = house.posts.length
  await arrive(house.store, ann.id)
  await settled(house)
  const counts: number[] = []
  for (const wait of ['4s', '2s', '9s', '2s', '50s', '11s']) {
    await house.clock.advance(wait)
    await settled(house)
    counts.push(house.posts.length - start)
  }
  assert.deepEqual(counts, [1, 2, 3, 3, 3, 4])
  answers.push({ ...ok, status: 410 })
  await arrive(house.store, ann.id)
  await settled(house)
  assert.deepEqual((await house.call(ann, 'PushSubscription/get', { ids: [id] }))['notFound'], [id])
  await arrive(house.store, ann.id)
  await settled(house)
  assert.equal(house.posts.length, start + 5)
})

test('with keys a push is encrypted; subscriptions that are kept are taken up at a start', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  const curve = createECDH('prime256v1')
  const p256dh = curve.generateKeys('base64url')
  const made = await set(house, ann, {
    create: { k: { ...subscription, keys: { p256dh, auth: Buffer.alloc(16, 1).toString('base64url') } } },
  })
  assert.equal(at(made, 'created', 'k', 'keys'), undefined)
  await settled(house)
  const [post] = house.posts
  assert.equal(post?.headers['content-encoding'], 'aes128gcm')
  assert.equal(Buffer.from(post?.body ?? []).includes('PushVerification'), false)
  await house.startPushing()
})

test('a subscription that is destroyed is told nothing more', async (context) => {
  const house = await JmapHouse.open(context, { config: { pushInterval: 0 } })
  const ann = await house.account('ann', { bytes: 1_000_000, messages: null })
  const id = await subscribe(house, ann)
  const start = house.posts.length
  const done = await set(house, ann, { destroy: [id, 'P99'] })
  assert.deepEqual([done['destroyed'], at(done, 'notDestroyed', 'P99', 'type')], [[id], 'notFound'])
  await arrive(house.store, ann.id)
  await settled(house)
  assert.equal(house.posts.length, start)
})

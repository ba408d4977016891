import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { anyType, arrive, JmapHouse, settled, textAt } from '../../../test/support/jmap-house.ts'
import { mailHouse } from '../../../test/support/mail-house.ts'
import type { WebSocketHandler } from '../../base/http-mount.ts'
import type { JsonObject } from '../proto/json.ts'
import type { Account } from '../../store/model.ts'

const limited = { bytes: 1_000_000, messages: null }

/** Reads a stream event by event. */
function reader(response: Response): { next(): Promise<string | null>; cancel(): Promise<void> } {
  assert.equal(response.status, 200)
  const stream = response.body?.getReader() ?? assert.fail()
  let text = ''
  return {
    async next() {
      while (!text.includes('\n\n')) {
        const { done, value } = await stream.read()
        if (done) return null
        text += Buffer.from(value).toString()
      }
      const end = text.indexOf('\n\n')
      const event = text.slice(0, end)
      text = text.slice(end + 2)
      return event
    },
    cancel: () => stream.cancel(),
  }
}

const stream = async (house: JmapHouse, as: Account, query: string, headers = {}) =>
  reader(await house.fetch(as, `/jmap/eventsource?${query}`, { headers }))

test('pings come when nothing else came for so long, and set no id', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', limited)
  const events = await stream(house, ann, 'types=*&closeafter=no&ping=60')
  assert.equal(await events.next(), ': here')
  await settled()
  await house.clock.advance('59s')
  await arrive(house.store, ann.id)
  assert.match(
    (await events.next()) ?? '',
    /^event: state\nid: \S+\ndata: \{"@type":"StateChange","changed":\{"A1":/,
  )
  await house.clock.advance('59s')
  await house.clock.advance('1s')
  assert.equal(await events.next(), 'event: ping\ndata: {"interval":60}')
  await house.clock.advance('60s')
  assert.equal(await events.next(), 'event: ping\ndata: {"interval":60}')
  await events.cancel()
})

test('an interval beyond the bounds is clamped, and told', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const events = await stream(house, ann, 'types=*&closeafter=no&ping=86400')
  await events.next()
  await settled()
  await house.clock.advance('900s')
  assert.equal(await events.next(), 'event: ping\ndata: {"interval":900}')
  await events.cancel()
})

test('only types that were asked for are told, and closeafter=state ends with the first', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', limited)
  const other = await stream(house, ann, 'types=Todo&closeafter=no&ping=0')
  const events = await stream(house, ann, 'types=Quota,Todo&closeafter=state&ping=0')
  await Promise.all([other.next(), events.next()])
  await settled()
  await arrive(house.store, ann.id)
  assert.match((await events.next()) ?? '', /^event: state/)
  assert.equal(await events.next(), null)
  const answer = await Promise.race([other.next(), settled().then(() => 'nothing')])
  assert.equal(answer, 'nothing')
  await other.cancel()
})

test('a stream ends when the server does, and with the account', async (context) => {
  const house = await JmapHouse.open(context)
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const [one, other] = [await stream(house, ann, 'types=*'), await stream(house, ben, 'types=*')]
  await Promise.all([one.next(), other.next()])
  await settled()
  await house.store.removeAccount(ann.id)
  assert.equal(await one.next(), null)
  house[Symbol.dispose]()
  assert.equal(await other.next(), null)
})

test('wrong parameters, and more streams than are allowed, are refused', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxEventSources: 1 } })
  const ann = await house.account('ann')
  for (const query of ['types=', 'closeafter=never', 'ping=-1', 'ping=x']) {
    assert.equal((await house.fetch(ann, `/jmap/eventsource?${query}`)).status, 400, query)
  }
  const first = await stream(house, ann, 'types=*')
  const refused = await house.fetch(ann, '/jmap/eventsource?types=*')
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1'])
  await first.cancel()
  const second = await stream(house, ann, 'types=*')
  await second.cancel()
})

test('a stream begins when states are known: what changes after its header is told', async (context) => {
  const known = Promise.withResolvers<void>()
  let reading = known.promise
  const house = await JmapHouse.open(context, {
    modules: () => [
      anyType(
        () => house.store,
        () => reading,
      ),
    ],
  })
  const ann = await house.account('ann')
  let begun = false
  const opening = stream(house, ann, 'types=Any').finally(() => (begun = true))
  await settled()
  assert.equal(begun, false)
  known.resolve()
  const events = await opening
  reading = Promise.resolve()
  await arrive(house.store, ann.id)
  assert.equal(await events.next(), ': here')
  assert.match((await events.next()) ?? '', /^event: state\n/)
  await events.cancel()
})

test('a mailbox that is shared later is told of, and what happens there', async (context) => {
  const house = await JmapHouse.open(context, {
    modules: () => [anyType(() => house.store)],
  })
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const events = await stream(house, ann, 'types=Any')
  await events.next()
  await settled()
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  const share = {
    account: ben.id,
    mailbox: inbox.id,
    grantee: ann.id,
    negative: false,
    mode: 'replace' as const,
  }
  await house.store.setAccess({ ...share, rights: 'lr' })
  assert.match((await events.next()) ?? '', /"A2":\{"Any"/)
  await arrive(house.store, ben.id)
  assert.match((await events.next()) ?? '', /"changed":\{"A2":\{"Any"/)
  await events.cancel()
})

test('of somebody else’s account a guest hears of the types alone that he has there', async (context) => {
  const house = await JmapHouse.open(context)
  const [ann, ben] = [await house.account('ann', limited), await house.account('ben', limited)]
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  await house.store.setAccess({
    ...{ account: ben.id, mailbox: inbox.id, grantee: ann.id },
    ...{ negative: false, mode: 'replace', rights: 'lr' },
  })
  const [guest, owner] = [await stream(house, ann, 'types=*'), await stream(house, ben, 'types=*')]
  for (const events of [guest, owner]) await events.next()
  await settled()
  // The quotas of an account are its owner's to know.
  await arrive(house.store, ben.id)
  assert.match((await owner.next()) ?? '', /"changed":\{"A2":\{"Quota":/)
  await settled()
  await arrive(house.store, ann.id)
  assert.match((await guest.next()) ?? '', /"changed":\{"A1":\{"Quota":[^}]*\}\}/)
  for (const events of [guest, owner]) await events.cancel()
})

async function socket(
  house: JmapHouse,
  as: Account,
): Promise<{ handler: WebSocketHandler; said: JsonObject[]; closed: number[] }> {
  const handler = await house.upgrade(as, '/jmap/ws')
  assert.ok(!(handler instanceof Response))
  const said: JsonObject[] = []
  const closed: number[] = []
  handler.opened({
    send: (text) => void said.push(JSON.parse(text)),
    buffered: 0,
    close: (code) => void closed.push(code),
  })
  return { handler, said, closed }
}

test('a WebSocket is told what it missed, until it wants no more (RFC 8887 §4.3.5)', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann', limited)
  const first = await socket(house, ann)
  const enable = { '@type': 'WebSocketPushEnable', dataTypes: null }
  await first.handler.message(JSON.stringify(enable))
  await arrive(house.store, ann.id)
  await settled()
  const { pushState } = first.said[0] ?? {}
  assert.equal(typeof pushState, 'string')
  await first.handler.message(JSON.stringify({ '@type': 'WebSocketPushDisable' }))
  await arrive(house.store, ann.id)
  await settled()
  assert.equal(first.said.length, 1)
  const second = await socket(house, ann)
  await second.handler.message(JSON.stringify({ ...enable, pushState }))
  assert.equal(second.said.length, 1)
  const third = await socket(house, ann)
  await third.handler.message(JSON.stringify({ ...enable, pushState: second.said[0]?.['pushState'] }))
  assert.deepEqual(third.said, [])
  for (const { handler } of [first, second, third]) handler.closed()
  await arrive(house.store, ann.id)
  await settled()
  assert.equal(second.said.length, 1)
})

test('a WebSocket refuses what is too large or no message, and goes when its credentials do', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxSizeRequest: 100 } })
  const ann = await house.account('ann')
  const { handler, said, closed } = await socket(house, ann)
  await handler.message(JSON.stringify({ '@type': 'Request', id: 'x', more: 'x'.repeat(100) }))
  await handler.message(JSON.stringify({ '@type': 'Request', id: 'y' }))
  await handler.message(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: 'Email', id: 'z' }))
  assert.deepEqual(
    said.map(({ requestId, type, limit }) => [requestId, textAt(type).split(':').at(-1), limit]),
    [
      [null, 'limit', 'maxSizeRequest'],
      ['y', 'notRequest', undefined],
      ['z', 'notRequest', undefined],
    ],
  )
  await house.store.removeAccount(ann.id)
  await house.clock.advance('2m')
  assert.deepEqual(closed, [1008], 'without a word of the client')
  await handler.message('{}')
  assert.deepEqual(closed, [1008])
  handler.closed()
  const ben = await house.account('ben')
  const refused = await house.upgrade(ben, '/jmap/ws', 'chat')
  assert.ok(refused instanceof Response && refused.status === 400)
})

test('the state of Identities is that of a client who looks, from the beginning', async (context) => {
  const mail = await mailHouse(context)
  const events = await stream(mail.house, mail.ann, 'types=Identity,VacationResponse&closeafter=no')
  await events.next()
  await settled()
  const state = textAt(await mail.call('Identity/get', {}), 'state')
  await settled()
  await mail.call('VacationResponse/set', { update: { singleton: { isEnabled: true } } })
  const news = (await events.next()) ?? ''
  assert.match(news, /"VacationResponse":/, 'nothing was news before')
  assert.doesNotMatch(news, /"Identity":/)
  await mail.call('Identity/set', { create: { k: { email: mail.ann.address } } })
  const told = (await events.next()) ?? ''
  assert.match(told, /"Identity":/)
  assert.doesNotMatch(told, new RegExp(`"Identity":"${state}"`))
  await events.cancel()
})

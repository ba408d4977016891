// Time-outs that disagree: a far side that hangs, is late, or says its words in pieces, too many, or to the wrong command; and filters
// here that take five minutes (docs/time-outs.md). Whole Posthorns in virtual time.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test, type TestContext } from 'node:test'
import type { House, HouseSettings } from '../simulation/house.ts'
import { World } from '../simulation/world.ts'
import { type Behaviour, OddHost } from '../support/odd-host.ts'

const minute = 60_000
const farAddress = '203.0.113.9'

interface Scene {
  readonly world: World
  readonly house: House
  readonly far: OddHost
}

/** A Posthorn, `far.test` with a host that behaves so, and `calm.test` with one that consents to everything. */
async function scene(
  context: TestContext,
  behave: Behaviour,
  extensions?: readonly string[],
): Promise<Scene> {
  const world = new World('time-outs')
  context.after(async () => {
    for (const one of world.houses) await one.audit()
    await world[Symbol.asyncDispose]()
  })
  const house = await world.addHouse('house.test', ['ann'])
  const far = new OddHost(behave, extensions)
  const network = world.network.host([farAddress])
  await network.listen({ address: farAddress, port: 25, identity: null }, (connection) =>
    far.serve(connection),
  )
  world.publish(`far.test. MX 10 mx.far.test.\nmx.far.test. A ${farAddress}`)
  return { world, house, far }
}

function letter(name: string): { from: string; to: string[]; text: string } {
  const text = `Message-ID: <${name}@house.test>\r\nFrom: ann@house.test\r\n\r\n${name}\r\n`
  return { from: 'ann@house.test', to: [`${name}@far.test`], text }
}

async function rowOf(house: House, recipient: string) {
  const entries = await house.queued()
  const entry = entries.find(({ recipients }) => recipients.some(({ address }) => address === recipient))
  const row = entry?.recipients.find(({ address }) => address === recipient)
  if (row === undefined) throw new Error(`nothing is queued for ${recipient}`)
  return row
}

const hangsAfterDot: Behaviour = ({ line, index }, usual) => {
  if (line !== '.' || index > 0) usual()
}

test('a host that hangs after the final dot: unknown, said so, and not tried again soon', async (context) => {
  const { world, house, far } = await scene(context, hangsAfterDot)
  await house.submit(letter('dora'))
  // RFC 5321 §4.5.3.2.6: 10 minutes.
  await world.clock.advance(9 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).state, 'active')
  await world.clock.advance(2 * minute)
  const row = await rowOf(house, 'dora@far.test')
  assert.equal(row.state, 'waiting')
  assert.equal(row.last?.outcome, 'unknown')
  assert.equal(row.last.stage, 'reply')
  assert.match(row.last.reply, /did not answer within 600 seconds/)
  // RFC 1047: a second copy is worse than patience.
  await world.clock.advance(220 * minute)
  assert.equal(far.taken.length, 1)
  await world.clock.advance(60 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'delivered')
  assert.equal(far.taken.length, 2)
  // It was late: that is all that its sender hears.
  assert.deepEqual(
    (await house.filed()).map(({ text }) => /^Action: (.*)\r$/m.exec(text)?.[1]),
    ['delayed'],
  )
})

test('a reply that takes eight minutes is waited for, and nobody else waits', async (context) => {
  const late: Behaviour = ({ line }, usual) => {
    if (line === '.') void world.clock.after(8 * minute, usual)
    else usual()
  }
  const { world, house, far } = await scene(context, late)
  const calm = new OddHost((_, usual) => usual())
  const network = world.network.host(['203.0.113.10'])
  await network.listen({ address: '203.0.113.10', port: 25, identity: null }, (one) => calm.serve(one))
  world.publish('calm.test. MX 10 mx.calm.test.\nmx.calm.test. A 203.0.113.10')
  await house.submit(letter('dora'))
  await world.clock.advance(minute)
  await house.submit({ ...letter('emil'), to: ['emil@calm.test'] })
  await world.clock.advance(5000)
  assert.equal(calm.taken.length, 1)
  assert.equal((await rowOf(house, 'dora@far.test')).state, 'active')
  await world.clock.advance(8 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'delivered')
  assert.equal(far.taken.length, 1)
})

test('replies that come octet by octet are replies', async (context) => {
  const split: Behaviour = ({ line, raw }, usual) => {
    const words: Record<string, string> = {
      greeting: '220-far.test\r\n220 at last\r\n',
      MAIL: '250-first\r\n250 2.1.0 second\r\n',
      RCPT: '250 2.1.5 ok\r\n',
      '.': '250-2.0.0 taken\r\n250 2.0.0 really\r\n',
    }
    const text = words[line.split(/[ :]/, 1)[0] ?? '']
    if (text === undefined) return usual()
    for (const [at, octet] of [...text].entries()) world.clock.after(at * 100, () => raw(octet))
    return undefined
  }
  const { world, house, far } = await scene(context, split, [])
  await house.submit(letter('dora'))
  await world.clock.advance(minute)
  const row = await rowOf(house, 'dora@far.test')
  assert.equal(row.outcome, 'delivered')
  assert.equal(row.last?.reply, '250-2.0.0 taken\n250 2.0.0 really')
  assert.equal(far.taken.length, 1)
})

test('421 in the middle of a pipeline defers with its words', async (context) => {
  const leaves: Behaviour = ({ line, index, say, close }, usual) => {
    if (!line.startsWith('RCPT') || index > 0) return usual()
    say('421 4.3.2 going down')
    return close()
  }
  const { world, house, far } = await scene(context, leaves)
  await house.submit(letter('dora'))
  await world.clock.advance(minute)
  const row = await rowOf(house, 'dora@far.test')
  assert.deepEqual(
    [row.state, row.last?.outcome, row.last?.reply],
    ['waiting', 'deferred', '421 4.3.2 going down'],
  )
  await world.clock.advance(10 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'delivered')
  assert.equal(far.taken.length, 1)
})

test('a host that closes in the middle of the content has not taken it', async (context) => {
  const drops: Behaviour = ({ line, index, close }, usual) => {
    if (line === 'content' && index === 0) close()
    else usual()
  }
  const { world, house, far } = await scene(context, drops)
  // More than is on its way at once.
  const long = letter('dora')
  await house.submit({ ...long, text: long.text + `${'x'.repeat(70)}\r\n`.repeat(20_000) })
  await world.clock.advance(minute)
  const row = await rowOf(house, 'dora@far.test')
  assert.deepEqual([row.state, row.last?.outcome], ['waiting', 'deferred'])
  await world.clock.advance(10 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'delivered')
  assert.equal(far.taken.length, 1)
})

/** Whoever counts on from the second 250 takes the answer to MAIL for that to RCPT, and believes that the refused one is served. */
const doubled: Behaviour = ({ line, index, connection, say }, usual) => {
  if (line === '.' && index === 0) {
    say('250 taken')
    say('250 taken, I said')
  } else if (connection === 0 && index > 0 && line.startsWith('RCPT')) say('550 5.1.1 no such user')
  else usual()
}

test('a reply too many ends the session, and the next message goes over another', async (context) => {
  const { world, house, far } = await scene(context, doubled, [])
  await house.submit(letter('dora'))
  await house.submit(letter('emil'))
  await world.clock.advance(20 * minute)
  for (const name of ['dora', 'emil']) {
    assert.equal((await rowOf(house, `${name}@far.test`)).outcome, 'delivered', name)
    assert.equal(far.taken.filter((content) => content.includes(`<${name}@`)).length, 1, name)
  }
  assert.equal(far.connections, 2)
  assert.equal((await house.filed()).length, 0)
})

test('a reply too many in the middle of a pipeline makes nobody believe that mail was taken', async (context) => {
  const { world, house, far } = await scene(context, doubled)
  const names = ['dora', 'emil', 'fred']
  for (const name of names) await house.submit(letter(name))
  await world.clock.advance(20 * minute)
  for (const name of names) {
    const { outcome } = await rowOf(house, `${name}@far.test`)
    const copies = far.taken.filter((content) => content.includes(`<${name}@`)).length
    assert.equal(copies, outcome === 'delivered' ? 1 : 0, `${name} ${outcome}`)
  }
})

test('a host that drops every connection is tried as the ladder says, and the mail comes back after five days', async (context) => {
  const { world, house, far } = await scene(context, ({ close }) => close())
  await house.submit(letter('dora'))
  await world.clock.advance(10 * minute)
  assert.ok(far.connections <= 4, `${far.connections} connections in ten minutes`)
  await world.clock.advance('6d')
  // 36 attempts in five days (docs/queue.md), each to one address.
  assert.ok(far.connections <= 45, `${far.connections} connections in five days`)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'expired')
  const told = (await house.filed()).map(({ text }) => /^Action: (.*)\r$/m.exec(text)?.[1])
  assert.deepEqual(told, ['delayed', 'failed'])
})

test('a resolver that is dead for an hour bounces nothing (RFC 5321 §5.1)', async (context) => {
  const { world, house, far } = await scene(context, (_, usual) => usual())
  const dead = '$FAIL far.test. servfail'
  world.publish(dead)
  await house.submit(letter('dora'))
  await world.clock.advance(60 * minute)
  const row = await rowOf(house, 'dora@far.test')
  assert.deepEqual(
    [row.state, row.last?.outcome, row.last?.status, row.last?.stage],
    ['waiting', 'deferred', '4.4.3', 'dns'],
  )
  assert.equal(far.connections, 0)
  world.withdraw(dead)
  await world.clock.advance(120 * minute)
  assert.equal((await rowOf(house, 'dora@far.test')).outcome, 'delivered')
})

test('a filter that takes five minutes: the dot is answered within one, nothing is kept, nobody else waits', async (context) => {
  const world = new World('filter')
  context.after(async () => {
    await house.audit()
    await world[Symbol.asyncDispose]()
  })
  const settings: HouseSettings = {
    sections: {
      hooks: {
        // Longer than all of them may take.
        dataTimeout: '10m',
        data: async ({ reversePath }: { reversePath: { localPart: string } | null }) => {
          if (reversePath?.localPart === 'slow') await world.clock.sleep(5 * minute)
        },
      },
    },
  }
  const house = await world.addHouse('house.test', ['ann'], settings)
  const slow = await talk(world, 'slow@client.test')
  await world.clock.advance(10_000)
  assert.equal(slow.last(), '354')
  const quick = await talk(world, 'quick@client.test')
  await world.clock.advance(1000)
  assert.equal(quick.last(), '250')
  assert.equal((await house.filed()).length, 1)
  await world.clock.advance(minute)
  assert.match(slow.last(), /^4\d\d$/)
  assert.ok(slow.answeredAfter() <= minute, `answered after ${slow.answeredAfter()} ms`)
  await world.clock.advance(10 * minute)
  assert.equal((await house.filed()).length, 1)
})

/** A client that sends one message for Ann and listens. */
async function talk(
  world: World,
  from: string,
): Promise<{ last: () => string; answeredAfter: () => number }> {
  let heard = ''
  let heardAt = 0
  const dialing = world.network.dial({ address: '198.51.100.1', port: 25, timeoutMilliseconds: minute })
  await world.clock.advance(1000)
  const client = await dialing
  client.onData = (bytes) => {
    heardAt = world.clock.monotonic()
    heard += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
  client.resume()
  const envelope = `EHLO client.test\r\nMAIL FROM:<${from}>\r\nRCPT TO:<ann@house.test>\r\nDATA\r\n`
  let saidAt = 0
  for (const text of [envelope, 'Subject: x\r\n\r\nhello\r\n.\r\n']) {
    client.write(text)
    saidAt = world.clock.monotonic()
    await world.clock.advance(500)
  }
  return {
    answeredAfter: () => heardAt - saidAt,
    last: () => heard.trimEnd().split('\r\n').at(-1)?.slice(0, 3) ?? '',
  }
}

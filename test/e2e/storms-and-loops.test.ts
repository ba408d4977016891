// Storms and loops, each between whole Posthorns in virtual time (docs/storms-and-loops.md): all of them stop after a bounded number of
// messages, and nobody gets more than one report.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { House, HouseSettings } from '../simulation/house.ts'
import { World } from '../simulation/world.ts'

const day = 24 * 3_600_000

async function makeWorld(context: TestContext): Promise<World> {
  const world = new World('storms')
  context.after(async () => {
    for (const house of world.houses) await house.audit()
    await world[Symbol.asyncDispose]()
  })
  return world
}

function letter(from: string, to: string, more = ''): { from: string; to: string[]; text: string } {
  return { from, to: [to], text: `Message-ID: <first@house.test>\r\n${more}From: ${from}\r\n\r\nhello\r\n` }
}

const alias = (house: House, address: string, targets: readonly string[]): Promise<unknown> =>
  house.operate('alias.set', { address, targets })

/** Messages that ever were in a queue of these houses. */
async function queuedIn(world: World): Promise<number> {
  const all = await Promise.all(world.houses.map((house) => house.queued()))
  return all.reduce((sum, entries) => sum + entries.length, 0)
}

async function reportsTo(house: House, account: string): Promise<string[]> {
  const filed = await house.filed()
  return filed
    .filter((one) => one.account === account && one.text.includes('multipart/report'))
    .map(({ text }) => text)
}

test('two Posthorns that forward to each other: refused on the second round, one report', async (context) => {
  const world = await makeWorld(context)
  const zoe = await world.addHouse('zoe.test', ['zoe'])
  const a = await world.addHouse('a.test', ['postmaster'])
  const b = await world.addHouse('b.test', ['postmaster'])
  await alias(a, 'ann@a.test', ['bob@b.test'])
  await alias(b, 'bob@b.test', ['ann@a.test'])
  await zoe.submit(letter('zoe@zoe.test', 'ann@a.test'))
  await world.comeToRest(6 * day)
  const reports = await reportsTo(zoe, 'zoe@zoe.test')
  assert.equal(reports.length, 1)
  assert.match(reports[0] ?? '', /^Status: 5\.4\.6\r$/m)
  assert.ok((await queuedIn(world)) <= 6, `${await queuedIn(world)} messages were queued`)
  for (const house of [a, b]) assert.equal((await house.filed()).length, 0)
})

test('a message that comes back through hosts without a mark of ours ends by its Received fields', async (context) => {
  const world = await makeWorld(context)
  // Each takes mail for the ring in, as one of its hosts, and believes that the other one is the next.
  const ring = (next: string): HouseSettings => ({
    sections: {
      smtp: { greetDelay: '0s', maxReceived: 30 },
      relay: {
        enabled: true,
        domains: ['ring.test'],
        routes: [{ kind: 'host', recipients: ['ring.test'], host: next, port: 25, tls: 'none' }],
      },
    },
  })
  const a = await world.addHouse('a.test', ['ann'], ring('mx.b.test'))
  const b = await world.addHouse('b.test', ['bob'], ring('mx.a.test'))
  await a.submit(letter('ann@a.test', 'x@ring.test'))
  await world.comeToRest(6 * day)
  const reports = await reportsTo(a, 'ann@a.test')
  assert.equal(reports.length, 1)
  assert.match(reports[0] ?? '', /^Status: 5\.4\.6\r$/m)
  const queued = await queuedIn(world)
  assert.ok(queued >= 30 && queued <= 35, `${queued} messages were queued`)
  assert.equal((await b.filed()).length, 0)
})

test('a bounce of a bounce is not made', async (context) => {
  const world = await makeWorld(context)
  const a = await world.addHouse('a.test', ['ann'])
  const b = await world.addHouse('b.test', ['bob'])
  // Neither the recipient nor the sender is there.
  await a.submit(letter('ghost@b.test', 'nobody@b.test'))
  // And what has no sender to begin with.
  await a.submit(letter('', 'nobody@b.test'))
  await world.comeToRest(6 * day)
  // The two messages, and one report, which was refused.
  assert.equal(await queuedIn(world), 3)
  for (const house of [a, b]) assert.equal((await house.filed()).length, 0)
})

test('a report for a mailbox that is full ends there', async (context) => {
  const world = await makeWorld(context)
  const a = await world.addHouse('a.test', ['ann'])
  await world.addHouse('b.test', ['bob'])
  await a.submit(letter('ann@a.test', 'nobody@b.test'))
  await a.operate('account.quota', { address: 'ann@a.test', quota: { messages: 0, bytes: 1 } })
  await world.comeToRest(6 * day)
  assert.equal((await a.filed()).length, 0)
  assert.equal(a.events.count('queue.report-dropped'), 1)
  // The message alone: a report that has no place is not made again and again.
  assert.equal(await queuedIn(world), 1)
})

test('lists that contain themselves and each other give everyone one copy', async (context) => {
  const world = await makeWorld(context)
  const a = await world.addHouse('a.test', ['ann', 'eve'])
  const b = await world.addHouse('b.test', ['bob'])
  await alias(a, 'all@a.test', ['all@a.test', 'some@a.test', 'ann@a.test', 'all@b.test'])
  await alias(a, 'some@a.test', ['all@a.test', 'ann@a.test'])
  await alias(b, 'all@b.test', ['bob@b.test', 'all@a.test'])
  await a.submit(letter('eve@a.test', 'all@a.test'))
  await world.comeToRest(6 * day)
  const copies = async (house: House, account: string): Promise<number> =>
    (await house.filed()).filter((one) => one.account === account && !one.text.includes('multipart/report'))
      .length
  assert.equal(await copies(a, 'ann@a.test'), 1)
  assert.equal(await copies(b, 'bob@b.test'), 1)
  assert.ok((await reportsTo(a, 'eve@a.test')).length <= 1)
  assert.ok((await queuedIn(world)) <= 6, `${await queuedIn(world)} messages were queued`)
})

test('two programs that answer every message answer each other no more than the ceiling allows', async (context) => {
  const world = await makeWorld(context)
  const settings: HouseSettings = { sections: { queue: { automaticPerHour: 10 } } }
  const a = await world.addHouse('a.test', ['ann', 'eve'], settings)
  const b = await world.addHouse('b.test', ['bob'], settings)
  await a.submit(letter('ann@a.test', 'bob@b.test'))
  let answers = 0
  const seen = new Map<House, number>([
    [a, 0],
    [b, 0],
  ])
  // They keep no record of whom they have answered, and look at nothing but the sender, as the worst of them do.
  for (let idle = 0; idle < 3 && answers < 1000;) {
    await world.clock.advance(10_000)
    let news = 0
    for (const [house, self, other] of [
      [a, 'ann@a.test', 'bob@b.test'],
      [b, 'bob@b.test', 'ann@a.test'],
    ] as const) {
      const filed = (await house.filed()).filter(({ account }) => account === self)
      for (const { text } of filed.slice(seen.get(house) ?? 0)) {
        news++
        if (text.startsWith('Return-Path: <>')) continue
        answers++
        await house.submit(letter(self, other, 'Auto-Submitted: auto-replied\r\nSubject: I am away\r\n'))
      }
      seen.set(house, filed.length)
    }
    idle = news === 0 ? idle + 1 : 0
  }
  await world.comeToRest(6 * day)
  assert.ok(answers <= 22, `${answers} answers were given`)
  // Whose answer was one too many is told so, under the null reverse-path, which nobody answers.
  const reports = [...(await reportsTo(a, 'ann@a.test')), ...(await reportsTo(b, 'bob@b.test'))]
  assert.ok(reports.length <= 1, `${reports.length} reports`)
})

// The three old troubles of SMTP, each as one check that Posthorn passes and a naive server (test/support/naive-mta.ts) does not: that
// shows that the checks find what they are for. What else there is to each trouble is in large-relay, time-outs and
// storms-and-loops beside this file; docs/size.md, docs/time-outs.md and docs/storms-and-loops.md tell of all of it.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { World } from '../simulation/world.ts'
import { NaiveMta, type NaiveOptions } from '../support/naive-mta.ts'
import { OddHost } from '../support/odd-host.ts'
import { LineSocket } from './line-socket.ts'
import { addPeople, listener, serve, temporaryPlace, writeConfig } from './program.ts'

// The checks

const megabyte = Buffer.from(
  '0123456789012345678901234567890123456789012345678901234567890\r\n'.repeat(16_644),
)
const largeMegabytes = 96
/** Both have their buffers, and a collector that lets things lie about; neither needs half a message. */
const allowedKilobytes = (largeMegabytes * 1024) / 2

/** Size: a large message takes no more memory than a small one. */
async function takesLargeMessages({ port, pid }: { port: number; pid: number }): Promise<void> {
  await sendMegabytes(port, 4)
  const before = peakKilobytes(pid)
  await sendMegabytes(port, largeMegabytes)
  const grown = peakKilobytes(pid) - before
  assert.ok(grown < allowedKilobytes, `memory rose by ${grown} KB`)
}

async function sendMegabytes(port: number, count: number): Promise<void> {
  const client = await LineSocket.open(port)
  await client.reply()
  for (const line of ['EHLO c.test', 'MAIL FROM:<>', 'RCPT TO:<ann@mail.test>', 'DATA']) {
    assert.match((await client.command(line)) ?? '', /^[23]/, line)
  }
  for (let sent = 0; sent < count; sent++) await client.sendSlowly(megabyte)
  assert.match((await client.command('.')) ?? '', /^250/)
  client.close()
}

/** The most that was ever resident. */
function peakKilobytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

/** Time-outs, as the sender: a host that hangs after the final dot has the message once, and not again within three hours. */
async function sendsOneCopy(world: World, far: OddHost, send: () => Promise<unknown>): Promise<void> {
  await send()
  await world.clock.advance('3h')
  assert.equal(far.taken.length, 1, `${far.taken.length} copies`)
}

/** Time-outs, as the receiver: the final dot is answered within a minute, whatever its filter does. */
async function answersInTime(world: World, address: string): Promise<void> {
  const client = await talk(world, address)
  await world.clock.advance('61s')
  assert.match(client(), /^[245]\d\d .*\r\n$/m, 'the final dot has no answer')
}

/** Storms: mail that two servers forward to each other comes to an end after a few messages. */
async function comesToAnEnd(
  world: World,
  send: () => Promise<unknown>,
  count: () => Promise<number>,
): Promise<void> {
  await send()
  await world.clock.advance('10m')
  const messages = await count()
  assert.ok(messages <= 20, `${messages} messages`)
}

// Posthorn, and the other one

const failsTheCheck = (words: RegExp) => (error: unknown) =>
  error instanceof assert.AssertionError && words.test(error.message)

const noMemoryTold = process.platform === 'linux' ? false : 'the system does not tell the peak of memory'

test('size: Posthorn', { skip: noMemoryTold }, async (context) => {
  const place = await temporaryPlace(context)
  await writeConfig(place.folder, `maxMessageSize = "1 GB"\n${listener('smtp')}`)
  await addPeople(place.folder)
  const server = await serve(place)
  await takesLargeMessages({ port: server.port('smtp'), pid: server.pid })
})

test('size: a naive server', { skip: noMemoryTold }, async (context) => {
  const program = fileURLToPath(new URL('../support/naive-program.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  context.after(async () => {
    child.stdin.end()
    await ended
  })
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  await assert.rejects(
    takesLargeMessages({ port: Number(port), pid: child.pid ?? 0 }),
    failsTheCheck(/memory rose by \d{5,} KB/),
  )
})

test('time-outs, a host that hangs: Posthorn', async (context) => {
  const world = makeWorld(context)
  const house = await world.addHouse('house.test', ['ann'])
  const far = await addHangingHost(world)
  await sendsOneCopy(world, far, () => house.submit({ ...letter, to: ['dora@far.test'] }))
})

test('time-outs, a host that hangs: a naive server', async (context) => {
  const world = makeWorld(context)
  const far = await addHangingHost(world)
  const naive = await addNaive(world, naiveAddress, { hosts: { 'far.test': farAddress } })
  const send = (): Promise<void> => Promise.resolve(naive.take({ ...plain, to: 'dora@far.test' }))
  await assert.rejects(sendsOneCopy(world, far, send), failsTheCheck(/^\d{2,} copies/))
})

test('time-outs, a filter that takes five minutes: Posthorn', async (context) => {
  const world = makeWorld(context)
  await world.addHouse('house.test', ['ann'], {
    sections: { hooks: { dataTimeout: '10m', data: () => world.clock.sleep(300_000) } },
  })
  await answersInTime(world, '198.51.100.1')
})

test('time-outs, a filter that takes five minutes: a naive server', async (context) => {
  const world = makeWorld(context)
  await addNaive(world, naiveAddress, { filter: 300_000 })
  await assert.rejects(answersInTime(world, naiveAddress), failsTheCheck(/no answer/))
})

test('storms: two Posthorns that forward to each other', async (context) => {
  const world = makeWorld(context)
  const [a, b] = [await world.addHouse('a.test', ['zoe']), await world.addHouse('b.test', ['postmaster'])]
  await a.operate('alias.set', { address: 'ann@a.test', targets: ['bob@b.test'] })
  await b.operate('alias.set', { address: 'bob@b.test', targets: ['ann@a.test'] })
  const count = async (): Promise<number> => (await a.queued()).length + (await b.queued()).length
  await comesToAnEnd(world, () => a.submit({ ...letter, from: 'zoe@a.test', to: ['ann@a.test'] }), count)
})

test('storms: two naive servers that forward to each other', async (context) => {
  const world = makeWorld(context)
  const other = '203.0.113.21'
  const a = await addNaive(world, naiveAddress, {
    aliases: { 'ann@a.test': 'bob@b.test' },
    hosts: { 'b.test': other },
  })
  const b = await addNaive(world, other, {
    aliases: { 'bob@b.test': 'ann@a.test' },
    hosts: { 'a.test': naiveAddress },
  })
  const send = (): Promise<void> => Promise.resolve(a.take({ ...plain, to: 'ann@a.test' }))
  const count = (): Promise<number> => Promise.resolve(a.sent + b.sent)
  await assert.rejects(comesToAnEnd(world, send, count), failsTheCheck(/^\d{3,} messages/))
})

// What they meet

const letter = { from: 'ann@house.test', text: 'From: ann@house.test\r\nSubject: one\r\n\r\nhello\r\n' }
const plain = { from: 'ann@house.test', content: Buffer.from(letter.text) }
const farAddress = '203.0.113.9'
const naiveAddress = '203.0.113.20'

function makeWorld(context: TestContext): World {
  const world = new World('troubles')
  context.after(() => world[Symbol.asyncDispose]())
  return world
}

async function addHangingHost(world: World): Promise<OddHost> {
  const far = new OddHost(({ line }, usual) => (line === '.' ? undefined : usual()))
  const network = world.network.host([farAddress])
  await network.listen({ address: farAddress, port: 25, identity: null }, (connection) =>
    far.serve(connection),
  )
  world.publish(`far.test. MX 10 mx.far.test.\nmx.far.test. A ${farAddress}`)
  return far
}

async function addNaive(
  world: World,
  address: string,
  options: Omit<NaiveOptions, 'clock' | 'dialer'>,
): Promise<NaiveMta> {
  const network = world.network.host([address])
  const naive = new NaiveMta({ clock: world.clock, dialer: network, ...options })
  await network.listen({ address, port: 25, identity: null }, (connection) => naive.serve(connection))
  return naive
}

/** A client that sends one message; gives what it has heard since the final dot. */
async function talk(world: World, address: string): Promise<() => string> {
  const dialing = world.network.dial({ address, port: 25, timeoutMilliseconds: 60_000 })
  await world.clock.advance(1000)
  const client = await dialing
  let heard = ''
  client.onData = (bytes) => (heard += Buffer.from(bytes).toString('latin1'))
  client.resume()
  for (const line of ['EHLO c.test', 'MAIL FROM:<x@c.test>', 'RCPT TO:<ann@house.test>', 'DATA']) {
    client.write(`${line}\r\n`)
    await world.clock.advance(1000)
  }
  assert.match(heard, /^354 /m)
  heard = ''
  client.write('Subject: x\r\n\r\nhello\r\n.\r\n')
  return () => heard
}

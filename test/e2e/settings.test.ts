// Settings that only the composition root hands on: they govern what they say, seen from outside.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { House, largeBytes } from '../contracts/house.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents } from '../../src/events/event.ts'
import { startPosthorn } from '../../src/main.ts'
import { openStore } from '../../src/wiring/storage.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { StoreUnavailable } from '../../src/store/store.ts'

const day = 86_400_000

async function houseWith(
  context: TestContext,
  store: object,
): Promise<{ house: House; clock: VirtualClock }> {
  const config = resolveConfig([{ name: 'test', settings: { profile: 'test', store } }])
  const clock = new VirtualClock()
  const opened = await openStore(config, { clock, random: new SeededRandom(1), events: createEvents([]) })
  context.after(() => opened.close())
  const house = new House({ store: opened, end: () => opened.close() })
  await opened.addDomain({ name: house.domain, now: house.now })
  return { house, clock }
}

test('store.tombstoneAge: removals are remembered so long', async (context) => {
  const { house } = await houseWith(context, { tombstoneAge: '10d' })
  const account = await house.account()
  const { id } = await house.mailbox(account)
  await house.append(account, id, { count: 2 })
  const { modSeq: since } = await house.accountOf(account)
  await house.store.expunge({ account, mailbox: id, uids: [[1, 1]], which: 'regardless' })
  const completeAfter = async (days: number): Promise<boolean> => {
    await house.store.collectGarbage({ now: house.now + days * day })
    return (await house.store.changesSince({ account, since })).complete
  }
  assert.deepEqual(
    [await completeAfter(0), await completeAfter(9), await completeAfter(11)],
    [true, true, false],
  )
})

test('store.blobGrace: a file that no message names is kept so long', async (context) => {
  const { house, clock } = await houseWith(context, { blobGrace: '2h' })
  await house.stage(largeBytes(300_000))
  const filesAfter = async (time: '0s' | '59m' | '1h' | '2m'): Promise<number> => {
    await clock.advance(time)
    return (await house.store.collectGarbage({ now: clock.now() })).files
  }
  const removed = [await filesAfter('0s'), await filesAfter('59m'), await filesAfter('1h')]
  assert.deepEqual([...removed, await filesAfter('2m')], [0, 0, 0, 1])
})

for (const limit of ['temporaryBlobLimit', 'memoryBlobLimit'] as const) {
  test(`store.${limit}: large messages fill a store without a folder, small ones still come`, async (context) => {
    const folder = process.env['TMPDIR']
    // Where no temporary file can be had, large messages stay in memory.
    if (limit === 'memoryBlobLimit') process.env['TMPDIR'] = '/nonexistent'
    const { house } = await houseWith(context, { [limit]: '500 KB' }).finally(() => {
      if (folder === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = folder
    })
    const account = await house.account()
    await house.deliver([account], largeBytes(300_000))
    await assert.rejects(house.deliver([account], largeBytes(300_000)), StoreUnavailable)
    assert.equal((await house.deliver([account])).length, 1)
  })
}

test('net.lingerTimeout: a client that never closes its side is given up so long after the last reply', async () => {
  const listeners = [{ service: 'pop3', address: '127.0.0.1', port: 0, tls: 'none' }]
  const settings = { profile: 'test', net: { lingerTimeout: '20s' }, listeners }
  const [clock, random] = [new VirtualClock(), new SeededRandom(1)]
  const network = new MemoryNetwork({ clock, random })
  await using posthorn = await startPosthorn(resolveConfig([{ name: 'test', settings }]), {
    ...{ clock, random, network },
  })
  const [point] = posthorn.listeners
  assert.ok(point)
  const client = await network.dial({ address: point.address, port: point.port, timeoutMilliseconds: 1000 })
  client.resume()
  client.write(Buffer.from('QUIT\r\n'))
  await clock.advance('19s')
  assert.equal(posthorn.sessions(), 1)
  await clock.advance('2s')
  assert.equal(posthorn.sessions(), 0)
})

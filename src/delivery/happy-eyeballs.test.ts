// The race for a connection: order, delays, losers, and what is left when nobody answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { MemoryNetwork } from '../net/memory-network.ts'
import { attemptDelay, interleaveFamilies, nextStart, race, type RaceResult } from './happy-eyeballs.ts'

test('families alternate, IPv6 first (RFC 8305 §4)', () => {
  const order = interleaveFamilies(['192.0.2.1', '192.0.2.2', '2001:db8::1', '192.0.2.3', '2001:db8::2'])
  assert.deepEqual(order, ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '192.0.2.3'])
})

test('when the next attempt starts', () => {
  assert.equal(nextStart({ now: 5, started: null, pending: 0 }), 5)
  assert.equal(nextStart({ now: 5, started: 0, pending: 1 }), attemptDelay)
  assert.equal(nextStart({ now: 900, started: 0, pending: 1 }), 900)
  assert.equal(nextStart({ now: 5, started: 0, pending: 0 }), 5)
})

type Condition = 'open' | 'black-hole' | 'refused'

async function run(
  hosts: Readonly<Record<string, Condition>>,
  signal = new AbortController().signal,
): Promise<{ result: RaceResult; elapsed: number; tried: string[] }> {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: new SeededRandom(1) })
  const tried: string[] = []
  for (const [address, connect] of Object.entries(hosts)) {
    const host = network.host([address], { connect })
    await host.listen({ address, port: 25, identity: null }, () => undefined)
  }
  const result = race({
    dialer: {
      dial(target) {
        tried.push(target.address)
        return network.dial(target)
      },
    },
    clock,
    addresses: Object.keys(hosts),
    port: 25,
    timeoutMilliseconds: 30_000,
    localAddress: () => undefined,
    signal,
  })
  let settled = false
  void result.then(() => (settled = true))
  const start = clock.monotonic()
  await clock.advance(0)
  while (!settled && (await clock.advanceToNext()));
  return { result: await result, elapsed: clock.monotonic() - start, tried }
}

test('the first that answers wins; a black hole costs one delay, a refusal none', async () => {
  const fast = await run({ '2001:db8::1': 'open', '192.0.2.1': 'open' })
  assert.deepEqual([fast.result.ok && fast.result.address, fast.elapsed], ['2001:db8::1', 0])
  assert.deepEqual(fast.tried, ['2001:db8::1'])
  const hole = await run({ '2001:db8::1': 'black-hole', '192.0.2.1': 'open' })
  assert.deepEqual([hole.result.ok && hole.result.address, hole.elapsed], ['192.0.2.1', attemptDelay])
  const refused = await run({ '2001:db8::1': 'refused', '192.0.2.1': 'open' })
  assert.deepEqual([refused.result.ok && refused.result.address, refused.elapsed], ['192.0.2.1', 0])
})

test('when nobody answers, each failure is told', async () => {
  const { result, elapsed } = await run({
    '2001:db8::1': 'black-hole',
    '192.0.2.1': 'refused',
    '192.0.2.2': 'black-hole',
  })
  assert.ok(!result.ok)
  assert.deepEqual(result.failures.map(({ address }) => address).toSorted(), [
    '192.0.2.1',
    '192.0.2.2',
    '2001:db8::1',
  ])
  assert.ok(elapsed >= 30_000 && elapsed < 31_000)
})

test('an aborted race ends at once', async () => {
  const { result } = await run({ '192.0.2.1': 'open' }, AbortSignal.abort())
  assert.deepEqual(result, { ok: false, failures: [] })
})

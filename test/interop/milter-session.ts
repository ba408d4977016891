// One session of Posthorn's own milter client with a milter that others wrote.
import assert from 'node:assert/strict'
import { RealRandom } from '../../src/base/real-random.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { createPolicy } from '../../src/hooks/chain.ts'
import type { MessageVerdict } from '../../src/hooks/policy.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { hookHello, hookMail, hookMessage, hookRcpt } from '../support/hook-session.ts'
import type { MilterPlace } from './milter-program.ts'

/** What it makes of a message; fails where the milter was not understood. */
export async function judge(
  place: MilterPlace,
  text: string,
  username: string | null,
): Promise<MessageVerdict | null> {
  const clock = new RealClock()
  const memory = new EventMemory()
  const { hooks } = resolveConfig([
    { name: 'test', settings: { hooks: { milters: [{ name: 'milter', ...place }] } } },
  ])
  const policy = createPolicy(hooks, {
    clock,
    random: new RealRandom(),
    events: createEvents([memory]),
    dialer: new SocketNetwork(clock),
    httpFetch: fetch,
    hostname: 'mx.example.net',
    maxMessageSize: 0,
  })
  const session = policy?.open()
  assert.ok(session)
  assert.equal(await session.connect(hookHello), null)
  assert.equal(await session.hello(hookHello), null)
  assert.equal(await session.mail({ ...hookMail, username }), null)
  assert.equal(await session.rcpt({ ...hookRcpt, username }), null)
  const verdict = await session.message({ ...hookMessage(text, 999), username })
  session.closed()
  assert.deepEqual(
    memory.records.filter(({ name }) => name === 'hook.failed'),
    [],
  )
  return verdict
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { HttpEnvironment } from '../../base/http-mount.ts'
import type { Account } from '../../store/model.ts'
import { Holding } from './holding.ts'

const request = new Request('https://mail.x.test/jmap/eventsource')

function scene(answers: number[]) {
  const clock = new VirtualClock()
  const env: HttpEnvironment<Account> = {
    ...{ remoteAddress: '192.0.2.1', secure: true, origin: 'https://mail.x.test' },
    stopping: new AbortController().signal,
    // 503: the store cannot say; 401: refused.
    authenticate: async () => ({
      ok: false,
      response: new Response(null, { status: answers.shift() ?? 401 }),
    }),
  }
  return { clock, holding: new Holding(request, env, { clock, config: { credentialCheck: 60_000 } }) }
}

test('who only listens is asked for now and then, and told of once when his credentials are refused', async () => {
  const { clock, holding } = scene([503, 503, 401, 401])
  let lost = 0
  holding.watch(() => void lost++)
  await clock.advance('2m')
  assert.equal(lost, 0)
  await clock.advance('1m')
  assert.equal(lost, 1)
  await clock.advance('5m')
  assert.equal(lost, 1)
})

test('nobody is asked for after the end', async () => {
  const answers = [401]
  const { clock, holding } = scene(answers)
  let lost = 0
  holding.watch(() => void lost++)()
  await clock.advance('2m')
  assert.deepEqual([lost, answers.length], [0, 1])
})

// How long a policy holds, when it is asked for again, and what a fetch that fails does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { ZoneResolver } from '../net/zone-resolver.ts'
import { createPolicyFetcher } from './policy-fetcher.ts'
import type { HttpsAnswer } from './https-request.ts'
import { StsPolicies } from './sts-policies.ts'

const txt = (id: string) => `_mta-sts.example.net. TXT "v=STSv1; id=${id}"`
const policy = (mode: string, age = 86_400) =>
  `version: STSv1\nmode: ${mode}\nmx: mx.example.net\nmax_age: ${age}\n`
const page = (body: string, change: object = {}): HttpsAnswer => {
  return { ok: true, status: 200, contentType: 'text/plain; charset=utf-8', body, ...change }
}

function scene(answer: HttpsAnswer, kept = new Map<string, string>()) {
  const clock = new VirtualClock()
  const resolver = new ZoneResolver(txt('1'))
  const events = new EventMemory()
  const state = { answer, fetched: 0 }
  const fetcher = createPolicyFetcher({
    request: () => {
      state.fetched++
      return Promise.resolve(state.answer)
    },
    timeoutMilliseconds: 60_000,
  })
  const policies = new StsPolicies({
    resolver,
    fetcher,
    clock,
    events: createEvents([events]),
    retryAfter: 300_000,
    maxPolicies: 2,
    store: {
      remember: ({ key, value }) => Promise.resolve(void kept.set(key, value)),
      recall: ({ key }) => Promise.resolve(kept.get(key)),
    },
  })
  const mode = async () => (await policies.policyOf('example.net'))?.mode ?? null
  return { clock, resolver, events, state, policies, mode, kept }
}

test('a policy is fetched once, and again at half its life or for a new id', async () => {
  const { clock, resolver, state, mode } = scene(page(policy('enforce')))
  assert.deepEqual(await Promise.all([mode(), mode(), mode()]), ['enforce', 'enforce', 'enforce'])
  await clock.advance('11h')
  assert.equal(await mode(), 'enforce')
  assert.equal(state.fetched, 1)
  await clock.advance('2h')
  await mode()
  assert.equal(state.fetched, 2)
  state.answer = page(policy('testing'))
  resolver.load(txt('2'))
  assert.equal(await mode(), 'testing')
  assert.equal(state.fetched, 3)
})

test('a kept policy outlives DNS, its web server and our restart, but not its age', async () => {
  const first = scene(page(policy('enforce')))
  await first.mode()
  const { clock, resolver, state, events, mode } = scene({ ok: false, problem: 'timed out' }, first.kept)
  resolver.load('$FAIL _mta-sts.example.net. servfail')
  assert.equal(await mode(), 'enforce')
  resolver.load('')
  assert.equal(await mode(), 'enforce')
  assert.equal(state.fetched, 0)
  resolver.load(txt('2'))
  assert.equal(await mode(), 'enforce')
  assert.deepEqual(events.records[0]?.fields, { domain: 'example.net', problem: 'timed out', cached: true })
  await clock.advance('25h')
  assert.equal(await mode(), null)
})

test('a fetch that failed is not repeated for five minutes (RFC 8461 §3.3)', async () => {
  const { clock, state, mode } = scene({ ok: false, problem: 'refused' })
  assert.equal(await mode(), null)
  state.answer = page(policy('enforce'))
  await clock.advance('4m')
  assert.equal(await mode(), null)
  assert.equal(state.fetched, 1)
  await clock.advance('2m')
  assert.equal(await mode(), 'enforce')
})

test('only a plain text with status 200 is a policy', async () => {
  const bad: readonly HttpsAnswer[] = [
    page(policy('enforce'), { status: 301 }),
    page(policy('enforce'), { status: 404 }),
    page(policy('enforce'), { contentType: 'text/html' }),
    page(policy('enforce'), { contentType: '' }),
    page('nonsense'),
  ]
  for (const answer of bad) {
    const { events, mode } = scene(answer)
    assert.equal(await mode(), null)
    assert.equal(events.count('relay.mta-sts-fetch-failed'), 1)
  }
})

test('without a record nothing is fetched', async () => {
  const { resolver, state, mode } = scene(page(policy('enforce')))
  resolver.load('example.net. A 192.0.2.1')
  assert.equal(await mode(), null)
  assert.equal(state.fetched, 0)
})

// What watches over the process is told the truth, and whoever asks from elsewhere no more than he may know.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, type HttpHouse, openHttpHouse } from '../../test/support/http-house.ts'
import { StoreUnavailable } from '../store/store.ts'
import { createHealth } from './health.ts'
import type { HttpParts } from './parts.ts'
import { environmentOf } from './site.ts'

interface Asking {
  readonly parts?: Partial<HttpParts>
  readonly remoteAddress?: string
  readonly headers?: Record<string, string>
  readonly origin?: string
}

async function ask(house: HttpHouse, path: string, asking: Asking = {}): Promise<number> {
  const { remoteAddress = '127.0.0.1', headers = {}, origin = 'http://127.0.0.1:8080' } = asking
  const parts: HttpParts = { ...house.parts, metrics: async () => 'posthorn 1\n', ...asking.parts }
  const request = new Request(`${origin}${path}`, { headers })
  const connected = { remoteAddress, secure: true, stopping: house.stopping.signal }
  return (await createHealth(parts).fetch(request, environmentOf(parts, request, connected))).status
}

test('/readyz is 503 while the store fails or hangs, and when the server is to end; /livez answers all the while', async (context) => {
  const house = await openHttpHouse(context)
  assert.equal(await ask(house, '/readyz'), 200)
  const failing = { ...house.store, oldestAccount: () => Promise.reject(new StoreUnavailable('gone')) }
  assert.equal(await ask(house, '/readyz', { parts: { store: failing } }), 503)
  const hanging = { ...house.store, oldestAccount: () => new Promise<never>(() => {}) }
  const late = ask(house, '/readyz', { parts: { store: hanging } })
  await house.clock.advance(house.config.http.readyTimeout)
  assert.equal(await late, 503)
  house.stopping.abort()
  assert.equal(await ask(house, '/readyz'), 503)
  assert.equal(await ask(house, '/livez', { parts: { store: failing } }), 200)
})

test('/metrics is for this machine itself and for admins', async (context) => {
  const house = await openHttpHouse(context)
  assert.equal(await ask(house, '/metrics'), 200)
  assert.equal(await ask(house, '/metrics', { origin: 'http://localhost:8080' }), 200)
  assert.equal(await ask(house, '/metrics', { origin: 'https://mail.example.org' }), 200)
  // A name that was made to lead here, a page, and a proxy that speaks for somebody.
  assert.equal(await ask(house, '/metrics', { origin: 'http://evil.example:8080' }), 401)
  for (const name of ['sec-fetch-site', 'x-forwarded-for', 'forwarded', 'via']) {
    assert.equal(await ask(house, '/metrics', { headers: { [name]: 'x' } }), 401, name)
  }
  const remoteAddress = '192.0.2.7'
  assert.equal(await ask(house, '/metrics', { remoteAddress }), 401)
  const headers = basic('ann@example.org')
  assert.equal(await ask(house, '/metrics', { remoteAddress, headers }), 403)
  await house.parts.administration.changeAccount('ann@example.org', { role: 'admin' })
  assert.equal(await ask(house, '/metrics', { remoteAddress, headers }), 200)
})

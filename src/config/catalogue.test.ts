import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingCatalogue } from './catalogue.ts'
import { explainConfig } from './layers.ts'

const entries = new Map(settingCatalogue().map((entry) => [entry.key, entry]))

test('every setting says what it is for, and what it is where nobody gives it', () => {
  for (const { key, description } of entries.values()) assert.ok(description !== '', key)
  assert.deepEqual(entries.get('tls.certificate')?.default, { type: 'none' })
  assert.deepEqual(entries.get('listeners[].service')?.default, { type: 'needed' })
  assert.deepEqual(entries.get('relay.routes[].port')?.default, { type: 'value', value: 587 })
  assert.deepEqual(entries.get('catcher.relay')?.default, { type: 'none' })
  assert.deepEqual(entries.get('catcher.relay.tls')?.default, { type: 'value', value: 'none' })
})

test('explained are all that hold, and those that nobody gave as null', () => {
  const explained = new Map(explainConfig([]).map((setting) => [setting.key, setting]))
  assert.deepEqual(
    [explained.get('tls.certificate')?.value, explained.get('tls.certificate')?.origin],
    [null, 'default'],
  )
  // Of what is absent as a whole there are no parts.
  assert.deepEqual([explained.has('catcher.relay'), explained.has('catcher.relay.tls')], [true, false])
  const layer = { name: 'file', settings: { catcher: { relay: { host: 'far.example' } } } }
  const given = new Map(explainConfig([layer]).map((setting) => [setting.key, setting]))
  assert.deepEqual(given.get('catcher.relay.host')?.origin, 'file')
  assert.equal(given.get('catcher.relay.tls')?.value, 'none')
  assert.equal(given.has('catcher.relay'), false)
})

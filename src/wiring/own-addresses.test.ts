import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { resolveConfig } from '../config/layers.ts'
import type { ConfigInput } from '../config/schema.ts'
import { ownAddresses, rememberOwnAddresses } from './own-addresses.ts'

const interfaces = () => ['127.0.0.1', '::1', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.9']

function own(listeners: ConfigInput['listeners'], relay: ConfigInput['relay'] = {}): string[] {
  const config = resolveConfig([{ name: 'test', settings: { profile: 'test', listeners, relay } }])
  return ownAddresses(config, interfaces)
}

test('where the MX service listens on all interfaces, all are us', () => {
  const all = ['127.0.0.1', '::1', '192.0.2.1', '2001:db8::1', '192.0.2.9']
  assert.deepEqual(own([{ service: 'smtp', port: 25 }]), all)
  assert.deepEqual(own([{ service: 'smtp', address: '0:0:0:0:0:0:0:0', port: 25 }]), all)
  assert.deepEqual(own([{ service: 'smtp', address: '0.0.0.0', port: 25 }]), [
    '127.0.0.1',
    '192.0.2.1',
    '192.0.2.9',
  ])
})

test('an address is us only where our MX service listens on it, on the port that mail is sent to', () => {
  assert.deepEqual(own([{ service: 'smtp', address: '::ffff:192.0.2.1', port: 25 }]), ['192.0.2.1'])
  assert.deepEqual(own([{ service: 'smtp', port: 2525 }]), [])
  assert.deepEqual(own([{ service: 'submission', port: 25 }]), [])
  assert.deepEqual(own([]), [])
  assert.deepEqual(own([{ service: 'smtp', address: '127.0.0.1', port: 2525 }], { mxPort: 2525 }), [
    '127.0.0.1',
  ])
})

test('the system is asked at most every ten seconds, and heard when its addresses change', async () => {
  const listeners: ConfigInput['listeners'] = [{ service: 'smtp', port: 25 }]
  const config = resolveConfig([{ name: 'test', settings: { profile: 'test', listeners } }])
  const clock = new VirtualClock()
  let asked = 0
  const interfaces = (): string[] => [`192.0.2.${++asked}`]
  const own = rememberOwnAddresses(config, { clock, interfaces })
  for (let message = 0; message < 100; message++) assert.deepEqual(own(), ['192.0.2.1'])
  await clock.advance('9s')
  assert.deepEqual(own(), ['192.0.2.1'])
  await clock.advance('1s')
  assert.deepEqual(own(), ['192.0.2.2'])
})

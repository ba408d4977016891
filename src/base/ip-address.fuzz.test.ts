import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIp, tryIpOctets } from './ip-address.ts'

test('any octets survive being written and read', () => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  fc.assert(
    fc.property(octets, (value) => {
      assert.deepEqual(tryIpOctets(formatIp(value)), value)
    }),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      tryIpOctets(text)
    }),
  )
})

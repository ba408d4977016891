import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddresses, parseAddresses } from './addresses.ts'

test('addresses as people write and paste them', () => {
  assert.deepEqual(parseAddresses('ann@x.test; Bob <bob@x.test>,\n"Carter, Dan" <dan@x.test>'), [
    { name: null, email: 'ann@x.test' },
    { name: 'Bob', email: 'bob@x.test' },
    { name: 'Carter, Dan', email: 'dan@x.test' },
  ])
  assert.deepEqual(parseAddresses(' , ;'), [])
})

test('what is written is read again', () => {
  const people = [
    { name: 'Carter, "Dan"', email: 'dan@x.test' },
    { name: null, email: 'ann@x.test' },
  ]
  assert.deepEqual(parseAddresses(formatAddresses(people)), people)
})

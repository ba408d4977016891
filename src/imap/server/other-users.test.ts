// Names of other users' mailboxes: one for each address, and back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameForOthers, tryNameOfOthers } from './other-users.ts'

test('an address has one name among those of other users, whatever is in it', () => {
  for (const address of [
    'ann@example.org',
    'a/b%c*d=e@example.org',
    '"x y"@example.org',
    'é@xn--bcher-kva.example',
  ]) {
    const name = nameForOthers(address, 'INBOX')
    assert.doesNotMatch(name.slice(12), /[%*]/)
    assert.deepEqual(tryNameOfOthers(name), { address, name: 'INBOX' })
  }
  for (const other of [
    'Other Users',
    'Other Users/ann@example.org',
    'Other Users/a=2f@x/b',
    'Other Users/a=41@x/b',
    'Other/x/y',
  ])
    assert.equal(tryNameOfOthers(other), undefined, other)
})

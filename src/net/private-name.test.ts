import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPrivateName } from './private-name.ts'

test('names that the public DNS cannot know are told from those that it can', () => {
  for (const name of ['localhost', 'mail', 'a.localhost', 'x.y.internal', 'relay.test', 'printer.local']) {
    assert.equal(isPrivateName(name), true, name)
  }
  for (const name of [
    'example.com',
    'localhost.example.com',
    'test.com',
    'notlocal.xlocal',
    'localhost.',
    'a.test.',
  ]) {
    assert.equal(isPrivateName(name), false, name)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Email } from '../../shared/jmap/types.ts'
import { applyPatch, inversePatch, movePatch, pointerToken } from './email-patch.ts'

const email: Email = {
  ...{
    id: 'M1',
    blobId: 'B1',
    threadId: 'T1',
    size: 1,
    receivedAt: '2026-11-22T00:00:00Z',
    hasAttachment: false,
  },
  ...{ from: null, to: null, subject: null, preview: '' },
  mailboxIds: { inbox: true, sent: true },
  keywords: { $seen: true },
}

test('a patch and its inverse leave an email as it was, odd names too', () => {
  const odd = 'a/b~c'
  for (const patch of [
    { 'keywords/$seen': null },
    { 'keywords/$flagged': true, 'mailboxIds/inbox': null },
    { [`keywords/${pointerToken(odd)}`]: true, 'keywords/$seen': true },
  ] as const) {
    const changed = applyPatch(email, patch)
    assert.deepEqual(applyPatch(changed, inversePatch(email, patch)), email)
  }
  assert.deepEqual(applyPatch(email, { [`keywords/${pointerToken(odd)}`]: true }).keywords, {
    $seen: true,
    [odd]: true,
  })
})

test('a move takes an email out of where it is, and out of Sent only from there', () => {
  const places = (here: string | null): string[] => {
    const patch = movePatch(email, 'archive', { here, sent: 'sent' })
    return Object.keys(applyPatch(email, patch ?? {}).mailboxIds).sort()
  }
  assert.deepEqual(places('inbox'), ['archive', 'sent'])
  assert.deepEqual(places('sent'), ['archive'])
  assert.deepEqual(places(null), ['archive'])
  assert.equal(movePatch(email, 'inbox', { here: 'sent', sent: 'sent' }), null)
})

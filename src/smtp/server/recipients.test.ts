// Who may be a recipient, and every known way of hiding one that may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../test/support/smtp-house.ts'
import { parseForwardPath } from '../proto/grammar.ts'
import { judgeRecipient } from './recipients.ts'

async function codeFor(
  path: string,
  role: 'mx' | 'submission' = 'mx',
  size: number | null = null,
): Promise<string> {
  const directory = new FakeDirectory(['example.org'])
  directory.addUser('ann@example.org')
  directory.addUser('full@example.org', {
    quota: { bytes: 1000, messages: null },
    used: { bytes: 1000, messages: 1 },
  })
  directory.addUser('small@example.org', {
    quota: { bytes: 1000, messages: null },
    used: { bytes: 900, messages: 1 },
  })
  directory.addCatchAll('example.org', 'ann@example.org')
  const parsed = parseForwardPath(`TO:${path}`)
  if ('wire' in parsed) return `${parsed.code} ${parsed.enhanced}`
  const verdict = await judgeRecipient(directory, { role, address: parsed.recipient.address, size })
  return verdict.ok
    ? verdict.recipients.map(({ account }) => account.address).join(' ')
    : `${verdict.reply.code} ${verdict.reply.enhanced}`
}

// With a catch-all for example.org: each of these would be taken if its local part were not looked at.
const disguises = [
  '<victim@far.example>',
  '<victim%far.example@example.org>',
  '<victim%far.example%more.example@example.org>',
  '<@example.org:victim@far.example>',
  '<@example.org,@other.example:victim@far.example>',
  '<far.example!victim@example.org>',
  '<"victim@far.example"@example.org>',
  '<"victim%far.example"@example.org>',
  '<"far.example!victim"@example.org>',
  '<"a@evil.example x"@example.org>',
  '<victim@[192.0.2.1]>',
  '<victim@[IPv6:2001:db8::1]>',
]

for (const path of disguises) {
  test(`relaying to ${path} is denied`, async () => {
    assert.equal(await codeFor(path), '550 5.7.1')
    assert.equal(await codeFor(path, 'submission'), '550 5.7.1')
  })
}

const malformed = [
  '<victim@far.example@example.org>',
  '<@far.example:victim@example.org@example.org>',
  '<user@example.org(x)far.example>',
  '<victim@far.example\\@example.org>',
  '<example.org:victim@far.example>',
  '<@far.example>',
]

for (const path of malformed) {
  test(`${path} is no path`, async () => assert.match(await codeFor(path), /^501 5\.1\.3$/))
}

test('local recipients, source routes ignored (RFC 5321 appendix C)', async () => {
  assert.equal(await codeFor('<ann@example.org>'), 'ann@example.org')
  assert.equal(await codeFor('<@far.example,@example.org:ann@EXAMPLE.org>'), 'ann@example.org')
  assert.equal(await codeFor('<"ann"@example.org>'), 'ann@example.org')
  assert.equal(await codeFor('<anybody@example.org>'), 'ann@example.org')
})

test('full mailboxes: now full is for later, too small for the declared size is for good', async () => {
  assert.equal(await codeFor('<full@example.org>'), '452 4.2.2')
  assert.equal(await codeFor('<small@example.org>', 'mx', 50), 'small@example.org')
  assert.equal(await codeFor('<small@example.org>', 'mx', 500), '452 4.2.2')
  assert.equal(await codeFor('<small@example.org>', 'mx', 5000), '552 5.2.2')
})

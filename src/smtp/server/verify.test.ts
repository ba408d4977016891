// VRFY and EXPN: the truth for those who logged in, and for others where the operator wants it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSmtpHouse } from '../../../test/support/smtp-house.ts'

const cases: readonly (readonly [command: string, reply: string])[] = [
  ['VRFY ann@example.org', '250 2.1.5 <ann@example.org>'],
  ['VRFY <ann@example.org>', '250 2.1.5 <ann@example.org>'],
  ['VRFY Ann Example <ann@example.org>', '250 2.1.5 <ann@example.org>'],
  ['VRFY ann', '250 2.1.5 <ann@example.org>'],
  ['VRFY alias@example.org', '250 2.1.5 <alias@example.org>'],
  ['VRFY away@example.org', '251 2.1.5 User not local; will forward to <ann@far.example>'],
  ['VRFY nobody@example.org', '550 5.1.1 No such mailbox here'],
  ['VRFY nobody', '550 5.1.1 No such mailbox here'],
  ['VRFY x@@example.org', '501 5.1.3 Bad recipient address syntax'],
  ['VRFY v@far.example', '252 2.0.0 Cannot verify; send some mail and I shall try'],
  ['EXPN alias@example.org', '250 2.1.5 <ann@example.org>'],
  ['EXPN away@example.org', '250 2.1.5 <ann@far.example>'],
  ['EXPN ann@example.org', '250 2.1.5 <ann@example.org>'],
  ['EXPN nobody@example.org', '550 5.1.1 No such mailbox here'],
]

test('after a log-in the truth (RFC 5321 §3.5)', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: 'ann@example.org' })
  for (const [command, reply] of cases) assert.equal(await client.say(command), reply, command)
})

test('a name that several have is answered with all of them (RFC 5321 §3.5.1)', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  await house.store.addDomain({ name: 'example.net', now: 0 })
  await house.store.setAlias({ address: 'ann@example.net', targets: ['bob@example.org'], now: 0 })
  const client = await house.connect({ as: 'ann@example.org' })
  const reply = await client.say('VRFY ann')
  assert.match(reply, /^553-5\.1\.4 User ambiguous/)
  assert.deepEqual(reply.match(/<.*?>/g)?.toSorted(), ['<ann@example.net>', '<ann@example.org>'])
})

test('on port 25 neither yes nor no, unless the operator says so', async (context) => {
  const shy = await (await openSmtpHouse(context)).connect()
  assert.deepEqual(
    await shy.codes('VRFY ann@example.org', 'VRFY nobody@example.org', 'EXPN ann@example.org'),
    [...['252 2.0.0', '252 2.0.0', '252 2.0.0']],
  )
  const open = await (await openSmtpHouse(context, { config: { verify: true } })).connect()
  assert.deepEqual(await open.codes('VRFY ann@example.org', 'VRFY nobody@example.org'), [
    '250 2.1.5',
    '550 5.1.1',
  ])
})

// Port 25 and LMTP: what strangers may do, and what a listed peer may say for others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSmtpHouse } from '../../../test/support/smtp-house.ts'
import { tryAddress } from '../../mail/address.ts'
import type { ReturnPaths } from '../../queue/return-paths.ts'

const ann = 'ann@example.org'
const mail = 'MAIL FROM:<x@far.example>'

test('an alias leads elsewhere, a stranger does not', async (context) => {
  const house = await openSmtpHouse(context)
  const client = await house.connect()
  const reply = await client.mail('x@far.example', ['away@example.org', ann], 'Subject: x\r\n\r\nbody')
  assert.match(reply, /^250 2\.0\.0 OK: queued as /)
  const [arrival] = house.arrivals
  assert.deepEqual(
    arrival?.remote?.map(({ via, address }) => [via, address.domain]),
    [['away@example.org', 'far.example']],
  )
  assert.deepEqual([arrival?.origin, arrival?.sender, arrival?.account], ['mx', '127.0.0.1', null])
  assert.deepEqual(await client.codes(mail, 'RCPT TO:<v@far.example>'), ['250 2.1.0', '550 5.7.1'])
})

test('a list sends on with its owner as the reverse-path (RFC 5321 §3.9.2), and speaks for no member', async (context) => {
  const targets = [ann, 'm@far.example']
  const list = { address: 'list@example.org', targets, owner: 'bob@example.org', now: 0 }
  const house = await openSmtpHouse(context)
  assert.ok((await house.store.setAlias(list)).ok)
  const client = await house.connect()
  assert.match(await client.mail('x@far.example', ['list@example.org'], 'Subject: x\r\n\r\nbody'), /^250/)
  const [arrival] = house.arrivals
  assert.deepEqual(
    arrival?.remote?.map(({ via, list }) => [via, list?.owner]),
    [['list@example.org', 'bob@example.org']],
  )
  const [recipient = null] = arrival?.recipients ?? []
  assert.match(
    arrival?.trace(recipient) ?? '',
    /^Return-Path: <bob@example\.org>\r\nDelivered-To: ann@example\.org\r\n/,
  )

  const submission = await openSmtpHouse(context, { role: 'submission' })
  assert.ok((await submission.store.setAlias(list)).ok)
  const member = await submission.connect({ as: ann })
  assert.equal(
    await member.say('EXPN list@example.org'),
    '250-2.1.5 <ann@example.org>\n250 2.1.5 <m@far.example>',
  )
  assert.match(await member.say('MAIL FROM:<list@example.org>'), /^553 5\.7\.1/)
})

test('priority that a stranger asks for is lowered, not raised (RFC 6710 §4.1)', async (context) => {
  const client = await (await openSmtpHouse(context)).connect()
  assert.match(await client.say(`${mail} MT-PRIORITY=3`), /^250 2\.3\.6 0 is the new priority/)
  assert.deepEqual(await client.codes('RSET', `${mail} MT-PRIORITY=-3`), ['250 2.0.0', '250 2.1.0'])
})

const returnPaths: ReturnPaths = {
  tryReturnPath({ localPart }) {
    const address = tryAddress(localPart === 'srs0=x' ? 'sender@far.example' : 'ann@example.org')
    if (address === undefined) return undefined
    if (localPart === 'srs0=x' || localPart === 'srs0=ann') return { type: 'forward', address }
    const owner = { owner: 'bob@example.org', member: 'm@far.example' }
    return localPart === 'owner-verp' ? { type: 'list-bounce', ...owner } : undefined
  },
}

test('return paths of ours lead back to the sender, or to the owner of a list', async (context) => {
  const house = await openSmtpHouse(context, { returnPaths })
  const client = await house.connect()
  const to = ['srs0=x@example.org', 'srs0=ann@example.org', 'owner-verp@example.org']
  assert.match(await client.mail('', to, 'Subject: bounce\r\n\r\nbody'), /^250/)
  const [arrival] = house.arrivals
  assert.deepEqual(
    arrival?.remote?.map(({ via, address }) => [via, address.localPart]),
    [['srs0=x@example.org', 'sender']],
  )
  assert.deepEqual(
    arrival?.recipients.map(({ deliveredTo, bounce }) => [deliveredTo, bounce?.member]),
    [
      [ann, undefined],
      ['bob@example.org', 'm@far.example'],
    ],
  )
  assert.deepEqual(await client.codes('MAIL FROM:<>', 'RCPT TO:<srs0=forged@example.org>'), [
    '250 2.1.0',
    '550 5.1.1',
  ])
})

test('RRVS: the owner must have been there then (RFC 7293 §5.1)', async (context) => {
  const house = await openSmtpHouse(context)
  const client = await house.connect()
  const day = 86_400_000
  const at = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
  const [before, after] = [at(house.clock.now() - day), at(house.clock.now() + day)]
  assert.deepEqual(
    await client.codes(
      mail,
      `RCPT TO:<${ann}> RRVS=${before}`,
      `RCPT TO:<${ann}> RRVS=${after}`,
      `RCPT TO:<postmaster@example.org> RRVS=${before}`,
    ),
    ['250 2.1.0', '550 5.7.17', '250 2.1.5', '250 2.1.5'],
  )
})

test('RRVS in the header, where RCPT did not say it (RFC 7293 §5.2)', async (context) => {
  const house = await openSmtpHouse(context)
  const client = await house.connect()
  const send = (address: string, date: string): Promise<string> =>
    client.mail('x@far.example', [ann], `Require-Recipient-Valid-Since: ${address}; ${date}\r\n\r\nbody`)
  const long = 'Thu, 1 Jan 1998 00:00:00 +0000'
  assert.match(await send(ann, long), /^550 5\.7\.17/)
  assert.match(await send('bob@example.org', long), /^250/)
  assert.match(await send(ann, 'Fri, 1 Jan 2100 00:00:00 +0000'), /^250/)
  assert.match(await send(ann, 'some day'), /^250/)
})

test('solicitation that nobody wants is refused by parameter and by header (RFC 3865)', async (context) => {
  const house = await openSmtpHouse(context, { config: { refuseSolicitation: ['net.example:ADV'] } })
  const client = await house.connect()
  assert.deepEqual(await client.codes(`${mail} SOLICIT=net.example:adv`), ['250 2.1.0'])
  assert.equal(
    await client.say(`RCPT TO:<${ann}>`),
    '550 5.7.1 Not wanted here: SOLICIT=net.example:ADV'.replace('ADV', 'adv'),
  )
  await client.codes('RSET')
  const message = 'Solicitation: org.example:X,net.example:ADV\r\n\r\nbuy'
  assert.match(await client.mail('x@far.example', [ann], message), /^550 5\.7\.1 .*SOLICIT=net\.example:ADV/)
  assert.match(await client.mail('x@far.example', [ann], 'Solicitation: org.example:X\r\n\r\nbuy'), /^250/)
})

test('LMTP: a reply for each recipient, a full mailbox refuses its own alone (RFC 2033 §4.2)', async (context) => {
  const house = await openSmtpHouse(context, { role: 'lmtp' })
  const { id } = await house.account('bob@example.org')
  const client = await house.connect()
  await client.codes(
    mail,
    `RCPT TO:<${ann}>`,
    'RCPT TO:<bob@example.org>',
    'RCPT TO:<alias@example.org>',
    'DATA',
  )
  await house.store.updateAccount({ id, quota: { bytes: 1, messages: null } })
  client.send('Subject: x\r\n\r\nbody\r\n.\r\n')
  const replies = await client.lines(3)
  assert.deepEqual(
    replies.map((line) => line.slice(0, 9)),
    ['250 2.0.0', '452 4.2.2', '250 2.0.0'],
  )
  const [text = ''] = await house.inbox(ann)
  assert.match(
    text,
    /^Return-Path: <x@far\.example>\r\nDelivered-To: ann@example\.org\r\nReceived: .*with LMTP/s,
  )
  assert.equal(house.arrivals[0]?.quota, 'each')
  const told = house.events.records.find(({ name }) => name === 'smtp.message-accepted')
  assert.equal(told?.fields['recipients'], 2, 'of the full mailbox nothing is told but its reply')
})

test('who speaks before the greeting is turned away, but for those who are exempt', async (context) => {
  const house = await openSmtpHouse(context)
  const early = await house.dial('198.51.100.7')
  early.send('EHLO client.example\r\n')
  await house.clock.advance(300)
  assert.match(await early.reply(), /^521 5\.5\.1/)
  assert.equal(await early.line(), undefined)
  assert.equal(house.events.count('smtp.early-talker'), 1)
  const patient = await house.dial('198.51.100.7')
  await house.clock.advance(300)
  assert.match(await patient.reply(), /^220 /)
  assert.match(await patient.say('EHLO client.example'), /^250/)
  const near = await house.dial()
  near.send('EHLO client.example\r\n')
  assert.match(await near.reply(), /^220 /)
})

test('refusals come late from a peer that makes many of them', async (context) => {
  const house = await openSmtpHouse(context, { config: { greetDelay: 0, tarpit: { afterErrors: 1 } } })
  const client = await house.connect({ from: '198.51.100.7' })
  assert.match(await client.say('NONSENSE'), /^500/)
  client.send('NONSENSE\r\n')
  await house.clock.advance(900)
  assert.equal(client.unread, '')
  await house.clock.advance(200)
  assert.match(await client.reply(), /^500/)
})

test('XCLIENT: another client to every check and in the trace (as Postfix documents it)', async (context) => {
  const house = await openSmtpHouse(context, { config: { xclientFrom: ['127.0.0.1'] } })
  const client = await house.connect()
  assert.match(
    await client.say('XCLIENT NAME=mail.far.example ADDR=203.0.113.9 HELO=helo.far.example'),
    /^220 /,
  )
  assert.match(await client.say('EHLO other.far.example'), /^250/)
  assert.match(await client.mail('x@far.example', [ann], 'Subject: x\r\n\r\nbody'), /^250/)
  const [text = ''] = await house.inbox(ann)
  assert.match(text, /Received: from other\.far\.example \(mail\.far\.example \[203\.0\.113\.9\]\)/)
  assert.equal(house.arrivals[0]?.sender, '203.0.113.9')
  assert.equal(house.events.count('smtp.spoken-for'), 1)
  const stranger = await house.dial('198.51.100.7')
  await house.clock.advance(300)
  await stranger.reply()
  assert.match(await stranger.say('XCLIENT ADDR=203.0.113.9'), /^550 5\.7\.0/)
})

test('XFORWARD: for the log, until the message is over', async (context) => {
  const house = await openSmtpHouse(context, { config: { xforwardFrom: ['127.0.0.0/8'] } })
  const client = await house.connect()
  assert.match(await client.say('XFORWARD ADDR=203.0.113.9 NAME=mail.far.example'), /^250 /)
  assert.match(await client.mail('x@far.example', [ann], 'Subject: x\r\n\r\nbody'), /^250/)
  assert.match(await client.mail('x@far.example', [ann], 'Subject: y\r\n\r\nbody'), /^250/)
  const told = house.events.records.filter(({ name }) => name === 'smtp.message-accepted')
  assert.deepEqual(
    told.map(({ fields }) => fields['remoteAddress']),
    ['203.0.113.9', '127.0.0.1'],
  )
  assert.match((await house.inbox(ann))[0] ?? '', /\[127\.0\.0\.1\]/)
})

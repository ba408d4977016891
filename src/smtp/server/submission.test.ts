// Submission: whose words go out, what is put right on the way, and how much of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSmtpHouse } from '../../../test/support/smtp-house.ts'

const ann = 'ann@example.org'

test('mail goes anywhere, with Date and Message-ID added and Bcc removed (RFC 6409 §8, RFC 5322 §3.6.3)', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: ann })
  const message = 'From: Ann <ann@example.org>\r\nBcc: secret@far.example\r\nSubject: x\r\n\r\nBcc: body'
  const reply = await client.mail(ann, ['v@far.example', 'bob@example.org'], message)
  assert.match(reply, /^250 2\.0\.0 OK: queued as \S+$/)
  const [arrival] = house.arrivals
  assert.deepEqual(
    arrival?.remote?.map(({ address, via, list }) => [address.localPart, address.domain, via, list]),
    [['v', 'far.example', null, null]],
  )
  assert.equal(arrival?.recipients.length, 1)
  assert.equal(arrival?.origin, 'submission')
  assert.equal(arrival?.sender, ann)
  assert.equal(reply.endsWith(arrival?.id ?? '?'), true)
  const text = await house.text(arrival)
  assert.match(
    text,
    /^From: Ann <ann@example\.org>\r\nSubject: x\r\nDate: .+\r\nMessage-ID: <\S+@mx\.example\.org>\r\n\r\nBcc: body\r\n$/,
  )
  assert.match(arrival?.trace(null) ?? '', /^Received: /)
})

test('what is there already is left alone', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: ann })
  const message =
    'Date: Sun, 22 Nov 2026 00:00:00 +0000\r\nmessage-id: <x@y>\r\nFrom: ann@example.org\r\n\r\nbody'
  assert.match(await client.mail(ann, [ann], message), /^250 2\.0\.0 OK: delivered as /)
  assert.equal(await house.text(house.arrivals[0]), `${message}\r\n`)
})

const headers: readonly { name: string; header: string; reply: RegExp }[] = [
  { name: 'his own address', header: 'From: ann@example.org', reply: /^250/ },
  { name: 'an alias that leads to him', header: 'From: <Alias@EXAMPLE.org>', reply: /^250/ },
  { name: 'a subaddress of his', header: 'From: ann+x@example.org', reply: /^250/ },
  { name: 'none, so that the sender is the author', header: 'Subject: x', reply: /^250/ },
  { name: 'somebody else', header: 'From: bob@example.org', reply: /^550 5\.7\.1/ },
  { name: 'a stranger', header: 'From: Ann <ann@far.example>', reply: /^550 5\.7\.1/ },
  { name: 'an alias that leads elsewhere', header: 'From: away@example.org', reply: /^550 5\.7\.1/ },
  {
    name: 'a second From',
    header: 'From: ann@example.org\r\nFrom: bob@example.org',
    reply: /^554 5\.6\.0 The message has more than one From field$/,
  },
  {
    name: 'a second From of his',
    header: 'From: ann@example.org\r\nFrom: ann@example.org',
    reply: /^554 5\.6\.0/,
  },
  {
    name: 'a Resent-From that is not his',
    header: 'Resent-From: bob@example.org\r\nFrom: ann@example.org',
    reply: /^550 5\.7\.1 The Resent-From field/,
  },
  {
    name: 'what others wrote, sent on',
    header: 'Resent-From: ann@example.org\r\nFrom: bob@example.org',
    reply: /^550 5\.7\.1 Mail that somebody else wrote/,
  },
  {
    name: 'what he wrote, sent on',
    header: 'Resent-From: ann@example.org\r\nFrom: ann@example.org',
    reply: /^250/,
  },
  {
    name: 'a second address',
    header: 'From: ann@example.org, x@far.example\r\nSender: ann@example.org',
    reply: /^550 5\.7\.1/,
  },
  { name: 'a group', header: 'From: g: bob@example.org;', reply: /^550 5\.7\.1/ },
  {
    name: 'two of his without Sender',
    header: 'From: ann@example.org, alias@example.org',
    reply: /^554 5\.6\.0/,
  },
  {
    name: 'two of his with Sender',
    header: 'From: ann@example.org, alias@example.org\r\nSender: ann@example.org',
    reply: /^250/,
  },
  {
    name: 'a foreign Sender',
    header: 'From: ann@example.org\r\nSender: bob@example.org',
    reply: /^550 5\.7\.1/,
  },
  { name: 'a From without address', header: 'From: Ann', reply: /^554 5\.6\.0/ },
]

for (const { name, header, reply } of headers) {
  test(`From: ${name}`, async (context) => {
    const house = await openSmtpHouse(context, { role: 'submission' })
    const client = await house.connect({ as: ann })
    assert.match(await client.mail(ann, ['v@far.example'], `${header}\r\n\r\nbody`), reply)
    assert.equal(house.arrivals.length, reply.source.startsWith('^250') ? 1 : 0)
  })
}

test('a message without From gets the sender as its author (RFC 5322 §3.6)', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: ann })
  for (const [sender, author] of [
    ['alias@example.org', 'alias@example.org'],
    ['', ann],
  ] as const) {
    assert.match(await client.mail(sender, [ann], 'Subject: x\r\n\r\nbody'), /^250/)
    const [from] = (await house.text(house.arrivals.at(-1))).match(/^From: .+$/m) ?? []
    assert.equal(from, `From: ${author}`)
  }
  const bare = { addMissingFields: false }
  const strict = await openSmtpHouse(context, { role: 'submission', submission: bare })
  const refused = await strict.connect({ as: ann })
  assert.match(
    await refused.mail(ann, [ann], 'Subject: x\r\n\r\nbody'),
    /^554 5\.6\.0 The message has no From field$/,
  )
  // Without a check of the sender, what MAIL said is nobody's word.
  const trusting = await openSmtpHouse(context, { role: 'submission', submission: { checkSender: false } })
  const other = await trusting.connect({ as: ann })
  assert.match(await other.mail('x@far.example', [ann], 'Subject: x\r\n\r\nbody'), /^250/)
  assert.match(await trusting.text(trusting.arrivals.at(-1)), /^From: ann@example\.org$/m)
})

test('where it is allowed, mail of others is sent on under a Resent-From of one’s own', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission', submission: { allowResent: true } })
  const client = await house.connect({ as: ann })
  const send = (resent: string): Promise<string> =>
    client.mail(ann, ['v@far.example'], `${resent}From: x@far.example\r\n\r\nbody`)
  assert.match(await send(''), /^550 5\.7\.1 The From field/)
  assert.match(await send('Resent-To: v@far.example\r\n'), /^550 5\.7\.1 The From field/)
  assert.match(await send(`Resent-From: ${ann}\r\n`), /^250/)
  // The earlier resending is another's, and trace.
  assert.match(await send(`Resent-From: ${ann}\r\nResent-From: y@far.example\r\n`), /^250/)
  assert.match(await send(`Resent-From: y@far.example\r\nResent-From: ${ann}\r\n`), /^550 5\.7\.1/)
  assert.match(await send(`Resent-Sender: y@far.example\r\nResent-From: ${ann}\r\n`), /^550 5\.7\.1/)
})

test('where nothing is relayed, that is said at RCPT', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission', relays: false })
  const client = await house.connect({ as: ann })
  assert.deepEqual(
    await client.codes(`MAIL FROM:<${ann}>`, 'RCPT TO:<v@far.example>', 'RCPT TO:<away@example.org>'),
    ['250 2.1.0', '550 5.7.1', '451 4.3.5'],
  )
})

test('messages and recipients of an hour are counted by account', async (context) => {
  const charged = new Map<string, number>()
  const house = await openSmtpHouse(context, {
    role: 'submission',
    submission: { messagesPerHour: 2, recipientsPerHour: 3 },
    chargeRate({ key, start, amount, limit }) {
      const name = `${key} ${start}`
      const used = (charged.get(name) ?? 0) + amount
      if (used > limit) return Promise.resolve({ ok: false, reason: 'exceeded' })
      charged.set(name, used)
      return Promise.resolve({ ok: true, used })
    },
  })
  const client = await house.connect({ as: ann })
  const mail = `MAIL FROM:<${ann}>`
  const rcpt = 'RCPT TO:<v@far.example>'
  assert.deepEqual(await client.codes(mail, rcpt, rcpt, 'RSET', mail, rcpt, rcpt, 'RSET', mail), [
    ...['250 2.1.0', '250 2.1.5', '250 2.1.5', '250 2.0.0'],
    ...['250 2.1.0', '250 2.1.5', '450 4.7.1', '250 2.0.0'],
    '450 4.7.1',
  ])
  assert.equal(house.events.count('smtp.rate-exceeded'), 1)
  await house.clock.advance(3_600_000)
  const later = await house.connect({ as: ann })
  assert.deepEqual(await later.codes(mail, rcpt), ['250 2.1.0', '250 2.1.5'])
})

test('a header beyond the limit is refused, in memory that is bounded', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission', submission: { maxHeaderSize: 2000 } })
  const client = await house.connect({ as: ann })
  const reply = await client.mail(ann, [ann], `From: ${ann}\r\nX: ${'x'.repeat(3000)}\r\n\r\nbody`)
  assert.match(reply, /^554 5\.6\.0/)
  assert.match(await client.mail(ann, [ann], `From: ${ann}\r\n\r\n${'x'.repeat(30_000)}`), /^250/)
})

test('without edits the header is bounded as well, since From is looked for in it', async (context) => {
  const submission = { maxHeaderSize: 2000, addMissingFields: false, removeBcc: false }
  const house = await openSmtpHouse(context, { role: 'submission', submission })
  const client = await house.connect({ as: ann })
  const hidden = `From: ${ann}\r\nX: ${'x'.repeat(3000)}\r\nFrom: bob@example.org\r\n\r\nbody`
  assert.match(await client.mail(ann, [ann], hidden), /^554 5\.6\.0/)
  const open = { ...submission, checkFrom: false, checkSender: false }
  const trusting = await openSmtpHouse(context, { role: 'submission', submission: open })
  const trusted = await trusting.connect({ as: ann })
  assert.match(await trusted.mail('bob@example.org', [ann], hidden), /^250/)
  assert.equal(await trusting.text(trusting.arrivals[0]), `${hidden}\r\n`)
})

test('options travel with absolute times, TLS-Required with them', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: ann })
  await client.codes(
    `MAIL FROM:<${ann}> HOLDFOR=60 BY=120;N MT-PRIORITY=3 RET=HDRS ENVID=x AUTH=x@far.example`,
  )
  await client.codes('RCPT TO:<v@far.example> NOTIFY=NEVER', 'DATA')
  assert.match(await client.say(`From: ${ann}\r\nTLS-Required: No\r\n\r\nbody\r\n.`), /^250/)
  const [arrival] = house.arrivals
  const now = house.clock.now()
  assert.deepEqual(arrival?.options, {
    ...{ body: '7BIT', smtpUtf8: false, ret: 'headers', envId: 'x', requireTls: false, tlsOptional: true },
    ...{ holdUntil: now + 60_000, holdFor: 60, priority: 3, solicitation: [], auth: '' },
    deliverBy: { at: now + 120_000, mode: 'notify', trace: 'not-asked' },
  })
  assert.deepEqual(arrival?.remote?.[0]?.options?.notify, [])
  assert.match(await client.say(`MAIL FROM:<${ann}> MT-PRIORITY=9`), /^250 2\.3\.6 4 /)
})

test('RFC 3865 §2.7: a Solicitation field becomes the parameter that the client did not give', async (context) => {
  const house = await openSmtpHouse(context, { role: 'submission' })
  const client = await house.connect({ as: ann })
  const send = async (field: string, parameter = ''): Promise<readonly string[] | undefined> => {
    await client.codes(`MAIL FROM:<${ann}>${parameter}`, 'RCPT TO:<v@far.example>', 'DATA')
    assert.match(await client.say(`From: ${ann}\r\n${field}\r\n\r\nbody\r\n.`), /^250/)
    return house.arrivals.at(-1)?.options?.solicitation
  }
  assert.deepEqual(await send('Solicitation: net.example:ADV, org.example:ADV:ADLT'), [
    'net.example:ADV',
    'org.example:ADV:ADLT',
  ])
  assert.match(house.arrivals.at(-1)?.trace(null) ?? '', /\(SOLICIT=net\.example:ADV,org\.example:ADV:ADLT\)/)
  assert.deepEqual(await send('Solicitation: net.example:ADV', ' SOLICIT=a.b:C'), ['a.b:C'])
  assert.deepEqual(await send('Solicitation: 1,,2'), [])
  assert.deepEqual(await send('Subject: none'), [])
})

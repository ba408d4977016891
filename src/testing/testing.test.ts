// The test library as its users have it: a server in this process, mail sent to it by a client that we did not write.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { createPosthorn, expectMail, NoMailError, type TestPosthorn } from './index.ts'

type Letter = Parameters<ReturnType<typeof createTransport>['sendMail']>[0]

async function send(mail: TestPosthorn, letter: Letter): Promise<void> {
  const transport = createTransport({ host: mail.smtp.host, port: mail.smtp.port, ignoreTLS: true })
  await transport.sendMail({ from: 'App <app@shop.test>', ...letter })
  transport.close()
}

test('the next message resolves on arrival, whether it came before or comes after', async () => {
  await using mail = await createPosthorn()
  const ann = mail.inbox('ann@x.test')
  await send(mail, { to: 'ann@x.test', subject: 'Welcome', text: 'Hello' })
  assert.equal((await ann.next()).subject, 'Welcome')
  const waiting = ann.next({ subject: /code/ })
  await send(mail, { to: 'ann@x.test', subject: 'News', text: '-' })
  await send(mail, { to: 'ann@x.test', subject: 'Your code', text: 'It is 482 913, not 7.' })
  const letter = await waiting
  assert.deepEqual(letter.codes(), ['482913'])
  assert.equal((await ann.next()).subject, 'News', 'what was passed over is still there')
  assert.equal((await ann.all()).length, 3)
  await ann.none()
})

test('a time-out lists what came instead, the nearest first', async () => {
  await using mail = await createPosthorn()
  const ann = mail.inbox()
  await send(mail, { to: ann.address, subject: 'Your cod', text: 'fish' })
  await send(mail, { to: ann.address, subject: 'Bill', text: 'your code' })
  await assert.rejects(ann.next({ subject: /code/, text: 'your' }, { timeout: 30 }), (error) => {
    assert.ok(error instanceof NoMailError)
    assert.match(error.message, /^Waited 30 ms for a message with subject \/code\/, text "your" to /)
    const [first = '', second = ''] = error.message.split('\n').slice(1)
    assert.match(first, /“Bill” from app@shop.test to .*: subject is "Bill", not \/code\/$/)
    assert.match(second, /“Your cod” .*: subject is .*; text is/)
    return true
  })
  await assert.rejects(mail.inbox('nobody@x.test').next({}, { timeout: 1 }), /Nothing came\.$/)
  const given = await ann.next({ subject: 'bill' })
  assert.equal(given.subject, 'Bill')
  await assert.rejects(ann.next({ subject: 'bill' }, { timeout: 1 }), /was given to an earlier call already/)
})

test('two hundred inboxes on one server see their own mail alone', async () => {
  await using mail = await createPosthorn()
  const transport = createTransport({
    ...{ host: mail.smtp.host, port: mail.smtp.port, ignoreTLS: true, pool: true, maxConnections: 20 },
  })
  const one = async (number: number): Promise<void> => {
    const inbox = mail.inbox()
    const coming = inbox.next({ subject: 'Hello' }, { timeout: '2m' })
    await transport.sendMail({
      from: 'a@x.test',
      to: inbox.address,
      subject: 'Hello',
      text: `number ${number}`,
    })
    expectMail(await coming).toContainText(`number ${number}`)
    assert.equal((await inbox.all()).length, 1)
  }
  await Promise.all(Array.from({ length: 200 }, (_, number) => one(number)))
  transport.close()
})

test('a message is decoded: addresses, text, HTML, links, attachments, headers', async () => {
  await using mail = await createPosthorn()
  await send(mail, {
    to: ['Ann Müller <ann@x.test>', 'bob@x.test'],
    cc: 'cy@x.test',
    replyTo: 'Help <help@shop.test>',
    subject: 'Grüße – Ihr Einkauf',
    text: 'Zum Konto: https://shop.test/a?b=1&c=2.',
    html: '<p>Zum <a href="https://shop.test/a?b=1&amp;c=2">Konto</a> <img src="cid:logo"></p>',
    headers: { 'X-Order': '12' },
    attachments: [
      { filename: 'Rechnung März.txt', content: 'Summe: 5 €' },
      { filename: 'logo.png', content: Buffer.from([1, 2, 3]), cid: 'logo' },
    ],
  })
  const letter = await mail.inbox('ann@x.test').next()
  assert.deepEqual(letter.to[0], { name: 'Ann Müller', address: 'ann@x.test' })
  assert.deepEqual(letter.from, { name: 'App', address: 'app@shop.test' })
  assert.equal(letter.mailFrom, 'app@shop.test')
  assert.deepEqual(letter.replyTo, [{ name: 'Help', address: 'help@shop.test' }])
  assert.equal(letter.text.trim(), 'Zum Konto: https://shop.test/a?b=1&c=2.')
  assert.deepEqual(letter.links, ['https://shop.test/a?b=1&c=2'])
  assert.deepEqual(
    letter.attachments.map(({ filename, inline, contentType }) => [filename, inline, contentType]),
    [
      ['logo.png', true, 'image/png'],
      ['Rechnung März.txt', false, 'text/plain'],
    ],
  )
  assert.equal(letter.attachments[1]?.text, 'Summe: 5 €')
  assert.deepEqual([...(letter.attachments[0]?.content ?? [])], [1, 2, 3])
  const expected = expectMail(letter)
  expected.toHaveSubject('grüße – ihr einkauf')
  expected.toBeFrom(/@shop\.test/)
  expected.toBeAddressedTo('cy@x.test')
  expected.toHaveLink(/^https:\/\/shop\.test\/a/)
  expected.toContainHtml('<p>Zum')
  expected.toHaveAttachment(/^Rechnung/)
  expected.toHaveHeader('x-order', '12')
  expected.toMatchMail({ subject: /Einkauf/, headers: { 'X-Order': /1/ }, attachment: 'logo.png' })
  expected.not.toHaveOneClickUnsubscribe()
  const fails: [() => unknown, RegExp][] = [
    [() => expected.toHaveSubject('Einkauf'), /The subject is "Grüße – Ihr Einkauf", not "Einkauf"/],
    [() => expected.not.toHaveSubject(/Einkauf/), /The subject is/],
    [() => expected.toHaveLink('https://x.test'), /It has no link .*It has:\n {2}https:/],
    [() => expected.toHaveHeader('X-None'), /no field X-None/],
    [() => expected.toHaveOneClickUnsubscribe(), /no List-Unsubscribe field/],
  ]
  for (const [check, message] of fails) assert.throws(check, { name: 'AssertionError', message })
})

test('one click: the field must have an https link, and the other field its one value', async () => {
  await using mail = await createPosthorn()
  const inbox = mail.inbox()
  const cases: [Record<string, string>, RegExp | null][] = [
    [{ 'List-Unsubscribe': '<mailto:u@x.test>' }, /has no https link/],
    [{ 'List-Unsubscribe': '<https://x.test/u>' }, /no List-Unsubscribe-Post/],
    [
      { 'List-Unsubscribe': '<https://x.test/u>', 'List-Unsubscribe-Post': 'One-Click' },
      /not "List-Unsubscribe=One-Click"/,
    ],
    [
      {
        'List-Unsubscribe': '<mailto:u@x.test>, <https://x.test/u>',
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
      null,
    ],
  ]
  for (const [headers, problem] of cases) {
    await send(mail, { to: inbox.address, subject: 'x', text: 'x', headers })
    const expected = expectMail(await inbox.next())
    if (problem === null) expected.toHaveOneClickUnsubscribe()
    else assert.throws(() => expected.toHaveOneClickUnsubscribe(), { message: problem })
  }
})

test('an inbox is cleared, counts, and can be given up', async () => {
  await using mail = await createPosthorn()
  const inbox = mail.inbox()
  const three = inbox.count(3)
  for (const subject of ['1', '2', '3']) await send(mail, { to: inbox.address, subject, text: '-' })
  assert.deepEqual(
    (await three).map(({ subject }) => subject),
    ['1', '2', '3'],
  )
  await assert.rejects(inbox.none(), /There should be no message .* “1” from/)
  await inbox.clear()
  assert.deepEqual(await inbox.all(), [])
  await inbox.none()
  await assert.rejects(inbox.count(2, {}, { timeout: 1 }), /^NoMailError: Only 0 of 2 messages came/)
  const given = new AbortController()
  const waiting = inbox.next({}, { signal: given.signal })
  given.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  assert.throws(() => mail.inbox('no address'), TypeError)
})

test('the same mail is read by other protocols, where they are named', async () => {
  await using mail = await createPosthorn({ protocols: ['smtp', 'imap'] })
  await send(mail, { to: 'ann@x.test', subject: 'Hello', text: '-' })
  assert.throws(() => mail.pop3, /name it, createPosthorn\(\{ protocols: \['smtp', 'pop3'\] \}\)/)
  const { host, port } = mail.imap
  const client = new ImapFlow({
    ...{ host, port, secure: false, logger: false, tls: { rejectUnauthorized: false } },
    auth: { user: 'ann@x.test', pass: 'any' },
  })
  await client.connect()
  assert.equal((await client.mailboxOpen('INBOX')).exists, 1)
  await client.logout()
})

test('time runs by itself and can be moved on: timers fire in order, at their own time', async () => {
  await using mail = await createPosthorn()
  const { clock } = mail
  const start = clock.now()
  const fired: [string, number][] = []
  const note = (name: string) => (): void => {
    fired.push([name, Math.round((clock.now() - start) / 3_600_000)])
  }
  clock.after(2 * 86_400_000, note('two days'))
  clock.after(3_600_000, () => {
    note('an hour')()
    clock.after(3_600_000, note('another'))
  })
  const cancelled = clock.after(1_000, note('never'))
  cancelled.cancel()
  await clock.advance('1d')
  assert.deepEqual(fired, [
    ['an hour', 1],
    ['another', 2],
  ])
  await clock.advance('1d')
  assert.deepEqual(fired.at(-1), ['two days', 48])
  const { promise, resolve } = Promise.withResolvers<void>()
  clock.after(5, resolve)
  await promise
  assert.ok(clock.now() - start >= 2 * 86_400_000 + 5)
  // All that a server does from time to time is done for each of these days.
  await clock.advance('5d')
  assert.ok(clock.now() - start >= 7 * 86_400_000)
})

test('DKIM, SPF and DMARC pass or say why not, by the DNS that the test gives', async () => {
  await using mail = await createPosthorn()
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const zone = `
    s1._domainkey.shop.test. TXT "v=DKIM1; k=rsa; p=" "${key.slice(0, 200)}" "${key.slice(200)}"
    shop.test. TXT "v=spf1 ip4:192.0.2.7 -all"
    _dmarc.shop.test. TXT "v=DMARC1; p=reject"`
  const transport = createTransport({
    ...{ host: mail.smtp.host, port: mail.smtp.port, ignoreTLS: true },
    dkim: {
      domainName: 'shop.test',
      keySelector: 's1',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  })
  const inbox = mail.inbox()
  await transport.sendMail({ from: 'app@shop.test', to: inbox.address, subject: 'Signed', text: 'Hello' })
  const signed = expectMail(await inbox.next())
  await signed.toPassDkim({ zone, domain: 'shop.test' })
  await signed.toPassDmarc({ zone })
  await signed.toPassSpf({ zone, address: '192.0.2.7' })
  await assert.rejects(signed.toPassSpf({ zone, address: '192.0.2.8' }), /SPF of shop\.test is fail/)
  await assert.rejects(
    signed.toPassDkim({ zone: '' }),
    /No DKIM signature verifies:\n {2}shop\.test, selector s1: /,
  )
  await assert.rejects(
    signed.toPassDkim({ zone, domain: 'x.test' }),
    /no DKIM signature of x\.test, only of shop\.test/,
  )
  await send(mail, { to: inbox.address, subject: 'Plain', text: 'Hello' })
  await assert.rejects(expectMail(await inbox.next()).toPassDkim({ zone }), /It has no DKIM signature\./)
})

test('failures are scripted: the first two attempts 421 after RCPT, the third 250', async () => {
  await using mail = await createPosthorn()
  mail.fail({ at: 'rcpt', recipient: 'ann@x.test', first: 2, reply: '421 4.7.0 Come back later' })
  const attempt = (to: string) => send(mail, { to, subject: 'Hello', text: '-' })
  await assert.rejects(attempt('ann@x.test'), { responseCode: 421, response: '421 4.7.0 Come back later' })
  await attempt('bob@x.test')
  await assert.rejects(attempt('ANN@x.test'), { responseCode: 421 })
  await attempt('ann@x.test')
  await mail.inbox('ann@x.test').next()
  mail.fail({ at: 'end', subject: /hello/, reply: 552 }, { at: 'connect', drop: 'close', skip: 1 })
  await assert.rejects(attempt('ann@x.test'), { responseCode: 552 })
  await assert.rejects(attempt('ann@x.test'), { code: 'ECONNECTION' })
  mail.heal()
  await attempt('ann@x.test')
  assert.throws(() => mail.fail({ at: 'rcpt' }), /needs one of reply/)
  assert.throws(() => mail.fail({ at: 'rcpt', reply: 250 }), /no reply of class 4 or 5/)
})

test('a handshake fails as told, and the next one does not', async () => {
  await using mail = await createPosthorn()
  mail.fail({ at: 'starttls', tls: 'garbage', first: 1 })
  const transport = createTransport({
    ...{ host: mail.smtp.host, port: mail.smtp.port, requireTLS: true, tls: { rejectUnauthorized: false } },
  })
  const letter = { from: 'a@x.test', to: 'ann@x.test', subject: 'Hello', text: '-' }
  await assert.rejects(transport.sendMail(letter), { code: 'ESOCKET' })
  await transport.sendMail(letter)
  await mail.inbox('ann@x.test').next()
})

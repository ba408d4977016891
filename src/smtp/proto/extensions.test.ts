// Extensions in a session: shown where they are offered, taken where they are shown, and refused with 555 where they are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { talk, testLimits, type BareQuestion, type TestCoreOptions } from '../../../test/support/smtp-core.ts'
import type { SmtpOffers } from './offers.ts'
import type { Recipient, Sender } from './questions.ts'

const hello = 'EHLO client.example\r\n'
const now = Date.UTC(2026, 10, 22, 12)
const clock = { now: () => now }

const everything: Partial<SmtpOffers> = {
  dsn: true,
  requireTls: true,
  futureRelease: { maxInterval: 86_400, clock },
  deliverBy: { minimum: 60 },
  priority: { profile: 'MIXER' },
  noSoliciting: { keywords: ['net.example:ADV'] },
  requireValidSince: true,
}

function senderOf(questions: readonly BareQuestion[]): Sender {
  const mail = questions.find((question) => question.type === 'mail')
  assert.ok(mail)
  return mail.sender
}

function recipientOf(questions: readonly BareQuestion[]): Recipient {
  const rcpt = questions.find((question) => question.type === 'rcpt')
  assert.ok(rcpt)
  return rcpt.recipient
}

/** The reply to this MAIL, with everything offered. */
function mail(parameters: string, options: TestCoreOptions = {}): string {
  const line = `MAIL FROM:<a@client.example> ${parameters}\r\n`
  return talk(`${hello}${line}`, { offers: everything, tls: {}, ...options }).codes.slice(4)
}

function inTheClear(parameters: string): string {
  return talk(`${hello}MAIL FROM:<a@client.example> ${parameters}\r\n`, { offers: everything }).codes.slice(4)
}

test('each extension is shown with its parameters', () => {
  const { text } = talk(hello, { offers: everything, tls: {} })
  for (const line of [
    'DSN',
    'REQUIRETLS',
    'FUTURERELEASE 86400 2026-11-23T12:00:00Z',
    'DELIVERBY 60',
    'MT-PRIORITY MIXER',
    'NO-SOLICITING net.example:ADV',
    'RRVS',
  ]) {
    assert.match(text, new RegExp(`^250-${line}\\r$`, 'm'), line)
  }
})

test('parameters of an extension may be missing', () => {
  const offers = { deliverBy: { minimum: 0 }, priority: { profile: '' }, noSoliciting: { keywords: [] } }
  const { text } = talk(hello, { offers })
  for (const line of ['DELIVERBY', 'MT-PRIORITY', 'NO-SOLICITING']) {
    assert.match(text, new RegExp(`^250-${line}\\r$`, 'm'), line)
  }
})

test('nothing is shown that is not offered, and its parameters are 555 (RFC 5321 §4.1.1.11)', () => {
  const { text } = talk(hello)
  assert.doesNotMatch(
    text,
    /DSN|REQUIRETLS|FUTURERELEASE|DELIVERBY|PRIORITY|SOLICITING|RRVS|EXPN|SEND|TURN|TRN|XCLIENT|XFORWARD/,
  )
  for (const parameter of [
    ...['RET=FULL', 'ENVID=a', 'REQUIRETLS', 'HOLDFOR=1', 'HOLDUNTIL=2026-11-22T12:00:00Z', 'BY=100;N'],
    ...['MT-PRIORITY=1', 'SOLICIT=a', 'X-UNKNOWN=1'],
  ]) {
    assert.equal(mail(parameter, { offers: {} }), '555', parameter)
  }
  for (const parameter of ['NOTIFY=NEVER', 'ORCPT=rfc822;a@b.c', 'RRVS=2014-04-03T23:01:00Z', 'X=1']) {
    const { codes } = talk(`${hello}MAIL FROM:<>\r\nRCPT TO:<a@b.c> ${parameter}\r\n`)
    assert.equal(codes, '250 250 555', parameter)
  }
})

test('what MAIL says arrives decoded', () => {
  const { questions } = talk(
    `${hello}MAIL FROM:<a@client.example> RET=HDRS ENVID=QQ+20314159 REQUIRETLS HOLDFOR=60 BY=125;RT MT-PRIORITY=-3 SOLICIT=org.example:ADV:ADLT SIZE=7\r\n`,
    { offers: everything, tls: {} },
  )
  const { reversePath, ...rest } = senderOf(questions)
  assert.equal(reversePath?.localPart, 'a')
  assert.deepEqual(rest, {
    command: 'MAIL',
    size: 7,
    body: '7BIT',
    smtpUtf8: false,
    auth: null,
    ret: 'headers',
    envId: 'QQ 314159',
    requireTls: true,
    hold: { seconds: 60 },
    by: { seconds: 125, mode: 'return', trace: 'asked' },
    priority: -3,
    solicitation: ['org.example:ADV:ADLT'],
  })
})

test('what RCPT says arrives decoded', () => {
  const rcpt =
    'RCPT TO:<bob@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@b.example RRVS=2014-04-03T23:01:00Z;C\r\n'
  const { questions, codes } = talk(`${hello}MAIL FROM:<>\r\n${rcpt}`, { offers: everything })
  assert.equal(codes, '250 250 250')
  const { notify, originalRecipient, requireValidSince } = recipientOf(questions)
  assert.deepEqual(notify, ['success', 'delay'])
  assert.equal(originalRecipient, 'rfc822;Bob+x@b.example')
  assert.deepEqual(requireValidSince, { since: Date.UTC(2014, 3, 3, 23, 1), onFailure: 'continue' })
})

test('nothing said is nothing asked for', () => {
  const { questions } = talk(`${hello}MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n`, { offers: everything })
  const { ret, envId, hold, by, priority, solicitation } = senderOf(questions)
  assert.deepEqual(
    { ret, envId, hold, by, priority, solicitation },
    { ret: null, envId: null, hold: null, by: null, priority: 0, solicitation: [] },
  )
  assert.equal(recipientOf(questions).notify, null)
})

test('bad and repeated values are 501', () => {
  for (const parameters of [
    ...['RET=ALL', 'RET', 'ENVID=a+b', 'REQUIRETLS=yes', 'HOLDFOR=0', 'HOLDUNTIL=soon', 'BY=0;R'],
    ...['MT-PRIORITY=10', 'SOLICIT=,', 'RET=FULL RET=HDRS', 'ENVID=a ENVID=a', 'REQUIRETLS REQUIRETLS'],
  ]) {
    assert.equal(mail(parameters), '501', parameters)
  }
  for (const parameters of ['NOTIFY=NEVER,DELAY', 'NOTIFY=DELAY NOTIFY=DELAY', 'ORCPT=a', 'RRVS=yesterday']) {
    const input = `${hello}MAIL FROM:<>\r\nRCPT TO:<a@b.c> ${parameters}\r\n`
    assert.equal(talk(input, { offers: everything }).codes, '250 250 501', parameters)
  }
})

test('all parameters at their longest fit into one command', () => {
  const mailbox = `${'x'.repeat(64)}@${'y'.repeat(60)}.${'z'.repeat(60)}.example`
  const parameters = [
    ...['SIZE=50000000', 'BODY=BINARYMIME', 'SMTPUTF8', `AUTH=${mailbox.replaceAll('x', '+78')}`, 'RET=FULL'],
    ...[`ENVID=${'e'.repeat(100)}`, 'REQUIRETLS', 'HOLDUNTIL=2026-11-23T12:00:00+00:00', 'BY=+999999999;RT'],
    ...['MT-PRIORITY=-9', `SOLICIT=${'s'.repeat(1000)}`],
  ]
  const line = `MAIL FROM:<@${'a'.repeat(60)}.example:${mailbox}> ${parameters.join(' ')}\r\n`
  assert.equal(talk(`${hello}${line}`, { offers: everything, tls: {}, sasl: true }).codes, '250 250')
})

test('REQUIRETLS is there under TLS alone (RFC 8689 §2)', () => {
  assert.equal(mail('REQUIRETLS'), '250')
  assert.equal(inTheClear('REQUIRETLS'), '555')
  assert.doesNotMatch(talk(hello, { offers: everything }).text, /REQUIRETLS/)
})

test('a message is held for no longer than was told, and in one way only (RFC 4865 §4.2)', () => {
  assert.equal(mail('HOLDFOR=86400'), '250')
  assert.equal(mail('HOLDFOR=86401'), '501')
  assert.equal(mail('HOLDUNTIL=2026-11-23T12:00:00Z'), '250')
  assert.equal(mail('HOLDUNTIL=2026-11-23T12:00:01Z'), '501')
  assert.equal(mail('HOLDUNTIL=2026-11-22T11:59:00Z'), '250')
  assert.equal(mail('HOLDFOR=1 HOLDUNTIL=2026-11-23T00:00:00Z'), '501')
})

test('nothing is held beyond the time it is to be delivered by (RFC 4865 §5.2.2)', () => {
  assert.equal(mail('HOLDFOR=100 BY=100;R'), '250')
  assert.equal(mail('BY=99;R HOLDFOR=100'), '501')
  assert.equal(mail('HOLDUNTIL=2026-11-22T12:02:00Z BY=119;N'), '501')
})

test('delivery sooner than the minimum is not promised (RFC 2852 §3)', () => {
  assert.equal(mail('BY=60;R'), '250')
  assert.equal(mail('BY=59;R'), '555')
  assert.equal(mail('BY=59;N'), '250')
  assert.equal(mail('BY=-9;N'), '250')
})

test('LIMITS tells what holds (RFC 9422)', () => {
  const limits = { ...testLimits, maxMessagesPerConnection: 5_000_000, maxRecipientDomains: 2 }
  const { text } = talk(hello, { limits })
  assert.match(text, /250-LIMITS RCPTMAX=1000 MAILMAX=999999 RCPTDOMAINMAX=2\r\n/)
  const recipients = ['a@x.example', 'b@X.example', 'c@y.example', 'd@z.example', 'e@x.example']
    .map((address) => `RCPT TO:<${address}>\r\n`)
    .join('')
  const second = 'RSET\r\nMAIL FROM:<>\r\nRCPT TO:<d@z.example>\r\nRCPT TO:<c@y.example>\r\n'
  const { codes } = talk(`${hello}MAIL FROM:<>\r\n${recipients}${second}`, { limits })
  assert.equal(codes, '250 250 250 250 250 452 250 250 250 452 250')
})

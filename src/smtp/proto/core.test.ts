// The core alone: octets in, replies and questions out, with scripted answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { talk, TestCore, testLimits, type TestCoreOptions } from '../../../test/support/smtp-core.ts'
import { makeReply, replies } from './reply.ts'

const hello = 'EHLO client.example\r\n'
const begin = `${hello}MAIL FROM:<a@client.example>\r\nRCPT TO:<ann@example.org>\r\n`

test('a whole session, pipelined', () => {
  const result = talk(`${begin}DATA\r\nSubject: x\r\n\r\n..hi\r\n.\r\nQUIT\r\n`)
  assert.equal(result.codes, '250 250 250 354 250 221')
  assert.deepEqual(result.messages, ['Subject: x\r\n\r\n.hi\r\n'])
  assert.deepEqual(result.asked, ['connect', 'hello', 'mail', 'rcpt', 'data', 'end'])
  assert.equal(result.closed, true)
})

test('commands out of order are 503, and leave the state as it was (RFC 5321 §4.1.4)', () => {
  assert.equal(talk('MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n').codes, '503 503 503')
  assert.equal(talk(`${hello}RCPT TO:<a@b.c>\r\nDATA\r\n`).codes, '250 503 503')
  assert.equal(talk(`${begin}MAIL FROM:<a@b.c>\r\nDATA\r\n.\r\n`).codes, '250 250 250 503 354 250')
  assert.equal(talk(`${hello}MAIL FROM:<a@b.c>\r\nDATA\r\n`).codes, '250 250 554')
})

test('commands that need no greeting', () => {
  assert.equal(
    talk('NOOP\r\nNOOP x\r\nRSET\r\nVRFY ann\r\nEXPN list\r\nHELP\r\nQUIT\r\n').codes,
    '250 250 250 252 252 214 221',
  )
})

test('unknown, known but not done, empty, and with arguments that may not be', () => {
  assert.equal(
    talk(
      'FOO\r\n\r\nSOML FROM:<a@b.c>\r\nRSET x\r\nDATA x\r\nEHLO\r\nHELO a b\r\nEHLO -\r\nHELP FOO\r\nVRFY\r\n',
    ).codes,
    '500 500 502 501 503 501 501 501 504 501',
  )
})

test('EHLO in a transaction resets it, a bad one does not', () => {
  assert.equal(talk(`${begin}EHLO\r\nDATA\r\n.\r\n`).codes, '250 250 250 501 354 250')
  const reset = talk(`${begin}EHLO again\r\nDATA\r\n`)
  assert.equal(reset.codes, '250 250 250 250 503')
  assert.deepEqual(reset.asked.slice(-1), ['reset'])
})

test('paths and parameters', () => {
  const cases: [string, string][] = [
    ['MAIL FROM:<>', '250'],
    ['MAIL FROM: <a@b.c>', '250'],
    ['mail from:<a@b.c> ', '250'],
    ['MAIL FROM:<@hop.example,@two.example:a@b.c>', '250'],
    ['MAIL FROM:<"a b"@b.c>', '250'],
    ['MAIL FROM:<a@[192.0.2.1]>', '250'],
    ['MAIL FROM:<a@b.c> SIZE=100 BODY=8BITMIME SMTPUTF8', '250'],
    ['MAIL FROM:<jürgen@b.c> SMTPUTF8', '250'],
    ['MAIL FROM:<jürgen@b.c>', '553'],
    ['MAIL FROM:<a@b.c> SIZE=50000001', '552'],
    ['MAIL FROM:<a@b.c> SIZE=99999999999999999999', '552'],
    ['MAIL FROM:<a@b.c> SIZE=x', '501'],
    ['MAIL FROM:<a@b.c> SIZE=1 SIZE=1', '501'],
    ['MAIL FROM:<a@b.c> BODY=9BIT', '501'],
    ['MAIL FROM:<a@b.c> SMTPUTF8=1', '501'],
    ['MAIL FROM:<a@b.c> RET=FULL', '555'],
    ['MAIL FROM:<a@b.c> AUTH=<>', '555'],
    ['MAIL FROM:a@b.c', '501'],
    ['MAIL FROM:<a@b.c', '501'],
    ['MAIL FROM:<a@b.c>x', '501'],
    ['MAIL FROM:<a@b@c>', '501'],
    ['MAIL FROM:<a@b.c(x)d.example>', '501'],
    ['MAIL FROM', '501'],
    ['MAIL', '501'],
  ]
  for (const [line, code] of cases) {
    assert.equal(talk(`${hello}${line}\r\n`).codes, `250 ${code}`, line)
  }
})

test('recipients', () => {
  const start = `${hello}MAIL FROM:<a@b.c>\r\n`
  const cases: [string, string][] = [
    ['RCPT TO:<Postmaster>', '250'],
    ['RCPT TO:<ann@example.org>', '250'],
    ['RCPT TO:<@mx.example:ann@example.org>', '250'],
    ['RCPT TO:<>', '501'],
    ['RCPT TO:<ann>', '501'],
    ['RCPT TO:<ann@example.org> NOTIFY=NEVER', '555'],
    ['RCPT TO:<jürgen@example.org>', '553'],
    [`RCPT TO:<${'x'.repeat(65)}@example.org>`, '501'],
  ]
  for (const [line, code] of cases) assert.equal(talk(`${start}${line}\r\n`).codes, `250 250 ${code}`, line)
})

test('more recipients than allowed are put off, the others get the message', () => {
  const many = Array.from({ length: 12 }, (_, index) => `RCPT TO:<u${index}@example.org>\r\n`).join('')
  const result = talk(`${hello}MAIL FROM:<a@b.c>\r\n${many}DATA\r\n.\r\n`, {
    limits: { ...testLimits, maxRecipients: 10 },
  })
  assert.equal(result.codes, `250 250 ${'250 '.repeat(10)}452 452 354 250`)
})

test('10,000 recipients: those beyond the limit are put off one by one, none is lost or mixed up', () => {
  const core = new TestCore()
  core.open()
  core.feed(`${hello}MAIL FROM:<a@b.c>\r\n`)
  const before = core.text.length
  core.feed(Array.from({ length: 10_000 }, (_, index) => `RCPT TO:<u${index}@example.org>\r\n`).join(''))
  const codes = core.text
    .slice(before)
    .split('\r\n')
    .map((line) => line.slice(0, 3))
  assert.equal(codes.filter((code) => code === '250').length, 1000)
  assert.equal(codes.lastIndexOf('250'), 999)
  assert.equal(codes.filter((code) => code === '452').length, 9000)
  core.feed('DATA\r\n.\r\n')
  const end = core.questions.find((question) => question.type === 'end')
  assert.equal(end?.type === 'end' ? end.envelope.recipients.length : 0, 1000)
})

test('a message beyond the limit is read to its end, then refused, and the session goes on', () => {
  const limits = { ...testLimits, maxMessageSize: 1000 }
  const big = `${'x'.repeat(70)}\r\n`.repeat(40)
  const result = talk(`${begin}DATA\r\n${big}.\r\nNOOP\r\n`, { limits })
  assert.equal(result.codes, '250 250 250 354 552 250')
  assert.deepEqual(result.asked.slice(-1), ['reset'])
  const endless = talk(`${begin}DATA\r\n${big}`, { limits: { ...limits, maxDiscardedMessage: 500 } })
  assert.deepEqual([endless.codes, endless.closed], ['250 250 250 354 552', true])
})

test('a refusal in mid-message is told at its end', () => {
  const result = talk(`${begin}DATA\r\nhello\r\nyou\r\n.\r\nNOOP\r\n`, {
    answers: { content: { type: 'reply', reply: replies.localTrouble } },
  })
  assert.equal(result.codes, '250 250 250 354 451 250')
  assert.equal(result.asked.filter((type) => type === 'end').length, 0)
})

test('NUL is refused after the message', () => {
  assert.equal(talk(`${begin}DATA\r\na\0b\r\n.\r\nNOOP\r\n`).codes, '250 250 250 354 554 250')
})

test('chunks are neither stuffed nor unstuffed (RFC 3030 §2)', () => {
  const result = talk(`${begin}BDAT 6\r\n.\r\n..\nBDAT 0 LAST\r\nNOOP\r\n`)
  assert.equal(result.codes, '250 250 250 250 550 250')
  const good = talk(`${begin}BDAT 7\r\n.\r\n..\r\nBDAT 5 LAST\r\n.\r\n\r\nQUIT\r\n`)
  assert.deepEqual(good.messages, ['.\r\n..\r\n.\r\n\r\n'])
  assert.equal(good.codes, '250 250 250 250 250 221')
})

test('binary content by BDAT alone', () => {
  const start = `${hello}MAIL FROM:<a@b.c> BODY=BINARYMIME\r\nRCPT TO:<ann@example.org>\r\n`
  const result = talk(`${start}DATA\r\nBDAT 4 LAST\r\n\n\0\rxNOOP\r\n`)
  assert.equal(result.codes, '250 250 250 503 250 250')
  assert.deepEqual(result.messages, ['\n\0\rx'])
})

test('unwanted chunks are read before they are refused, so that content is never a command', () => {
  assert.equal(talk('BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n').codes, '503 250')
  assert.equal(talk(`${hello}MAIL FROM:<a@b.c>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n`).codes, '250 250 554 250')
  assert.equal(
    talk(`${begin}BDAT 2\r\nabDATA\r\nRCPT TO:<a@b.c>\r\nRSET\r\nNOOP\r\n`).codes,
    '250 250 250 250 503 503 250 250',
  )
  assert.equal(talk('BDAT\r\nBDAT x\r\nBDAT -1\r\nBDAT 9999999999999999\r\n').codes, '501 501 501 501')
})

test('a client that speaks HTTP is sent away at once', () => {
  const result = talk('GET / HTTP/1.1\r\nHost: x\r\nMAIL FROM:<a@b.c>\r\n')
  assert.deepEqual([result.codes, result.closed], ['521', true])
})

test('too many errors end the session', () => {
  const result = talk('FOO\r\n'.repeat(30), { limits: { ...testLimits, maxErrors: 5 } })
  assert.deepEqual([result.codes, result.closed], ['500 500 500 500 500 421', true])
})

test('too many messages in one connection', () => {
  const result = talk(`${hello}MAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\n`, {
    limits: { ...testLimits, maxMessagesPerConnection: 1 },
  })
  assert.deepEqual([result.codes, result.closed], ['250 250 250 421', true])
})

test('a refused connection: 554 waits for QUIT, 421 closes (RFC 5321 §3.1)', () => {
  const refused = talk('EHLO a\r\nQUIT\r\n', {
    answers: { connect: { type: 'reply', reply: makeReply(554, '5.7.1', 'No service for you') } },
  })
  assert.deepEqual([refused.codes, refused.closed], ['503 221', true])
  const closed = talk('', { answers: { connect: { type: 'reply', reply: replies.tooManyConnections } } })
  assert.equal(closed.closed, true)
})

test('STARTTLS with anything behind it ends the session; alone it begins a new one', () => {
  const core = new TestCore({ startTls: true })
  core.open()
  core.feed('EHLO a\r\nSTARTTLS\r\nEHLO evil\r\n')
  assert.match(core.text, /554 5\.5\.1 [^\r]*\r\n$/)
  assert.ok(core.closed)
  const polite = new TestCore({ startTls: true })
  polite.open()
  polite.feed('EHLO a\r\nSTARTTLS\r\n')
  assert.deepEqual(polite.outputs.at(-1), { type: 'start-tls' })
  polite.secure()
  polite.feed('MAIL FROM:<a@b.c>\r\nEHLO a\r\n')
  assert.match(polite.text, /503 5\.5\.1/)
  assert.doesNotMatch(polite.text.slice(polite.text.lastIndexOf('250-mx')), /STARTTLS/)
})

test('silence and trickling end the session', () => {
  const silent = new TestCore()
  silent.open()
  assert.deepEqual(silent.outputs.at(-1), { type: 'time-out', milliseconds: testLimits.commandTimeout })
  silent.expire()
  assert.match(silent.text, /421 4\.4\.2/)
  assert.ok(silent.closed)
  const trickling = new TestCore()
  trickling.open()
  trickling.feed('EH')
  assert.deepEqual(trickling.outputs.at(-1), { type: 'deadline', milliseconds: testLimits.commandTimeout })
  trickling.feed('LO a\r\n')
  assert.deepEqual(trickling.outputs.at(-1), { type: 'deadline', milliseconds: null })
})

test('a stop ends the session between commands, and not in mid-message', () => {
  const idle = new TestCore()
  idle.open()
  idle.feed(hello)
  idle.shutdown()
  assert.match(idle.text, /421 4\.3\.2 [^\r]*\r\n$/)
  const busy = new TestCore()
  busy.open()
  busy.feed(`${begin}DATA\r\nhal`)
  busy.shutdown()
  assert.equal(busy.closed, false)
  busy.feed('lo\r\n.\r\n')
  assert.match(busy.text, /250 2\.0\.0 [^\r]*\r\n421 4\.3\.2 [^\r]*\r\n$/)
  assert.ok(busy.closed)
})

test('HELP and EHLO name only what this session may use', () => {
  const plain = talk(`${hello}HELP\r\n`).text
  assert.doesNotMatch(plain, /AUTH|STARTTLS/)
  assert.match(plain, /250-LIMITS RCPTMAX=1000\r\n/)
  const offered = talk(`${hello}HELP\r\n`, { startTls: true, sasl: true }).text
  assert.match(offered, /250-STARTTLS\r\n250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n/)
})

test('AUTH: one mechanism after another, with all its rules (RFC 4954 §4)', () => {
  const login = 'AUTH PLAIN AGFubgBzZWNyZXQ=\r\n'
  const options: TestCoreOptions = { sasl: true, answers: { 'check-password': { type: 'accepted' } } }
  assert.equal(talk(`${hello}${login}${login}`, options).codes, '250 235 503')
  assert.equal(talk(`${hello}AUTH PLAIN\r\nAGFubgBzZWNyZXQ=\r\n`, options).codes, '250 334 235')
  assert.equal(
    talk(`${hello}AUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\nNOOP\r\n`, options).codes,
    '250 334 334 235 250',
  )
  assert.equal(talk(`${hello}AUTH PLAIN\r\n*\r\nNOOP\r\n`, options).codes, '250 334 501 250')
  assert.equal(talk(`${hello}AUTH PLAIN\r\n=AAA\r\nNOOP\r\n`, options).codes, '250 334 501 250')
  assert.equal(talk(`${hello}AUTH FOO\r\nAUTH\r\n`, options).codes, '250 504 501')
  assert.equal(talk(`${hello}MAIL FROM:<a@b.c>\r\n${login}`, options).codes, '250 250 503')
  assert.equal(talk(login, options).codes, '503')
  assert.equal(
    talk(`${hello}AUTH PLAIN\r\n${'A'.repeat(13_000)}\r\nNOOP\r\n`, options).codes,
    '250 334 500 250',
  )
  assert.equal(talk(`${hello}${login}`).codes, '250 502')
  assert.equal(talk(`${hello}MAIL FROM:<a@b.c> AUTH=e+3Dmc2@b.c\r\n`, options).codes, '250 250')
})

test('failed log-ins are counted apart', () => {
  const result = talk(`${hello}${'AUTH PLAIN AGFubgBzZWNyZXQ=\r\n'.repeat(5)}`, {
    sasl: true,
    limits: { ...testLimits, maxAuthFailures: 3 },
    answers: { 'check-password': { type: 'refused', reason: 'bad-credentials' } },
  })
  assert.deepEqual([result.codes, result.closed], ['250 535 535 535 421', true])
})

test('where TLS and log-in are demanded, mail waits for both (RFC 3207 §4, RFC 4954 §6)', () => {
  const admission = { tls: true, authentication: true }
  const options: TestCoreOptions = { admission, startTls: true, sasl: true }
  assert.equal(
    talk(
      `${hello}MAIL FROM:<a@b.c>\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nNOOP\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\n`,
      options,
    ).codes,
    '250 530 530 250 530 250',
  )
  const authOnly: TestCoreOptions = { sasl: true, admission: { tls: false, authentication: true } }
  assert.match(talk(`${hello}MAIL FROM:<a@b.c>\r\n`, authOnly).text, /530 5\.7\.0 Authentication required/)
})

test('PLAIN in clear text is 538 where it is not allowed', () => {
  const result = talk(`${hello}AUTH PLAIN AGFubgBzZWNyZXQ=\r\n`, { sasl: true, clearTextAllowed: false })
  assert.equal(result.codes, '250 538')
})

test('who wants to be asked is asked about STARTTLS and QUIT, and answers for them', () => {
  const consults = new Set(['starttls', 'quit'] as const)
  const asking = { consults, startTls: true }
  const plain = talk(`${hello}STARTTLS\r\n`, { startTls: true })
  assert.deepEqual(plain.asked, ['connect', 'hello'])
  const consented = talk(`${hello}STARTTLS\r\n`, asking)
  assert.deepEqual(consented.asked, ['connect', 'hello', 'starttls'])
  assert.equal(consented.codes, '250 220')
  const refusal = { type: 'reply', reply: makeReply(454, '4.7.0', 'Not now') } as const
  const refused = talk(`${hello}STARTTLS\r\n`, { ...asking, answers: { starttls: refusal } })
  assert.equal(refused.codes, '250 454')
  const late = { type: 'reply', reply: makeReply(451, '4.3.0', 'Stay') } as const
  const left = talk('QUIT\r\n', { ...asking, answers: { quit: late } })
  assert.equal(left.codes, '451')
  assert.equal(left.closed, true)
})

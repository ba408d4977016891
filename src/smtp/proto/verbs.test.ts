// The verbs that a listener may offer beyond the core of SMTP, and HELP about all of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { talk, TestCore, testLimits, type TestCoreOptions } from '../../../test/support/smtp-core.ts'
import { makeReply, replies } from './reply.ts'

const hello = 'EHLO client.example\r\n'
const login = 'AUTH PLAIN AGFubgBzZWNyZXQ=\r\n'

test('SEND, SOML and SAML begin a transaction as MAIL does, and say what they are (RFC 821 §3.4)', () => {
  for (const command of ['SEND', 'SOML', 'SAML']) {
    const session = `${hello}${command} FROM:<a@b.c> SIZE=9\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n.\r\n`
    const result = talk(session, { offers: { terminals: true } })
    assert.equal(result.codes, '250 250 503 250 354 250', command)
    const mail = result.questions.find((question) => question.type === 'mail')
    assert.equal(mail?.sender.command, command)
    assert.equal(talk(session).codes, '250 502 250 250 354 250', `${command} is off`)
  }
  assert.equal(
    talk(`${hello}MAIL FROM:<>\r\nSEND FROM:<>\r\n`, { offers: { terminals: true } }).codes,
    '250 250 503',
  )
})

test('the handler refuses HELO, EHLO and LHLO, and the session is as before (RFC 5321 §4.1.4)', () => {
  const refusal = { type: 'reply', reply: makeReply(550, '5.7.1', 'Not with that name') } as const
  const first = talk(`${hello}MAIL FROM:<>\r\n`, { answers: { hello: refusal } })
  assert.equal(first.codes, '550 503')
})

test('a reply that ends the session does so, and drops what was begun', () => {
  const reply = makeReply(550, '5.7.1', 'No')
  const begin = `${hello}MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nNOOP\r\n`
  const closed = talk(begin, { answers: { rcpt: { type: 'reply', reply, then: 'close' } } })
  assert.deepEqual([closed.codes, closed.closed], ['250 250 550', true])
  assert.equal(closed.asked.at(-1), 'reset')
  const going = talk(begin, { answers: { rcpt: { type: 'reply', reply } } })
  assert.deepEqual([going.codes, going.closed], ['250 250 550 250', false])
  const off = talk(begin, { answers: { mail: { type: 'reply', reply: makeReply(421, '4.7.0', 'Enough') } } })
  assert.deepEqual([off.codes, off.closed], ['250 421', true])
})

test('TURN hands the connection over after its 250, or is 502 (RFC 821 §3.8)', () => {
  const offers = { turn: true }
  const result = talk(`${hello}TURN\r\n`, { offers })
  assert.deepEqual([result.codes, result.handedOver], ['250 250', true])
  assert.equal(talk(`${hello}TURN\r\n`).codes, '250 502')
  assert.equal(talk('TURN\r\n', { offers }).codes, '503')
  assert.equal(talk(`${hello}TURN now\r\n`, { offers }).codes, '250 501')
  assert.equal(talk(`${hello}MAIL FROM:<>\r\nTURN\r\n`, { offers }).codes, '250 250 503')
  const refused = talk(`${hello}TURN\r\n`, {
    offers,
    answers: { turn: { type: 'reply', reply: replies.turnRefused } },
  })
  assert.deepEqual([refused.codes, refused.handedOver], ['250 502', false])
})

test('whoever speaks before the answer to TURN gets no connection handed over', () => {
  const core = new TestCore({ offers: { turn: true } })
  core.open()
  core.feed(`${hello}TURN\r\n220 client.example\r\n`)
  assert.match(core.text, /503 5\.5\.1 [^\r]*\r\n500/)
  assert.equal(core.handedOver, false)
})

test('ATRN wants a log-in and domains (RFC 2645 §5.2.1)', () => {
  const options: TestCoreOptions = {
    sasl: true,
    offers: { atrn: true },
    answers: { 'check-password': { type: 'accepted' } },
  }
  assert.equal(talk(`${hello}ATRN\r\n`, options).codes, '250 530')
  assert.equal(talk(`${hello}ATRN\r\n`, { sasl: true }).codes, '250 502')
  const result = talk(`${hello}${login}ATRN Example.org,example.com,example.org\r\n`, options)
  assert.deepEqual([result.codes, result.handedOver], ['250 235 250', true])
  const domains = ['example.org', 'example.com']
  assert.deepEqual(result.questions.at(-1), { type: 'atrn', domains })
  assert.deepEqual(talk(`${hello}${login}ATRN\r\n`, options).questions.at(-1), { type: 'atrn', domains: [] })
  for (const argument of ['localhost', 'a..b', 'example.org,', 'example.org example.com', '-a.b']) {
    assert.equal(talk(`${hello}${login}ATRN ${argument}\r\n`, options).codes, '250 235 501', argument)
  }
  const none = {
    ...options,
    answers: { ...options.answers, atrn: { type: 'reply', reply: replies.atrnNoMail } },
  } as const
  const refused = talk(`${hello}${login}ATRN\r\n`, none)
  assert.deepEqual([refused.codes, refused.handedOver], ['250 235 453', false])
})

test('ETRN names a node, all below it, or a queue (RFC 1985 §5)', () => {
  const options: TestCoreOptions = { offers: { etrn: true } }
  const result = talk(`${hello}ETRN Innosoft.com\r\nETRN @foo.com\r\nETRN #uucp\r\n`, options)
  assert.equal(result.codes, '250 250 250 250')
  assert.match(result.text, /250 2\.0\.0 OK, queuing for node @foo\.com started\r\n/)
  assert.deepEqual(
    result.questions.filter(({ type }) => type === 'etrn'),
    [
      { type: 'etrn', node: 'innosoft.com', form: 'domain' },
      { type: 'etrn', node: 'foo.com', form: 'subdomains' },
      { type: 'etrn', node: 'uucp', form: 'queue' },
    ],
  )
  // RFC 1985 §7.
  assert.equal(
    talk(`${hello}ETRN\r\nETRN localname\r\nETRN @\r\nETRN #\r\n`, options).codes,
    '250 500 501 501 501',
  )
  assert.equal(talk('ETRN example.org\r\n', options).codes, '503')
  assert.equal(talk(`${hello}MAIL FROM:<>\r\nETRN example.org\r\n`, options).codes, '250 250 503')
  assert.equal(talk(`${hello}ETRN example.org\r\n`).codes, '250 502')
})

test('XCLIENT begins the session anew as that of another client', () => {
  const options: TestCoreOptions = {
    offers: { xclient: true },
    sasl: true,
    admission: { tls: false, authentication: true },
  }
  const said =
    'XCLIENT NAME=spike.example ADDR=IPV6:2001:db8::1 PORT=4242 LOGIN=ann+40example.org DESTPORT=25\r\n'
  const result = talk(`${hello}${said}MAIL FROM:<>\r\n${hello}MAIL FROM:<>\r\n`, options)
  assert.equal(result.codes, '250 220 503 250 250')
  const question = result.questions.find(({ type }) => type === 'xclient')
  assert.deepEqual(question, {
    type: 'xclient',
    attributes: new Map([
      ['NAME', 'spike.example'],
      ['ADDR', '2001:db8::1'],
      ['PORT', '4242'],
      ['LOGIN', 'ann@example.org'],
      ['DESTPORT', '25'],
    ]),
  })
  // A second one that says nothing of a log-in has none.
  assert.equal(
    talk(`${hello}${said}XCLIENT ADDR=192.0.2.1\r\n${hello}MAIL FROM:<>\r\n`, options).codes,
    '250 220 220 250 530',
  )
  // HELO and PROTO stand for a greeting.
  const greeted =
    'XCLIENT HELO=spike.example PROTO=ESMTP LOGIN=x\r\nMAIL FROM:<>\r\nXCLIENT ADDR=192.0.2.1\r\n'
  assert.equal(talk(greeted, options).codes, '220 250 503')
})

test('what XCLIENT and XFORWARD refuse', () => {
  const options: TestCoreOptions = { offers: { xclient: true, xforward: true } }
  for (const argument of [
    ...['', 'NAME', 'NAME=', '=x', 'FOO=x', 'ADDR=300.1.1.1', 'ADDR=IPV6:x', 'PORT=65536', 'PORT=-1'],
    ...['PROTO=UUCP', 'HELO=a b', 'NAME=a+2', 'NAME=a..b', 'LOGIN=a+0D+0Ab', 'ADDR=192.0.2.1 ADDR=192.0.2.1'],
    ...['SOURCE=LOCAL', `LOGIN=${'x'.repeat(256)}`],
  ]) {
    assert.equal(talk(`XCLIENT ${argument}\r\n`, options).codes, '501', argument)
  }
  assert.equal(talk('XFORWARD SOURCE=ELSEWHERE\r\nXFORWARD LOGIN=ann\r\n', options).codes, '501 501')
  assert.equal(talk(`${hello}XCLIENT ADDR=192.0.2.1\r\nXFORWARD ADDR=192.0.2.1\r\n`).codes, '250 550 550')
  const during = `${hello}MAIL FROM:<>\r\nXCLIENT ADDR=192.0.2.1\r\nXFORWARD ADDR=192.0.2.1\r\n`
  assert.equal(talk(during, options).codes, '250 250 503 503')
  const no = { ...options, answers: { xclient: { type: 'reply', reply: replies.notForYou } } } as const
  assert.equal(talk('XCLIENT LOGIN=ann\r\n', no).codes, '550')
})

test('XFORWARD tells where a message came from', () => {
  const said =
    'XFORWARD NAME=spike.example ADDR=192.0.2.7 IDENT=4A3B2C SOURCE=remote HELO=[UNAVAILABLE] PROTO=[tempunavail]\r\n'
  const result = talk(`${hello}${said}`, { offers: { xforward: true } })
  assert.equal(result.codes, '250 250')
  assert.deepEqual(result.questions.at(-1), {
    type: 'xforward',
    attributes: new Map([
      ['NAME', 'spike.example'],
      ['ADDR', '192.0.2.7'],
      ['IDENT', '4A3B2C'],
      ['SOURCE', 'REMOTE'],
      ['HELO', null],
      ['PROTO', null],
    ]),
  })
})

test('HELP names and explains what this session may use, and nothing else', () => {
  const plain = talk(`HELP\r\n`).text
  assert.doesNotMatch(plain, /AUTH|STARTTLS|LHLO|BURL|SEND|SOML|SAML|TURN|ETRN|ATRN|XCLIENT|XFORWARD/)
  const offers = {
    ...{ terminals: true, turn: true, etrn: true, atrn: true, xclient: true, xforward: true },
    burl: 'mx.example.org',
  }
  const listed = talk(`HELP\r\n`, { offers }).text
  const names = /Commands: ([A-Z ]+)/.exec(listed)?.[1]?.split(' ') ?? []
  for (const name of ['BURL', 'SEND', 'SOML', 'SAML', 'TURN', 'ETRN', 'ATRN', 'XCLIENT', 'XFORWARD']) {
    assert.ok(names.includes(name), name)
  }
  for (const name of names) {
    const { text } = talk(`HELP ${name.toLowerCase()}\r\n`, { offers })
    assert.match(
      text,
      new RegExp(`214-2\\.0\\.0 ${name}[^\\r]*\\r\\n214[ -]2\\.0\\.0 [A-Z][^\\r]*\\.\\r\\n`),
      name,
    )
  }
  assert.equal(talk('HELP MTRK\r\nHELP XCLIENT\r\nHELP LHLO\r\n').codes, '504 504 504')
  // What an operator left out says so.
  assert.match(talk('HELP ETRN\r\n').text, /214 2\.0\.0 It is not offered to you on this port\r\n/)
  // The parameters are those of this session.
  assert.match(talk('HELP MAIL\r\n').text, /214 2\.0\.0 Parameters: SIZE BODY SMTPUTF8\r\n/)
  assert.match(talk('HELP RCPT\r\n', { offers: { dsn: true } }).text, /Parameters: NOTIFY ORCPT\r\n/)
})

test('HELP SYSTEM is 211, and says nothing of the software (RFC 5321 §4.2.3)', () => {
  const { text } = talk(`${hello}MAIL FROM:<>\r\nHELP SYSTEM\r\n`, { tls: {} })
  assert.match(text, /211-2\.0\.0 mx\.example\.org is at work\r\n211-2\.0\.0 TLSv1\.3[^\r]*\r\n/)
  assert.match(text, /211-2\.0\.0 Nobody has logged in\r\n211 2\.0\.0 Messages begun: 1; open: 1\r\n/)
  const status = text.split('\r\n').filter((line) => line.startsWith('211'))
  assert.doesNotMatch(status.join(), /posthorn|\d+\.\d+\.\d+\.\d/i)
})

test('a peer that is refused again and again waits longer each time', () => {
  const tarpit = { afterErrors: 2, firstPause: 1000, maxPause: 3000 }
  const result = talk('FOO\r\n'.repeat(6), { tarpit })
  assert.equal(result.codes, '500 500 500 500 500 500')
  const pauses = result.questions.filter((question) => question.type === 'pause')
  assert.deepEqual(
    pauses.map(({ milliseconds }) => milliseconds),
    [1000, 2000, 3000, 3000],
  )
})

test('a tarpit delays refusals alone, and the session ends all the same', () => {
  const options: TestCoreOptions = {
    tarpit: { afterErrors: 1, firstPause: 10, maxPause: 10 },
    limits: { ...testLimits, maxErrors: 3 },
  }
  const result = talk('FOO\r\nNOOP\r\nFOO\r\nNOOP\r\nFOO\r\nNOOP\r\n', options)
  assert.deepEqual([result.codes, result.closed], ['500 250 500 250 500 421', true])
  assert.deepEqual(result.asked, ['connect', 'pause', 'pause', 'note'])
})

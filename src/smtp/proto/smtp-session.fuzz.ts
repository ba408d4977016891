// Fuzz target: a whole SMTP session, from the greeting on, with a handler that always agrees. Whatever the client sends, the core does
// not throw, every line it writes is a reply line, no message is longer than what was sent, and it does not matter where
// a chunk ends.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { TestCore } from '../../../test/support/smtp-core.ts'

function converse(chunks: readonly Uint8Array[]): TestCore {
  const lmtp = Buffer.concat(chunks).includes('LHLO')
  const core = new TestCore({
    dialect: lmtp ? 'lmtp' : 'smtp',
    sasl: true,
    startTls: true,
    offers: {
      dsn: true,
      requireTls: true,
      futureRelease: { maxInterval: 1000, clock: { now: () => 0 } },
      deliverBy: { minimum: 1 },
      priority: { profile: 'MIXER' },
      noSoliciting: { keywords: ['net.example:ADV'] },
      requireValidSince: true,
      expand: true,
      terminals: true,
      turn: true,
      etrn: true,
      atrn: true,
      xclient: true,
      xforward: true,
    },
    answers: {
      'check-password': { type: 'accepted' },
      'need-credentials': { type: 'credentials', verifier: null },
    },
  })
  core.open()
  for (const chunk of chunks) core.feed(chunk)
  return core
}

export function target(bytes: Uint8Array): void {
  const whole = converse([bytes])
  // RFC 5321 §4.2.1: three digits, a space or a hyphen, text, CRLF; nothing in it may end the line early.
  assert.match(whole.text, /^(?:[2-5]\d\d[ -][^\r\n]*\r\n)+$/)
  const octets = whole.messages.reduce((sum, message) => sum + message.length, 0)
  assert.ok(octets <= bytes.length, 'a message is longer than what was sent')
  // RFC 3030 §3: only BINARYMIME may hold them.
  const binary = /binarymime/i.test(Buffer.from(bytes).toString('latin1'))
  for (const message of binary ? [] : whole.messages)
    assert.doesNotMatch(message, /\r(?!\n)|(?<!\r)\n/, 'a bare CR or LF was let in')
  // Bytes behind STARTTLS are an attack when they come with it, and the beginning of a handshake when they come later.
  if (/Ready to start TLS|Nothing may follow/.test(whole.text)) return
  // Likewise octets behind TURN and ATRN.
  if (/reversing the connection|Wait for the answer/.test(whole.text)) return
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  const parted = converse([bytes.subarray(0, cut), bytes.subarray(cut)])
  assert.equal(parted.text, whole.text)
  assert.deepEqual(parted.messages, whole.messages)
}

const begin = 'EHLO client.example\r\nMAIL FROM:<a@client.example> SIZE=9\r\nRCPT TO:<ann@example.org>\r\n'

export const seeds: readonly string[] = [
  `${begin}DATA\r\nSubject: x\r\n\r\n..hi\r\n.\r\nQUIT\r\n`,
  `${begin}BDAT 5\r\nhelloBDAT 4 LAST\r\n\r\n.\rQUIT\r\n`,
  'EHLO [192.0.2.1]\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\nVRFY ann\r\nEXPN x\r\nHELP MAIL\r\nNOOP x\r\nRSET\r\n',
  'HELO x\r\nAUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\nMAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n.\r\n',
  'EHLO x\r\nSEND FROM:<a@b.c> RET=HDRS ENVID=a+2Bb BY=120;RT MT-PRIORITY=-3 SOLICIT=net.example:ADV\r\nRCPT TO:<b@c.d> NOTIFY=SUCCESS ORCPT=utf-8;\\x{F6}@c.d RRVS=2014-04-03T23:01:00Z;C\r\nRSET\r\nETRN @b.c\r\nHELP SYSTEM\r\n',
  'LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nhi\r\n.\r\nMAIL FROM:<>\r\nBDAT 2 LAST\r\nxx',
  'XCLIENT NAME=a.example ADDR=IPV6:::1 LOGIN=ann HELO=b PROTO=ESMTP\r\nXFORWARD SOURCE=LOCAL IDENT=x\r\nATRN a.example\r\n',
  'EHLO x\r\nAUTH SCRAM-SHA-256 biwsbj1hbm4scj1yT3ByTkdmd0ViZVJXZ2JO\r\n*\r\n',
]

export const dictionary: readonly string[] = [
  '\r\n.\r\n',
  '\n.\n',
  '\r\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r\n',
  begin,
  'DATA\r\n',
  'BDAT 1 LAST\r\n',
  'BODY=BINARYMIME',
  ' SMTPUTF8',
  '"a b"@',
  '@[IPv6:::1]',
  '@a,@b:',
  'STARTTLS\r\n',
  'LHLO x\r\n',
  ' NOTIFY=',
  ' ORCPT=utf-8;\\x{',
  ' RRVS=',
  ' HOLDUNTIL=',
  'ETRN @',
  'XCLIENT ADDR=',
  'HELP SYSTEM\r\n',
  'AUTH ',
  '*\r\n',
]

// LMTP (RFC 2033): the same core, with another greeting and a reply for each recipient.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { talk, testLimits, type TestCoreOptions } from '../../../test/support/smtp-core.ts'
import { makeReply, replies } from './reply.ts'

const lmtp: TestCoreOptions = { dialect: 'lmtp' }
const begin = 'LHLO foo.edu\r\nMAIL FROM:<chris@bar.com>\r\n'
const twice = `${begin}RCPT TO:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\n`

test('LHLO alone greets, and has the extensions that RFC 2033 §5 demands', () => {
  const result = talk(
    'HELO foo.edu\r\nEHLO foo.edu\r\nMAIL FROM:<>\r\nLHLO foo.edu\r\nMAIL FROM:<>\r\n',
    lmtp,
  )
  assert.equal(result.codes, '500 500 503 250 250')
  assert.match(result.text, /^220 mx\.example\.org LMTP/)
  for (const keyword of ['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME'])
    assert.match(result.text, new RegExp(`250-${keyword}\r`))
  assert.equal(talk('LHLO foo.edu\r\n').codes, '500')
})

test('a reply for each accepted recipient, in order (RFC 2033 §4.2)', () => {
  const full = makeReply(452, '4.2.2', '<green@foo.edu> is temporarily over quota')
  const result = talk(`${twice}DATA\r\nBlah\r\n.\r\nQUIT\r\n`, {
    ...lmtp,
    answers: { end: { type: 'replies', replies: [replies.messageOk, full] } },
  })
  assert.equal(result.codes, '250 250 250 250 354 250 452 221')
  assert.equal(talk(`${twice}DATA\r\n.\r\n`, lmtp).codes, '250 250 250 250 354 250 250')
  const trouble = { end: { type: 'reply', reply: replies.localTrouble } } as const
  assert.equal(
    talk(`${twice}DATA\r\n.\r\n`, { ...lmtp, answers: trouble }).codes,
    '250 250 250 250 354 451 451',
  )
})

test('the same recipient twice is answered twice', () => {
  const again = `${begin}RCPT TO:<pat@foo.edu>\r\nRCPT TO:<pat@foo.edu>\r\nDATA\r\n.\r\n`
  assert.equal(talk(again, lmtp).codes, '250 250 250 250 354 250 250')
})

test('DATA without recipients is 503 (RFC 2033 §4.2)', () => {
  assert.equal(
    talk(`${begin}DATA\r\nRCPT TO:<pat@foo.edu>\r\nDATA\r\n.\r\n`, lmtp).codes,
    '250 250 503 250 354 250',
  )
})

test('BDAT LAST is answered for each recipient, other chunks once (RFC 2033 §4.3)', () => {
  assert.equal(
    talk(`${twice}BDAT 2\r\nabBDAT 2 LAST\r\n\r\nNOOP\r\n`, lmtp).codes,
    '250 250 250 250 250 250 250 250',
  )
  // "If there were no previously successful RCPT commands […] the BDAT LAST command returns zero replies."
  const none = talk(`${begin}BDAT 2\r\nabBDAT 2 LAST\r\nab${begin}`, lmtp)
  assert.equal(none.codes, '250 250 503 250 250')
})

test('what is wrong with the content is told to each', () => {
  const limits = { ...testLimits, maxMessageSize: 100 }
  const big = `${twice}DATA\r\n${'x'.repeat(200)}\r\n.\r\nNOOP\r\n`
  assert.equal(talk(big, { ...lmtp, limits }).codes, '250 250 250 250 354 552 552 250')
  assert.equal(talk(`${twice}DATA\r\na\0b\r\n.\r\nNOOP\r\n`, lmtp).codes, '250 250 250 250 354 554 554 250')
  const given = { ...lmtp, limits: { ...limits, maxDiscardedMessage: 10 } }
  const endless = talk(`${twice}DATA\r\n${'x'.repeat(300)}`, given)
  assert.deepEqual([endless.codes, endless.closed], ['250 250 250 250 354 552 552', true])
})

test('refusals of recipients at the end do not use up the budget of errors', () => {
  const many = Array.from({ length: 9 }, (_, index) => `RCPT TO:<u${index}@foo.edu>\r\n`).join('')
  const answers = { end: { type: 'reply', reply: replies.noSuchUser } } as const
  const result = talk(`${begin}${many}DATA\r\n.\r\nNOOP\r\n`, {
    ...lmtp,
    answers,
    limits: { ...testLimits, maxErrors: 3, maxRefusedRecipients: 20 },
  })
  assert.match(result.codes, /354( 550){9} 250$/)
  const enough = talk(`${begin}${many}DATA\r\n.\r\nNOOP\r\n`, {
    ...lmtp,
    answers,
    limits: { ...testLimits, maxRefusedRecipients: 3 },
  })
  assert.match(enough.codes, /354( 550){9} 421$/)
})

test('a handler that gives too few replies is a fault of ours', () => {
  const answers = { end: { type: 'replies', replies: [replies.messageOk] } } as const
  assert.throws(() => talk(`${twice}DATA\r\n.\r\n`, { ...lmtp, answers }), /1 replies to a message for 2/)
})

// AUTH with the mechanisms beyond PLAIN, LOGIN and SCRAM: who is offered what, and what each asks.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { PeerCertificate } from '../../base/core.ts'
import { talk, TestCore, type TestCoreOptions } from '../../../test/support/smtp-core.ts'

const hello = 'EHLO client.example\r\n'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const certificate: PeerCertificate = {
  chain: [],
  dnsNames: [],
  emailAddresses: ['ann@example.org'],
  problem: null,
}

const identified: TestCoreOptions['answers'] = {
  'check-token': { type: 'identified', username: 'ann@example.org' },
  'check-certificate': { type: 'identified', username: 'ann@example.org' },
}

test('tokens are offered under TLS alone, where somebody checks them', () => {
  const tokens: TestCoreOptions = { sasl: true, mechanisms: { tokens: true } }
  assert.match(talk(hello, { ...tokens, tls: {} }).text, /250-AUTH [^\r]*OAUTHBEARER XOAUTH2/)
  assert.doesNotMatch(talk(hello, tokens).text, /OAUTH/)
  assert.doesNotMatch(talk(hello, { sasl: true, tls: {} }).text, /OAUTH/)
  // RFC 4954 §6: 538.
  assert.equal(talk(`${hello}AUTH XOAUTH2 x\r\n`, tokens).codes, '250 538')
  assert.equal(talk(`${hello}AUTH XOAUTH2 x\r\n`, { sasl: true }).codes, '250 504')
})

test('OAUTHBEARER: the token is asked about; a refused one is told in a challenge (RFC 7628 §3.2.2)', () => {
  const message = base64('n,a=ann@example.org,\x01auth=Bearer vF9dft4qmT\x01\x01')
  const options: TestCoreOptions = { sasl: true, tls: {}, mechanisms: { tokens: true } }
  const good = talk(`${hello}AUTH OAUTHBEARER ${message}\r\n`, { ...options, answers: identified ?? {} })
  assert.equal(good.codes, '250 235')
  assert.deepEqual(good.asked, ['connect', 'hello', 'check-token', 'authenticated'])
  const refused: TestCoreOptions['answers'] = {
    'check-token': { type: 'refused', reason: 'bad-credentials' },
  }
  const bad = talk(`${hello}AUTH OAUTHBEARER ${message}\r\nAQ==\r\nNOOP\r\n`, {
    ...options,
    answers: refused,
  })
  assert.equal(bad.codes, '250 334 535 250')
  assert.deepEqual(bad.asked.slice(-2), ['check-token', 'auth-failed'])
})

test('EXTERNAL: for a client whose certificate is believed (RFC 4422 appendix A)', () => {
  const options: TestCoreOptions = {
    sasl: true,
    mechanisms: { certificates: true },
    tls: { peerCertificate: certificate },
    answers: identified ?? {},
  }
  assert.match(talk(hello, options).text, /250-AUTH [^\r]*EXTERNAL/)
  const result = talk(`${hello}AUTH EXTERNAL =\r\n`, options)
  assert.equal(result.codes, '250 235')
  const { type, emailAddresses } = result.questions.find((one) => one.type === 'check-certificate') ?? {}
  assert.deepEqual([type, emailAddresses], ['check-certificate', ['ann@example.org']])
  const expired = { ...options, tls: { peerCertificate: { ...certificate, problem: 'CERT_HAS_EXPIRED' } } }
  assert.equal(talk(`${hello}AUTH EXTERNAL =\r\n`, expired).codes, '250 504')
})

test('CRAM-MD5: challenge and response where it is switched on (RFC 2195)', () => {
  const options: TestCoreOptions = {
    sasl: true,
    mechanisms: { cramMd5: true },
    answers: { 'need-cram': { type: 'cram', verifier: null } },
  }
  assert.equal(talk(`${hello}AUTH CRAM-MD5\r\n`, { sasl: true }).codes, '250 504')
  const core = new TestCore(options)
  core.open()
  core.feed(`${hello}AUTH CRAM-MD5\r\n`)
  const challenge = Buffer.from(/334 (\S+)\r\n$/.exec(core.text)?.[1] ?? '', 'base64').toString()
  assert.match(challenge, /^<[^@]+@mx\.example\.org>$/)
  const digest = createHmac('md5', 'secret').update(challenge).digest('hex')
  core.feed(`${base64(`ann ${digest}`)}\r\n`)
  assert.match(core.text, /535 5\.7\.8 [^\r]*\r\n$/)
  assert.deepEqual(core.asked.slice(-2), ['need-cram', 'auth-failed'])
})

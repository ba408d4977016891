// Whatever a client sends, an exchange answers with a value and never throws.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TlsState } from '../base/core.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { tryDecodeBase64 } from './base64.ts'
import { tryFindMechanism } from './mechanisms.ts'
import { tryPrepare } from './prepare.ts'
import { escapeName, tryParseClientFirst } from './scram-messages.ts'
import type { SaslMechanismName } from './mechanism.ts'

const names: readonly SaslMechanismName[] = [
  'PLAIN',
  'LOGIN',
  'SCRAM-SHA-256',
  'SCRAM-SHA-256-PLUS',
  'EXTERNAL',
  'OAUTHBEARER',
  'XOAUTH2',
  'CRAM-MD5',
]
/** Believed, so that EXTERNAL asks whose it is. */
const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  exporter: null,
  serverEndPoint: null,
  peerCertificate: { chain: [], dnsNames: [], emailAddresses: ['ann@example.org'], problem: null },
}
const scramAlphabet = fc.string({
  unit: fc.constantFrom('n', 'y', 'p', 'r', 'c', 'a', '=', ',', 'm', '\0', 'é', '2C'),
})
const response = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  scramAlphabet.map((text) => new TextEncoder().encode(text)),
  fc
    .constantFrom(
      'n,,n=a,r=abc',
      '\0a\0b',
      'c=biws,r=abc,p=AAAA',
      'n,,\x01auth=Bearer a\x01\x01',
      'user=a\x01auth=Bearer a\x01\x01',
      `ann ${'0'.repeat(32)}`,
    )
    .map((text) => new TextEncoder().encode(text)),
)

test('No sequence of responses makes a mechanism throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.array(response, { maxLength: 5 }), (name, responses) => {
      const exchange = tryFindMechanism(name, [name])?.start({
        tls,
        offered: [name],
        random: new SeededRandom(1),
        serverSecret: new Uint8Array(32),
        scramIterations: 4096,
      })
      for (const bytes of responses) {
        const step = exchange?.step(bytes)
        if (step?.type === 'need-credentials') exchange?.resume({ type: 'credentials', verifier: null })
        else if (step?.type === 'need-cram') exchange?.resume({ type: 'cram', verifier: null })
        else if (step?.type === 'success') assert.fail('nobody may get in here')
        else if (step !== undefined && step.type !== 'challenge' && step.type !== 'failure')
          exchange?.resume({ type: 'refused', reason: 'bad-credentials' })
      }
    }),
    { numRuns: 300 },
  )
})

test('Names survive the escaping of RFC 5802 §5.1', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(name, (username) => {
      const parsed = tryParseClientFirst(`n,a=${escapeName(username)},n=${escapeName(username)},r=abc`)
      assert.equal(parsed?.username, username)
      assert.equal(parsed?.authorizationId, username)
    }),
    { numRuns: 200 },
  )
})

test('Base64 that was encoded is decoded to the same octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      assert.deepEqual(new Uint8Array(tryDecodeBase64(Buffer.from(bytes).toString('base64')) ?? []), bytes)
    }),
    { numRuns: 200 },
  )
})

test('Preparing twice is preparing once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const once = tryPrepare(text)
      if (once !== undefined) assert.equal(tryPrepare(once), once)
    }),
    { numRuns: 300 },
  )
})

test('RFC 8265 §4.2.3: spaces are one space, accents are composed, controls are refused, case stays', () => {
  assert.equal(tryPrepare('correct\u00a0horse\u3000battery'), 'correct horse battery')
  assert.equal(tryPrepare('A\u030angstrom'), '\u00c5ngstrom')
  assert.equal(tryPrepare('\u265a and \u{1f469}\u200d\u{1f680}'), '\u265a and \u{1f469}\u200d\u{1f680}')
  assert.equal(tryPrepare('MixedCase'), 'MixedCase')
  for (const text of [
    '',
    'tab\there',
    'bell\u0007',
    'soft\u00adhyphen',
    'lone\ud800',
    'private\ue000',
    'x'.repeat(1025),
  ]) {
    assert.equal(tryPrepare(text), undefined, JSON.stringify(text))
  }
})

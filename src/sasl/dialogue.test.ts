// The base64 lines that SMTP, POP3 and IMAP carry.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { SaslDialogue } from './dialogue.ts'
import { tryFindMechanism } from './mechanisms.ts'
import { scramClient } from './scram-client.ts'
import { makeScramVerifier } from './scram-keys.ts'
import { Secret } from '../base/secret.ts'
import type { SaslMechanismName } from './mechanism.ts'

function begin(name: SaslMechanismName): SaslDialogue {
  const mechanism = tryFindMechanism(name, [name])
  assert.ok(mechanism)
  return new SaslDialogue(mechanism, {
    tls: null,
    offered: [name],
    random: new SeededRandom(1),
    serverSecret: new Uint8Array(32),
    scramIterations: 4096,
  })
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('PLAIN with and without an initial response', () => {
  assert.deepEqual(begin('PLAIN').begin(null), { type: 'challenge', text: '' })
  const asked = begin('PLAIN').begin(base64('\0ann\0secret'))
  assert.equal(asked.type === 'check-password' && asked.username, 'ann')
})

test('RFC 5034 §4: "=" is an empty response, "*" gives up, anything but base64 is refused', () => {
  assert.equal(begin('PLAIN').begin('=').type, 'failure')
  for (const text of ['=AAA', 'AAA=BBB=', 'AAAA ', 'AA', '\u00e4AAA', 'AA==AAAA']) {
    assert.deepEqual(
      begin('PLAIN').begin(text),
      { type: 'failure', reason: 'malformed', username: null },
      text,
    )
  }
  const dialogue = begin('LOGIN')
  dialogue.begin(null)
  assert.deepEqual(dialogue.line('*'), { type: 'cancelled' })
})

test('LOGIN asks in the words that old clients expect', () => {
  const dialogue = begin('LOGIN')
  assert.deepEqual(dialogue.begin(null), { type: 'challenge', text: 'VXNlcm5hbWU6' })
  assert.deepEqual(dialogue.line(base64('ann')), { type: 'challenge', text: 'UGFzc3dvcmQ6' })
  const asked = dialogue.line(base64('secret'))
  assert.equal(asked.type === 'check-password' && asked.password.reveal(), 'secret')
})

test('RFC 5034 §4: the final words of SCRAM are one more challenge, to be answered by an empty line', async () => {
  const salt = new Uint8Array(16)
  const verifier = await makeScramVerifier({
    scramHash: 'sha256',
    password: 'secret',
    salt,
    iterations: 4096,
  })
  assert.ok(verifier)
  const toTheEnd = () => {
    const client = scramClient({ username: 'ann', password: new Secret('secret'), nonce: 'abc' })
    const dialogue = begin('SCRAM-SHA-256')
    const line = (challenge: string | null) => {
      const response = client.respond(challenge === null ? null : Buffer.from(challenge, 'base64'))
      return response.type === 'response' ? Buffer.from(response.bytes).toString('base64') : '!'
    }
    dialogue.begin(line(null))
    const first = dialogue.resume({ type: 'credentials', verifier })
    const final = dialogue.line(line(first.type === 'challenge' ? first.text : null))
    assert.ok(final.type === 'challenge')
    assert.equal(line(final.text), '')
    return dialogue
  }
  assert.deepEqual(toTheEnd().line(''), { type: 'success', username: 'ann', authorizationId: null })
  assert.deepEqual(toTheEnd().line('*'), { type: 'cancelled' })
  assert.equal(toTheEnd().line('AAAA').type, 'failure')
})

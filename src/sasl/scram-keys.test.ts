// The published exchange of RFC 7677 §3, to the octet.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { makeScramVerifier, proofFits, serverSignature } from './scram-keys.ts'
import { scramClient } from './scram-client.ts'
import { tryParseClientFinal } from './scram-messages.ts'

const clientFirst = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const clientFinal =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

test('RFC 7677 §3: the client says what the example says', () => {
  const client = scramClient({
    username: 'user',
    password: new Secret('pencil'),
    nonce: 'rOprNGfwEbeRWgbNEkqO',
  })
  const say = (challenge: string | null) => {
    const response = client.respond(challenge === null ? null : Buffer.from(challenge))
    return response.type === 'response' ? Buffer.from(response.bytes).toString() : response.reason
  }
  assert.equal(say(null), clientFirst)
  assert.equal(say(serverFirst), clientFinal)
  assert.equal(client.complete, false)
  assert.equal(say(serverFinal), '')
  assert.equal(client.complete, true)
})

test('RFC 7677 §3: the verifier accepts the example and signs as it does', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const verifier = await makeScramVerifier({
    scramHash: 'sha256',
    password: 'pencil',
    salt,
    iterations: 4096,
  })
  const final = tryParseClientFinal(clientFinal)
  assert.ok(verifier && final)
  const authMessage = `n=user,r=rOprNGfwEbeRWgbNEkqO,${serverFirst},${final.withoutProof}`
  assert.ok(proofFits('sha256', verifier, { authMessage, proof: final.proof }))
  assert.ok(!proofFits('sha256', verifier, { authMessage: `${authMessage} `, proof: final.proof }))
  const signature = Buffer.from(serverSignature('sha256', verifier, authMessage))
  assert.equal(`v=${signature.toString('base64')}`, serverFinal)
})

test('RFC 5802 §5: the example with SHA-1, from both sides', async () => {
  const first = 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'
  const last = 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='
  const identity = { username: 'user', password: new Secret('pencil') }
  const client = scramClient({ ...identity, scramHash: 'sha1', nonce: 'fyko+d2lbbFgONRv9qkxdawL' })
  client.respond(null)
  const response = client.respond(Buffer.from(first))
  assert.ok(response.type === 'response')
  assert.equal(Buffer.from(response.bytes).toString(), last)
  client.respond(Buffer.from('v=rmF9pqV8S7suAoZWja4dJRkFsKQ='))
  assert.equal(client.complete, true)
  const salt = Buffer.from('QSXCR+Q6sek8bf92', 'base64')
  const verifier = await makeScramVerifier({ scramHash: 'sha1', password: 'pencil', salt, iterations: 4096 })
  const final = tryParseClientFinal(last)
  assert.ok(verifier && final)
  const authMessage = `n=user,r=fyko+d2lbbFgONRv9qkxdawL,${first},${final.withoutProof}`
  assert.ok(proofFits('sha1', verifier, { authMessage, proof: final.proof }))
})

test('A client refuses a server that weakens, misquotes or cannot prove itself', () => {
  const begin = () => {
    const client = scramClient({ username: 'user', password: new Secret('pencil'), nonce: 'abc' })
    client.respond(null)
    return client
  }
  const salt = 's=W22ZaJ0SNY7soEsUEjb6gQ=='
  for (const text of [
    `r=abcX,${salt},i=1`,
    `r=abcX,${salt},i=999999999`,
    `r=xyz,${salt},i=4096`,
    `r=abc,${salt},i=4096`,
  ]) {
    assert.deepEqual(begin().respond(Buffer.from(text)), { type: 'failure', reason: 'malformed' }, text)
  }
  const client = begin()
  client.respond(Buffer.from(`r=abcX,${salt},i=4096`))
  const impostor = client.respond(Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`))
  assert.deepEqual(impostor, { type: 'failure', reason: 'server-not-authentic' })
})

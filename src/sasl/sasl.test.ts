// Client and server halves back to back, and the ways in which an exchange is refused.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import {
  cramMd5Client,
  externalClient,
  loginClient,
  oauthBearerClient,
  plainClient,
  xoauth2Client,
} from './client.ts'
import { makeCramVerifier, tryCramDigest } from './cram-keys.ts'
import { offerMechanisms, tryFindMechanism } from './mechanisms.ts'
import { makeScramVerifier } from './scram-keys.ts'
import { scramClient } from './scram-client.ts'
import type { TlsState } from '../base/core.ts'
import type { ScramClientOptions } from './scram-client.ts'
import type {
  CramVerifier,
  SaslAnswer,
  SaslClientExchange,
  SaslContext,
  SaslMechanismName,
  SaslStep,
} from './mechanism.ts'

const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  exporter: new Uint8Array(32).fill(7),
  serverEndPoint: new Uint8Array(32).fill(9),
  peerCertificate: null,
}
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')

async function verifierOf(password: string) {
  const verifier = await makeScramVerifier({ scramHash: 'sha256', password, salt, iterations: 4096 })
  assert.ok(verifier)
  return verifier
}

function contextWith(given: Partial<SaslContext> = {}): SaslContext {
  const state = given.tls === undefined ? tls : given.tls
  return {
    tls: state,
    offered: offerMechanisms({ tls: state, clearTextAllowed: false, scram: true }),
    random: new SeededRandom(1),
    serverSecret: new Uint8Array(32).fill(3),
    scramIterations: 4096,
    ...given,
  }
}

interface Run {
  readonly mechanism: SaslMechanismName
  readonly client: SaslClientExchange
  readonly context?: SaslContext
  readonly answer: (question: SaslStep) => SaslAnswer
}

/** Plays both halves; gives the server's last step and whether the client is content. */
function play({ mechanism, client, context = contextWith(), answer }: Run): {
  last: SaslStep
  content: boolean
} {
  const server = tryFindMechanism(mechanism, [mechanism])?.start(context)
  assert.ok(server)
  let step: SaslStep = client.startsFirst ? server.step(respond(client, null)) : server.step(null)
  for (;;) {
    if (step.type === 'challenge') step = server.step(respond(client, step.bytes))
    else if (step.type === 'failure') return { last: step, content: client.complete }
    else if (step.type !== 'success') step = server.resume(answer(step))
    else if (step.finalChallenge !== null) {
      const reply = client.respond(step.finalChallenge)
      return { last: step, content: reply.type === 'response' && client.complete }
    } else return { last: step, content: client.complete }
  }
}

function respond(client: SaslClientExchange, challenge: Uint8Array | null): Uint8Array {
  const response = client.respond(challenge)
  assert.equal(response.type, 'response')
  return response.type === 'response' ? response.bytes : new Uint8Array()
}

function checkPassword(wanted: string) {
  return (question: SaslStep): SaslAnswer =>
    question.type === 'check-password' && question.password.reveal() === wanted
      ? { type: 'accepted' }
      : { type: 'refused', reason: 'bad-credentials' }
}

const user = { username: 'ann@example.org', password: new Secret('pencil') }
const scramOptions: ScramClientOptions = { ...user, nonce: 'rOprNGfwEbeRWgbNEkqO' }

test('PLAIN and LOGIN hand over name and password and end as the answer says', () => {
  for (const [mechanism, makeClient] of [
    ['PLAIN', plainClient],
    ['LOGIN', loginClient],
  ] as const) {
    const good = play({ mechanism, client: makeClient(user), answer: checkPassword('pencil') })
    assert.equal(good.last.type, 'success', mechanism)
    assert.ok(good.content)
    const bad = play({ mechanism, client: makeClient(user), answer: checkPassword('other') })
    assert.deepEqual(bad.last, { type: 'failure', reason: 'bad-credentials', username: 'ann@example.org' })
  }
})

test('PLAIN carries the authorization identity', () => {
  const client = plainClient({ ...user, authorizationId: 'boss@example.org' })
  const { last } = play({ mechanism: 'PLAIN', client, answer: checkPassword('pencil') })
  assert.equal(last.type === 'success' && last.authorizationId, 'boss@example.org')
})

test('PLAIN refuses what is outside its grammar', () => {
  for (const text of ['', 'ann', 'ann\0pencil', '\0ann\0', '\0\0pencil', '\0ann\0pencil\0more']) {
    const step = tryFindMechanism('PLAIN', ['PLAIN'])?.start(contextWith()).step(Buffer.from(text))
    assert.deepEqual(step, { type: 'failure', reason: 'malformed', username: null }, JSON.stringify(text))
  }
  const invalidUtf8 = Buffer.from([0, 0xc3, 0x28, 0, 0x61])
  const step = tryFindMechanism('PLAIN', ['PLAIN'])?.start(contextWith()).step(invalidUtf8)
  assert.equal(step?.type === 'failure' && step.reason, 'malformed')
})

test('SCRAM-SHA-256 convinces both sides', async () => {
  const verifier = await verifierOf('pencil')
  const client = scramClient(scramOptions)
  const run = play({ mechanism: 'SCRAM-SHA-256', client, answer: () => ({ type: 'credentials', verifier }) })
  assert.equal(run.last.type, 'success')
  assert.ok(run.content)
})

test('SCRAM-SHA-256-PLUS binds to tls-exporter and tls-server-end-point', async () => {
  const verifier = await verifierOf('pencil')
  for (const [name, data] of [
    ['tls-exporter', tls.exporter],
    ['tls-server-end-point', tls.serverEndPoint],
  ] as const) {
    assert.ok(data)
    const answer = (): SaslAnswer => ({ type: 'credentials', verifier })
    const client = scramClient({ ...scramOptions, channelBinding: { name, data } })
    assert.equal(play({ mechanism: 'SCRAM-SHA-256-PLUS', client, answer }).last.type, 'success', name)
    // Somebody in the middle has a TLS connection of his own on each side, and so other octets.
    const other = { name, data: new Uint8Array(32) }
    const intercepted = scramClient({ ...scramOptions, channelBinding: other })
    const { last } = play({ mechanism: 'SCRAM-SHA-256-PLUS', client: intercepted, answer })
    assert.equal(last.type === 'failure' && last.reason, 'channel-binding', name)
  }
})

test('RFC 5802 §6: the channel binding flag must fit the mechanism and the list that was offered', async () => {
  const verifier = await verifierOf('pencil')
  const answer = (): SaslAnswer => ({ type: 'credentials', verifier })
  const outcome = (run: Omit<Run, 'answer'>) => {
    const { last } = play({ ...run, answer })
    return last.type === 'failure' ? last.reason : last.type
  }
  const downgraded = scramClient({ ...scramOptions, channelBinding: 'not-offered' })
  assert.equal(outcome({ mechanism: 'SCRAM-SHA-256', client: downgraded }), 'channel-binding')
  const honest = scramClient({ ...scramOptions, channelBinding: 'not-offered' })
  const context = contextWith({ tls: null })
  assert.equal(outcome({ mechanism: 'SCRAM-SHA-256', client: honest, context }), 'success')
  const unbound = scramClient(scramOptions)
  assert.equal(outcome({ mechanism: 'SCRAM-SHA-256-PLUS', client: unbound }), 'channel-binding')
  const misplaced = scramClient({ ...scramOptions, channelBinding: { name: 'tls-exporter', data: salt } })
  assert.equal(outcome({ mechanism: 'SCRAM-SHA-256', client: misplaced }), 'channel-binding')
  const unknown = scramClient({ ...scramOptions, channelBinding: { name: 'tls-unique', data: salt } })
  assert.equal(outcome({ mechanism: 'SCRAM-SHA-256-PLUS', client: unknown }), 'channel-binding')
})

test('SCRAM: wrong password and unknown user fail alike, and the salt of a stranger does not change', async () => {
  const verifier = await verifierOf('pencil')
  const wrong = scramClient({ ...scramOptions, password: new Secret('pen') })
  const run = play({
    mechanism: 'SCRAM-SHA-256',
    client: wrong,
    answer: () => ({ type: 'credentials', verifier }),
  })
  assert.deepEqual(run.last, { type: 'failure', reason: 'bad-credentials', username: 'ann@example.org' })

  const saltShown = (username: string, seed: number) => {
    const context = contextWith({ random: new SeededRandom(seed) })
    const exchange = tryFindMechanism('SCRAM-SHA-256', ['SCRAM-SHA-256'])?.start(context)
    exchange?.step(Buffer.from(`n,,n=${username},r=abc`))
    const step = exchange?.resume({ type: 'credentials', verifier: null })
    assert.ok(step?.type === 'challenge')
    const [, salted, iterations] = Buffer.from(step.bytes).toString().split(',')
    return `${salted} ${iterations}`
  }
  assert.equal(saltShown('nobody@example.org', 1), saltShown('Nobody@example.org', 2))
  assert.notEqual(saltShown('nobody@example.org', 1), saltShown('noone@example.org', 1))
  assert.match(saltShown('nobody@example.org', 1), /^s=[A-Za-z0-9+/]{22}== i=4096$/)

  const stranger = scramClient(scramOptions)
  const unknown = play({
    mechanism: 'SCRAM-SHA-256',
    client: stranger,
    answer: () => ({ type: 'credentials', verifier: null }),
  })
  assert.deepEqual(unknown.last, run.last)
})

test('SCRAM: a message out of grammar or order ends the exchange', () => {
  const start = () => {
    const exchange = tryFindMechanism('SCRAM-SHA-256', ['SCRAM-SHA-256'])?.start(contextWith())
    assert.ok(exchange)
    return exchange
  }
  const firsts = [
    '',
    'n',
    'n,,',
    'n,,n=,r=a',
    'n,,n=a=b,r=a',
    'n,,m=x,n=a,r=a',
    'x,,n=a,r=a',
    'n,b,n=a,r=a',
    'n,,n=a,r=',
  ]
  for (const text of firsts) {
    assert.deepEqual(
      start().step(Buffer.from(text)),
      { type: 'failure', reason: 'malformed', username: null },
      text,
    )
  }
  const finals = ['', 'c=biws', 'c=biws,r=other,p=AAAA', 'c=biws,r=abc,p=AAAA', 'c=*,r=abc,p=AAAA']
  for (const text of finals) {
    const exchange = start()
    exchange.step(Buffer.from('n,,n=a,r=abc'))
    exchange.resume({ type: 'credentials', verifier: null })
    const step = exchange.step(Buffer.from(text))
    assert.equal(step.type === 'failure' && step.reason, 'malformed', text)
    assert.equal(exchange.step(Buffer.from('n,,n=a,r=abc')).type, 'failure')
  }
})

test('The offered list follows TLS, channel binding and permission', () => {
  const bare = { tls: null, clearTextAllowed: false, scram: true }
  assert.deepEqual(offerMechanisms(bare), ['SCRAM-SHA-256', 'SCRAM-SHA-1'])
  assert.deepEqual(offerMechanisms({ ...bare, tls }), [
    'SCRAM-SHA-256-PLUS',
    'SCRAM-SHA-256',
    'SCRAM-SHA-1-PLUS',
    'SCRAM-SHA-1',
    'PLAIN',
    'LOGIN',
  ])
  const unbound = { ...tls, exporter: null, serverEndPoint: null }
  assert.deepEqual(offerMechanisms({ ...bare, tls: unbound }), [
    'SCRAM-SHA-256',
    'SCRAM-SHA-1',
    'PLAIN',
    'LOGIN',
  ])
  assert.deepEqual(offerMechanisms({ tls: null, clearTextAllowed: true, scram: false }), ['PLAIN', 'LOGIN'])
  assert.equal(tryFindMechanism('plain', ['PLAIN'])?.name, 'PLAIN')
  assert.equal(tryFindMechanism('PLAIN', ['SCRAM-SHA-256']), undefined)
  assert.equal(tryFindMechanism('CRAM-MD5', ['PLAIN']), undefined)
})

const certificate = { chain: [], dnsNames: [], emailAddresses: ['ann@example.org'], problem: null }

test('EXTERNAL: the certificate says who, the response whom to act as', () => {
  const context = contextWith({ tls: { ...tls, peerCertificate: certificate } })
  for (const authorizationId of ['', 'ann@example.org']) {
    const { last } = play({
      mechanism: 'EXTERNAL',
      client: externalClient({ authorizationId }),
      context,
      answer: (question) => {
        assert.deepEqual(question, {
          type: 'check-certificate',
          emailAddresses: ['ann@example.org'],
          authorizationId: authorizationId === '' ? null : authorizationId,
        })
        return { type: 'identified', username: 'ann@example.org' }
      },
    })
    assert.equal(last.type === 'success' && last.username, 'ann@example.org')
  }
  const { last } = play({
    mechanism: 'EXTERNAL',
    client: externalClient({}),
    context,
    answer: () => ({ type: 'refused', reason: 'bad-credentials' }),
  })
  assert.deepEqual(last, { type: 'failure', reason: 'bad-credentials', username: null })
  const nul = tryFindMechanism('external', ['EXTERNAL'])?.start(context)
  assert.deepEqual(nul?.step(Buffer.from('a\0b')), { type: 'failure', reason: 'malformed', username: null })
})

test('EXTERNAL is offered to who showed a certificate that is to be believed and names a mailbox, and to nobody else', () => {
  const offered = (peerCertificate: TlsState['peerCertificate'], certificates = true) =>
    offerMechanisms({
      tls: { ...tls, peerCertificate },
      clearTextAllowed: false,
      scram: false,
      certificates,
    }).includes('EXTERNAL')
  assert.equal(offered(certificate), true)
  assert.equal(offered(certificate, false), false)
  assert.equal(offered(null), false)
  assert.equal(offered({ ...certificate, problem: 'CERT_HAS_EXPIRED' }), false)
  assert.equal(offered({ ...certificate, emailAddresses: [] }), false)
})

test('access tokens: OAUTHBEARER and XOAUTH2 ask whose the token is', () => {
  const credentials = { username: 'ann,=@example.org', token: new Secret('abc.DEF_1-2~3+4/5==') }
  for (const [mechanism, client] of [
    ['OAUTHBEARER', oauthBearerClient({ ...credentials, host: 'mail.example.org', port: 143 })],
    ['XOAUTH2', xoauth2Client(credentials)],
  ] as const) {
    const { last, content } = play({
      mechanism,
      client,
      answer: (question) => {
        assert.equal(question.type, 'check-token')
        assert.equal(question.type === 'check-token' && question.token.reveal(), 'abc.DEF_1-2~3+4/5==')
        assert.equal(question.type === 'check-token' && question.username, 'ann,=@example.org')
        return { type: 'identified', username: 'ann@example.org' }
      },
    })
    assert.equal(last.type === 'success' && last.username, 'ann@example.org')
    assert.equal(content, true)
  }
})

test('RFC 7628 §3.2.3: a refused token is told in JSON, acknowledged by the client, and fails then', () => {
  for (const [name, message, error, acknowledgement] of [
    ['OAUTHBEARER', 'n,,\x01auth=Bearer abc\x01\x01', { status: 'invalid_token' }, '\x01'],
    ['XOAUTH2', 'user=ann\x01auth=Bearer abc\x01\x01', { status: '401', schemes: 'Bearer' }, ''],
  ] as const) {
    const exchange = tryFindMechanism(name, [name])?.start(contextWith())
    assert.equal(exchange?.step(Buffer.from(message)).type, 'check-token')
    const challenge = exchange.resume({ type: 'refused', reason: 'bad-credentials' })
    assert.equal(challenge.type, 'challenge')
    assert.deepEqual(
      JSON.parse(Buffer.from(challenge.type === 'challenge' ? challenge.bytes : '').toString()),
      error,
    )
    const username = name === 'XOAUTH2' ? 'ann' : null
    assert.deepEqual(exchange.step(Buffer.from(acknowledgement)), {
      type: 'failure',
      reason: 'bad-credentials',
      username,
    })
    const later = tryFindMechanism(name, [name])?.start(contextWith())
    later?.step(Buffer.from(message))
    assert.deepEqual(later?.resume({ type: 'refused', reason: 'unavailable' }), {
      type: 'failure',
      reason: 'unavailable',
      username,
    })
  }
})

test('the example of RFC 7628 §4.1, and messages outside the grammar', () => {
  const begin = (message: string) =>
    tryFindMechanism('OAUTHBEARER', ['OAUTHBEARER'])?.start(contextWith()).step(Buffer.from(message))
  const example =
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB'
  const asked = begin(Buffer.from(example, 'base64').toString())
  assert.equal(asked?.type === 'check-token' && asked.username, 'user@example.com')
  assert.equal(
    asked?.type === 'check-token' && asked.token.reveal(),
    'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
  )
  for (const message of [
    '\x01',
    'n,,\x01\x01',
    'p=tls-exporter,,\x01auth=Bearer abc\x01\x01',
    'n,a=x=3,\x01auth=Bearer abc\x01\x01',
    'n,,\x01auth=Basic abc\x01\x01',
    'n,,\x01auth=Bearer \x01\x01',
    'n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01',
    'n,,\x01auth=Bearer abc\x01',
    'n,,\x01auth=Bearer a\x01\x01\x01',
    'n,,\x01=x\x01auth=Bearer abc\x01\x01',
  ]) {
    assert.equal(begin(message)?.type, 'failure', JSON.stringify(message))
  }
})

test('tokens are offered under TLS alone, whatever else is allowed', () => {
  const facts = { clearTextAllowed: true, scram: false, tokens: true }
  assert.deepEqual(offerMechanisms({ ...facts, tls: null }), ['PLAIN', 'LOGIN'])
  assert.deepEqual(offerMechanisms({ ...facts, tls }), ['OAUTHBEARER', 'XOAUTH2', 'PLAIN', 'LOGIN'])
  assert.ok(!offerMechanisms({ ...facts, tokens: false, tls }).includes('XOAUTH2'))
})

test('CRAM-MD5: from the kept states as from the password, for names with spaces and long passwords', () => {
  for (const password of ['tanstaaftanstaaf', 'p\u00e4ss', 'x'.repeat(64), 'y'.repeat(100)]) {
    const verifier = makeCramVerifier(password) ?? null
    const run = (tried: string, known: CramVerifier | null) =>
      play({
        mechanism: 'CRAM-MD5',
        client: cramMd5Client({ username: 'ann of example', password: new Secret(tried) }),
        context: contextWith({ hostname: 'mail.example.org' }),
        answer: (question) => {
          assert.deepEqual(question, { type: 'need-cram', username: 'ann of example' })
          return { type: 'cram', verifier: known }
        },
      }).last
    assert.equal(run(password, verifier).type, 'success')
    assert.equal(run(`${password}x`, verifier).type, 'failure')
    assert.equal(run(password, null).type, 'failure')
    assert.equal(run(password, { inner: 'AAAA', outer: '' }).type, 'failure')
  }
})

test('the example of RFC 2195 §3, and the form of a challenge', () => {
  const verifier = makeCramVerifier('tanstaaftanstaaf')
  assert.ok(verifier)
  const digest = tryCramDigest(verifier, Buffer.from('<1896.697170952@postoffice.reston.mci.net>'))
  assert.equal(Buffer.from(digest ?? '').toString('hex'), 'b913a602c7eda7a495b4e6e7334d3890')
  const challenges = [1, 2].map((seed) => {
    const context = contextWith({ hostname: 'mail.example.org', random: new SeededRandom(seed) })
    const step = tryFindMechanism('CRAM-MD5', ['CRAM-MD5'])?.start(context).step(null)
    return step?.type === 'challenge' ? Buffer.from(step.bytes).toString() : ''
  })
  assert.match(challenges[0] ?? '', /^<\d+\.\d+@mail\.example\.org>$/)
  assert.notEqual(challenges[0], challenges[1])
  assert.ok(!offerMechanisms({ tls, clearTextAllowed: true, scram: true }).includes('CRAM-MD5'))
  const offered = offerMechanisms({ tls, clearTextAllowed: true, scram: true, cramMd5: true })
  assert.equal(offered.at(-1), 'CRAM-MD5')
  const exchange = tryFindMechanism('CRAM-MD5', offered)?.start(contextWith())
  assert.equal(exchange?.step(Buffer.from('ann B913A602C7EDA7A495B4E6E7334D3890')).type, 'failure')
})

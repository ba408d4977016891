// Access tokens: whose is believed, by which keys, and what happens when an issuer cannot be asked.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Secret } from '../base/secret.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createFetchText } from './fetch-text.ts'
import { createTokenVerifier, type FetchText } from './tokens.ts'

const issuer = {
  issuer: 'https://id.example',
  audience: 'posthorn',
  jwks: 'https://id.example/keys',
  usernameClaim: 'email',
}

async function makeKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
}

/** An issuer with keys that can change, and a verifier that asks it. */
async function setUp(given: Partial<typeof issuer> = {}) {
  const clock = new VirtualClock()
  const key = await makeKey('one')
  const state = { keys: [key.jwk], fetches: 0, down: false }
  const fetchText: FetchText = (url) => {
    assert.equal(url, issuer.jwks)
    state.fetches++
    if (state.down) return Promise.reject(new Error('no route to the issuer'))
    return Promise.resolve(JSON.stringify({ keys: state.keys }))
  }
  const verifier = createTokenVerifier({ issuers: [{ ...issuer, ...given }], clock, fetchText })
  assert.ok(verifier)
  const sign = (claims: Record<string, unknown> = {}, by = key) => {
    const seconds = Math.floor(clock.now() / 1_000)
    const all = {
      iss: issuer.issuer,
      aud: 'posthorn',
      exp: seconds + 3_600,
      email: 'ann@example.org',
      ...claims,
    }
    return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid: by.kid }).sign(by.privateKey)
  }
  const verify = async (token: string | Promise<string>) => {
    const verdict = await verifier.verify(new Secret(await token))
    return verdict.type === 'valid' ? verdict.username : verdict.type
  }
  return { clock, key, state, sign, verify }
}

test('a token of the issuer, for us, that has not ended names its owner', async () => {
  const { sign, verify, state } = await setUp()
  assert.equal(await verify(sign()), 'ann@example.org')
  assert.equal(await verify(sign({ aud: ['other', 'posthorn'] })), 'ann@example.org')
  assert.equal(state.fetches, 1)
})

test('every other token is nobody’s', async () => {
  const { sign, verify, clock } = await setUp()
  const now = Math.floor(clock.now() / 1_000)
  for (const claims of [
    { iss: 'https://evil.example' },
    { aud: 'other' },
    { exp: now - 120 },
    { exp: undefined },
    { nbf: now + 120 },
    { email: undefined },
    { email: '' },
    { email: ['ann@example.org'] },
    { email_verified: false },
  ]) {
    assert.equal(await verify(sign(claims)), 'invalid', JSON.stringify(claims))
  }
  const stranger = await makeKey('one')
  assert.equal(await verify(sign({}, stranger)), 'invalid')
  for (const text of ['', 'abc', 'a.b.c', 'x'.repeat(5_000)]) assert.equal(await verify(text), 'invalid')
  const unsigned = (await sign()).split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  assert.equal(await verify(`${none}.${unsigned[1]}.`), 'invalid')
})

test('the name may stand in another claim', async () => {
  const { sign, verify } = await setUp({ usernameClaim: 'preferred_username' })
  assert.equal(await verify(sign({ preferred_username: 'ann', email_verified: false })), 'ann')
})

test('a new key of the issuer is taken up, and made-up keys cause no flood', async () => {
  const { sign, verify, state, clock } = await setUp()
  await verify(sign())
  const next = await makeKey('two')
  state.keys = [next.jwk]
  assert.equal(await verify(sign({}, next)), 'invalid')
  assert.equal(state.fetches, 1)
  await clock.advance('30s')
  assert.equal(await verify(sign({}, next)), 'ann@example.org')
  const unknown = await makeKey('three')
  for (let attempt = 0; attempt < 5; attempt++) assert.equal(await verify(sign({}, unknown)), 'invalid')
  assert.equal(state.fetches, 2)
  await clock.advance('10m')
  assert.equal(await verify(sign({}, next)), 'ann@example.org')
  assert.equal(state.fetches, 3)
})

test('an issuer that cannot be asked is no fault of the token', async () => {
  const { sign, verify, state } = await setUp()
  state.down = true
  assert.equal(await verify(sign()), 'unavailable')
  state.down = false
  assert.equal(await verify(sign()), 'ann@example.org')
})

test('keys in a file', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-jwks-'))
  context.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'keys.json')
  const { sign, verify, key } = await setUp({ jwks: file })
  assert.equal(await verify(sign()), 'unavailable')
  await writeFile(file, JSON.stringify({ keys: [key.jwk] }))
  assert.equal(await verify(sign()), 'ann@example.org')
})

test('a function of the configuration is asked for what no issuer knows', async () => {
  const clock = new VirtualClock()
  const fetchText: FetchText = () => Promise.reject(new Error('not asked'))
  const verifyToken = (token: string) => {
    if (token === 'boom') throw new Error('no database')
    return token === 'opaque-1' ? 'ann' : null
  }
  const verifier = createTokenVerifier({ issuers: [], verifyToken, clock, fetchText })
  assert.deepEqual(await verifier?.verify(new Secret('opaque-1')), { type: 'valid', username: 'ann' })
  assert.deepEqual(await verifier?.verify(new Secret('opaque-2')), { type: 'invalid' })
  assert.equal((await verifier?.verify(new Secret('boom')))?.type, 'unavailable')
  assert.equal(createTokenVerifier({ issuers: [], clock, fetchText }), null)
})

test('documents are fetched within their bounds', async () => {
  const clock = new VirtualClock()
  const answers: Record<string, () => Response> = {
    'https://id.example/good': () => new Response('{"keys":[]}'),
    'https://id.example/bad': () => new Response('no', { status: 404 }),
    'https://id.example/large': () => new Response('x'.repeat(101)),
  }
  const fetchText = createFetchText({
    clock,
    fetch: (url, init) => {
      const answer = answers[typeof url === 'string' ? url : '']
      if (answer !== undefined) return Promise.resolve(answer())
      return new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    },
  })
  const limits = { milliseconds: 1_000, octets: 100 }
  assert.equal(await fetchText('https://id.example/good', limits), '{"keys":[]}')
  await assert.rejects(fetchText('https://id.example/bad', limits), /404/)
  await assert.rejects(fetchText('https://id.example/large', limits), /more than 100/)
  const silent = assert.rejects(fetchText('https://id.example/silent', limits), /in time/)
  await clock.advance('1s')
  await silent
})

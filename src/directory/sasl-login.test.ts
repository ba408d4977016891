// Logging in without a password that crosses the wire: tokens, certificates, CRAM-MD5, through one session's SASL.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Secret } from '../base/secret.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { authSection, directorySection } from '../config/sections/auth.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { tryCramDigest } from '../sasl/cram-keys.ts'
import { testStore } from '../../test/support/store.ts'
import { Administration } from './administration.ts'
import { createDirectory } from './create.ts'
import { SaslLogin } from './sasl-login.ts'
import type { TokenVerifier } from './tokens.ts'

const cheap = { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 }

/** `token-of-ann` is ann's, and so on; `broken` cannot be checked. */
const tokens: TokenVerifier = {
  verify(token) {
    const text = token.reveal()
    if (text === 'broken') return Promise.resolve({ type: 'unavailable', error: new Error('no keys') })
    const owner = /^token-of-(.+)$/.exec(text)?.[1]
    return Promise.resolve(
      owner === undefined ? { type: 'invalid' } : { type: 'valid', username: `${owner}@example.org` },
    )
  },
}

async function house(context: TestContext, auth: object = {}) {
  const store = await testStore(context)
  const memory = new EventMemory()
  const parts = {
    ...{ store, clock: new VirtualClock(), random: new SeededRandom(1), events: createEvents([memory]) },
    auth: authSection.parse({ ...cheap, ...auth }),
    directory: directorySection.parse({}),
  }
  const admin = new Administration(parts)
  await admin.addDomain('example.org')
  for (const name of ['ann', 'bob']) {
    await admin.addAccount({ address: `${name}@example.org`, password: new Secret('secret') })
  }
  const make = (changes: object = {}) =>
    createDirectory({
      ...parts,
      auth: { ...parts.auth, ...changes },
      serverSecret: new Uint8Array(32),
      tokens,
    })
  const directory = make()
  const login = () => new SaslLogin(directory, { remoteAddress: '192.0.2.1', protocol: 'imap' })
  return { store, admin, directory, make, login, memory }
}

const check = (token: string, username: string | null = null) =>
  ({ type: 'check-token', username, token: new Secret(token) }) as const

test('a token opens the account that it is of, also where the client names it', async (context) => {
  const { login, memory } = await house(context)
  for (const username of [null, 'ann@example.org', 'Ann@EXAMPLE.org']) {
    const sasl = login()
    assert.deepEqual(await sasl.answer(check('token-of-ann', username)), {
      type: 'identified',
      username: 'ann@example.org',
    })
    const entered = await sasl.succeed(null)
    assert.equal(entered.ok && entered.account.address, 'ann@example.org')
  }
  assert.ok(memory.records.some(({ fields }) => fields['mechanism'] === 'token'))
})

test('a token of nobody, of somebody else or of an unknown account opens nothing', async (context) => {
  const { login, admin } = await house(context)
  const refused = (reason: string) => ({ type: 'refused', reason })
  assert.deepEqual(await login().answer(check('nonsense')), refused('bad-credentials'))
  assert.deepEqual(await login().answer(check('token-of-ann', 'bob@example.org')), refused('bad-credentials'))
  assert.deepEqual(await login().answer(check('token-of-carl')), refused('bad-credentials'))
  assert.deepEqual(await login().answer(check('broken')), refused('unavailable'))
  await admin.setState('bob@example.org', 'disabled')
  assert.deepEqual(await login().answer(check('token-of-bob')), refused('disabled'))
})

test('tokens are throttled like passwords', async (context) => {
  const { login } = await house(context, { throttle: { failuresPerAccount: 3, failuresPerPrefix: 0 } })
  for (let guess = 0; guess < 3; guess++) {
    const answer = await login().answer(check(`guess ${guess}`, 'ann@example.org'))
    assert.deepEqual(answer, { type: 'refused', reason: 'bad-credentials' })
  }
  const next = { type: 'refused', reason: 'throttled' }
  assert.deepEqual(await login().answer(check('another', 'ann@example.org')), next)
  // Another name is another count.
  assert.equal((await login().answer(check('token-of-bob', 'bob@example.org'))).type, 'identified')
})

test('a certificate opens the account of its address; acting as another is refused', async (context) => {
  const { login, admin } = await house(context)
  const emailAddresses = ['nobody@example.net', 'Ann@example.org', 'bob@example.org']
  const as = async (authorizationId: string | null, addresses = emailAddresses) => {
    const sasl = login()
    const answer = await sasl.answer({
      type: 'check-certificate',
      emailAddresses: addresses,
      authorizationId,
    })
    if (answer.type !== 'identified') return answer.type === 'refused' ? answer.reason : answer.type
    const entered = await sasl.succeed(null)
    return entered.ok ? entered.account.address : entered.reason
  }
  assert.equal(await as(null), 'ann@example.org')
  assert.equal(await as('bob@example.org'), 'bob@example.org')
  assert.equal(await as('carl@example.org'), 'bad-credentials')
  assert.equal(await as('bob@example.org', ['ann@example.org']), 'bad-credentials')
  assert.equal(await as(null, ['nobody@example.net']), 'bad-credentials')
  await admin.setState('bob@example.org', 'disabled')
  assert.equal(await as('bob@example.org'), 'disabled')
})

test('CRAM-MD5 has nothing to go by unless it is switched on; then a log-in with the password makes it', async (context) => {
  const { store, directory, make } = await house(context)
  const kept = async () => (await store.credentialsOf('ann@example.org'))?.credentials.cramMd5 ?? null
  const attempt = { username: 'ann@example.org', remoteAddress: '192.0.2.1', protocol: 'imap' }
  const password = new Secret('secret')
  assert.equal(directory.sasl.cramMd5, false)
  await directory.authenticate({ ...attempt, password })
  assert.equal(await kept(), null)
  const switchedOn = make({ cramMd5: true })
  assert.equal(switchedOn.sasl.cramMd5, true)
  const nothing = await switchedOn.beginCram(attempt)
  assert.equal(nothing.ok && nothing.verifier, null)
  if (nothing.ok) nothing.fail()
  await switchedOn.authenticate({ ...attempt, password })
  const verifier = await kept()
  assert.ok(verifier)
  const sasl = new SaslLogin(switchedOn, { remoteAddress: '192.0.2.1', protocol: 'imap' })
  assert.deepEqual(await sasl.answer({ type: 'need-cram', username: 'ann@example.org' }), {
    type: 'cram',
    verifier,
  })
  assert.ok(tryCramDigest(verifier, new Uint8Array(3)))
  const entered = await sasl.succeed(null)
  assert.equal(entered.ok && entered.account.address, 'ann@example.org')
  // Switched off again, what is kept goes at the next log-in.
  await make().authenticate({ ...attempt, password })
  assert.equal(await kept(), null)
})

test('what was begun and is given up counts as failed', async (context) => {
  const { login, memory } = await house(context)
  const sasl = login()
  assert.equal(
    (await sasl.answer({ type: 'need-credentials', scramHash: 'sha256', username: 'ann@example.org' })).type,
    'credentials',
  )
  sasl.giveUp()
  sasl.giveUp()
  assert.equal(memory.records.filter(({ name }) => name === 'auth.login-failed').length, 1)
  await assert.rejects(sasl.succeed(null))
})

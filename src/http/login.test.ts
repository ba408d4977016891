// Log-in at the pages: sessions and their cookie, requests of other sites, the second factor, passkeys, app passwords, set-up.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Secret as OtpSecret, TOTP } from 'otpauth'
import { Browser } from '../../test/support/browser.ts'
import {
  basic,
  type HttpHouse,
  type HttpHouseOptions,
  openHttpHouse,
  password,
} from '../../test/support/http-house.ts'
import { SoftwareAuthenticator } from '../../test/support/software-authenticator.ts'
import { Setup } from '../directory/setup.ts'
import { allScopes } from './authenticate.ts'
import { isProven } from './proven.ts'
import { environmentOf } from './site.ts'

const minute = 60_000
const day = 24 * 60 * minute
const ann = 'ann@example.org'
const origin = 'https://mail.example.org'

async function open(context: TestContext, options: HttpHouseOptions = {}) {
  const house = await openHttpHouse(context, options)
  return { house, browser: new Browser(house) }
}

async function loggedIn(context: TestContext, options: HttpHouseOptions = {}) {
  const opened = await open(context, options)
  await opened.browser.must('POST /api/v1/session', { json: { address: ann, password } })
  return opened
}

test('a log-in opens a session, whose cookie scripts and other sites do not get', async (context) => {
  const { browser } = await open(context)
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
  const state = await browser.must('POST /api/v1/session', { json: { address: 'Ann@Example.org', password } })
  assert.equal((state['account'] as { address: string }).address, ann)
  assert.deepEqual(state['scopes'], ['mail', 'send', 'settings'])
  assert.match(
    browser.lastCookie,
    /^__Host-posthorn-session=\d+\.[\w-]{43}; Path=\/; Max-Age=7776000; HttpOnly; SameSite=Strict; Secure$/,
  )
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'open')
})

test('without TLS the cookie has a plain name, and credentials are taken only where the configuration says so', async (context) => {
  const { browser } = await open(context, { secure: false })
  assert.equal(
    await browser.refused('POST /api/v1/session', { json: { address: ann, password } }),
    '403 tls-required',
  )
  const clear = await open(context, { secure: false, parts: { clearText: 'allowed' } })
  await clear.browser.must('POST /api/v1/session', { json: { address: ann, password } })
  assert.match(
    clear.browser.lastCookie,
    /^posthorn-session=[^;]+; Path=\/; Max-Age=7776000; HttpOnly; SameSite=Strict$/,
  )
})

test('a log-in never continues a session that somebody laid out', async (context) => {
  const { house, browser } = await loggedIn(context)
  const laid = [...browser.cookies.values()][0] ?? ''
  const victim = new Browser(house)
  victim.cookies.set('__Host-posthorn-session', laid)
  await victim.must('POST /api/v1/session', { json: { address: 'bob@example.org', password } })
  assert.notEqual(victim.cookies.get('__Host-posthorn-session'), laid)
  // And the one that was laid out is over.
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
})

test('log-out ends the session, not only the cookie', async (context) => {
  const { browser } = await loggedIn(context)
  const kept = new Map(browser.cookies)
  await browser.must('DELETE /api/v1/session')
  assert.equal(browser.cookies.size, 0)
  for (const [name, value] of kept) browser.cookies.set(name, value)
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
})

test('what changes something is taken from our own pages alone', async (context) => {
  const { house, browser } = await loggedIn(context)
  const elsewhere = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': '', origin: 'https://evil.example' },
  ]
  for (const headers of elsewhere) {
    assert.equal(await browser.refused('DELETE /api/v1/sessions', { headers }), '403 cross-site')
  }
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const bare = await house.fetch('/api/v1/sessions', { method: 'DELETE', headers: { cookie } })
  assert.equal(bare.status, 403)
  const byOrigin = await house.fetch('/api/v1/sessions', { method: 'DELETE', headers: { cookie, origin } })
  assert.equal(byOrigin.status, 200)
  // A form of another site cannot send JSON without being asked first.
  const form = await house.fetch('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: JSON.stringify({ address: ann, password }),
  })
  assert.equal(form.status, 415)
})

test('sessions end when they are not used, and at the latest after their longest time', async (context) => {
  const { house, browser } = await loggedIn(context)
  const who = async (): Promise<unknown> => (await browser.must('GET /api/v1/session'))['state']
  for (let passed = 0; passed < 84; passed += 7) {
    await house.clock.advance(7 * day)
    assert.equal(await who(), 'open', `day ${passed + 7}`)
  }
  await house.clock.advance(6.5 * day)
  assert.equal(await who(), 'anonymous')
  const idle = await loggedIn(context)
  await idle.house.clock.advance(15 * day)
  assert.equal((await idle.browser.must('GET /api/v1/session'))['state'], 'anonymous')
})

test('sessions are listed and ended, one or all others', async (context) => {
  const { house, browser } = await loggedIn(context)
  const others = [new Browser(house), new Browser(house)]
  for (const other of others) await other.must('POST /api/v1/session', { json: { address: ann, password } })
  const { sessions } = (await browser.must('GET /api/v1/sessions')) as {
    sessions: { id: number; current: boolean }[]
  }
  assert.deepEqual(
    sessions.map(({ current }) => current),
    [true, false, false],
  )
  await browser.must(`DELETE /api/v1/sessions/${sessions[1]?.id}`)
  assert.equal(await browser.refused(`DELETE /api/v1/sessions/${sessions[1]?.id}`), '404 not-found')
  assert.deepEqual(await browser.must('DELETE /api/v1/sessions'), { ended: 1 })
  for (const other of others) assert.equal((await other.must('GET /api/v1/session'))['state'], 'anonymous')
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'open')
})

test('a disabled account has no sessions, and a new password ends them', async (context) => {
  const { house, browser } = await loggedIn(context)
  await house.parts.administration.setState(ann, 'disabled')
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
  await house.parts.administration.setState(ann, 'active')
  const other = new Browser(house)
  await other.must('POST /api/v1/session', { json: { address: ann, password } })
  assert.equal(
    await other.refused('PUT /api/v1/password', { json: { current: 'wrong', password: 'new one' } }),
    '401 bad-credentials',
  )
  await other.must('PUT /api/v1/password', { json: { current: password, password: 'new one' } })
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
  assert.equal((await other.must('GET /api/v1/session'))['state'], 'open')
  assert.equal(
    await browser.refused('POST /api/v1/session', { json: { address: ann, password } }),
    '401 bad-credentials',
  )
})

test('there are no more than so many sessions: the one that was not used for longest goes', async (context) => {
  const { house, browser } = await loggedIn(context, { settings: { web: { maxSessions: 2 } } })
  const others = [new Browser(house), new Browser(house)]
  for (const other of others) {
    await house.clock.advance(minute)
    await other.must('POST /api/v1/session', { json: { address: ann, password } })
  }
  assert.equal((await browser.must('GET /api/v1/session'))['state'], 'anonymous')
  assert.equal((await others[0]?.must('GET /api/v1/session'))?.['state'], 'open')
})

test('wrong guesses are throttled, whatever door they come by', async (context) => {
  const { house, browser } = await open(context, {
    settings: { auth: { throttle: { failuresPerAccount: 3 } } },
  })
  for (const wrong of ['a', 'b', 'c']) {
    assert.equal(
      await browser.refused('POST /api/v1/session', { json: { address: ann, password: wrong } }),
      '401 bad-credentials',
    )
  }
  assert.equal(
    await browser.refused('POST /api/v1/session', { json: { address: ann, password } }),
    '429 throttled',
  )
  assert.equal((await house.fetch('/api/v1/messages/x', { headers: basic(ann) })).status, 429)
})

function codeOf(secret: unknown, house: HttpHouse): string {
  const timestamp = house.clock.now()
  return TOTP.generate({ secret: OtpSecret.fromBase32(String(secret)), timestamp })
}

/** Sets an app up, in a fresh session. */
async function withApp(house: HttpHouse, browser: Browser) {
  const { secret, url } = await browser.must('POST /api/v1/totp')
  const { recoveryCodes } = await browser.must('POST /api/v1/totp/confirm', {
    json: { code: codeOf(secret, house) },
  })
  await house.clock.advance(30_000)
  return { secret, url, recoveryCodes: recoveryCodes as string[] }
}

test('with an authenticator app a code is asked for, each good once', async (context) => {
  const { house, browser } = await loggedIn(context)
  assert.deepEqual(await browser.must('GET /api/v1/totp'), { state: 'off', since: null, recoveryCodes: 0 })
  const { secret, url } = await withApp(house, browser)
  assert.match(
    String(url),
    /^otpauth:\/\/totp\/mail\.example\.org:ann%40example\.org\?issuer=mail\.example\.org&secret=[A-Z2-7]{32}&algorithm=SHA1&digits=6&period=30$/,
  )
  const login = { address: ann, password }
  const other = new Browser(house)
  assert.equal(await other.refused('POST /api/v1/session', { json: login }), '401 code-required')
  assert.equal(
    await other.refused('POST /api/v1/session', { json: { ...login, code: '000000' } }),
    '401 bad-code',
  )
  const code = codeOf(secret, house)
  await other.must('POST /api/v1/session', { json: { ...login, code } })
  // RFC 6238 §5.2: the same code a second time.
  const replay = new Browser(house)
  assert.equal(await replay.refused('POST /api/v1/session', { json: { ...login, code } }), '401 bad-code')
  await house.clock.advance(30_000)
  const next = codeOf(secret, house)
  const both = [new Browser(house), new Browser(house)].map((one) =>
    one.ask('POST /api/v1/session', { json: { ...login, code: next } }),
  )
  assert.deepEqual(
    (await Promise.all(both)).map(({ status }) => status).toSorted((left, right) => left - right),
    [200, 401],
  )
})

test('a recovery code opens the account once; new ones make the old ones worthless', async (context) => {
  const { house, browser } = await loggedIn(context)
  const { recoveryCodes } = await withApp(house, browser)
  assert.equal(recoveryCodes.length, 10)
  const [code = '', second = ''] = recoveryCodes
  const login = { address: ann, password, code: code.toUpperCase().replaceAll('-', ' ') }
  await new Browser(house).must('POST /api/v1/session', { json: login })
  assert.equal(await new Browser(house).refused('POST /api/v1/session', { json: login }), '401 bad-code')
  assert.equal((await browser.must('GET /api/v1/totp'))['recoveryCodes'], 9)
  await browser.must('POST /api/v1/totp/recovery-codes')
  assert.equal(
    await new Browser(house).refused('POST /api/v1/session', { json: { ...login, code: second } }),
    '401 bad-code',
  )
})

test('nothing is asked for until a code has confirmed the app, in time', async (context) => {
  const { house, browser } = await loggedIn(context)
  const { secret } = await browser.must('POST /api/v1/totp')
  assert.equal(
    await browser.refused('POST /api/v1/totp/confirm', { json: { code: '12345' } }),
    '401 bad-code',
  )
  await new Browser(house).must('POST /api/v1/session', { json: { address: ann, password } })
  await house.clock.advance(61 * minute)
  const fresh = new Browser(house)
  await fresh.must('POST /api/v1/session', { json: { address: ann, password } })
  assert.equal(
    await fresh.refused('POST /api/v1/totp/confirm', { json: { code: codeOf(secret, house) } }),
    '401 bad-code',
  )
})

test('codes can be guessed ten times, and the right one is not taken then', async (context) => {
  const { house, browser } = await loggedIn(context)
  const { secret } = await withApp(house, browser)
  const login = { address: 'ann@example.org', password }
  for (let guess = 0; guess < 10; guess++) {
    assert.equal(
      await browser.refused('POST /api/v1/session', { json: { ...login, code: `00000${guess}` } }),
      '401 bad-code',
    )
  }
  const code = codeOf(secret, house)
  assert.equal(await browser.refused('POST /api/v1/session', { json: { ...login, code } }), '429 throttled')
})

test('what protects the account is changed in a fresh session alone, and never by an app password', async (context) => {
  const { house, browser } = await loggedIn(context)
  await house.clock.advance(16 * minute)
  const dangerous: [string, unknown?][] = [
    ['POST /api/v1/totp'],
    ['DELETE /api/v1/totp'],
    ['POST /api/v1/passkeys/options'],
    ['POST /api/v1/app-passwords', { label: 'Phone' }],
    ['PUT /api/v1/login-policy', { password: 'refused' }],
    ['PUT /api/v1/password', { current: password, password: 'other' }],
  ]
  for (const [target, json] of dangerous) {
    assert.equal(await browser.refused(target, { json }), '403 proof-required', target)
  }
  assert.equal(
    await browser.refused('POST /api/v1/session/proof', { json: { password: 'wrong' } }),
    '401 bad-credentials',
  )
  await browser.must('POST /api/v1/session/proof', { json: { password } })
  const made = await browser.must('POST /api/v1/app-passwords', {
    json: { label: 'All', scopes: ['mail', 'send', 'settings'] },
  })
  const headers = basic(ann, String(made['password']))
  for (const [target, json] of [...dangerous, ['GET /api/v1/sessions'] as const]) {
    const stranger = new Browser(house)
    assert.equal(await stranger.refused(target, { json, headers }), '403 session-required', target)
  }
})

test('an app password does what it was made for, until its time, and is no password of the pages', async (context) => {
  const { house, browser } = await loggedIn(context)
  const expiresAt = new Date(house.clock.now() + day).toISOString()
  const json = { label: ' Phone ', scopes: ['mail'], expiresAt }
  const made = await browser.must('POST /api/v1/app-passwords', { json })
  const secret = String(made['password'])
  assert.match(secret, /^([a-z2-7]{4}-){4}[a-z2-7]{4}$/)
  assert.equal(
    await browser.refused('POST /api/v1/session', { json: { address: ann, password: secret } }),
    '401 bad-credentials',
  )
  const ask = async (path: string, text = secret) =>
    (await house.fetch(path, { headers: basic(ann, text) })).status
  // `send`.
  assert.equal(await ask('/api/v1/messages/nothing'), 403)
  // `mail`; as people type it.
  const terminal = await house.fetch('/api/v1/terminal', {
    headers: basic(ann, secret.toUpperCase().replaceAll('-', ' ')),
  })
  assert.equal(terminal.status, 200)
  await terminal.body?.cancel()
  const { appPasswords } = (await browser.must('GET /api/v1/app-passwords')) as {
    appPasswords: Record<string, unknown>[]
  }
  assert.deepEqual(
    appPasswords.map(({ label, scopes, usedBy }) => ({ label, scopes, usedBy })),
    [{ label: 'Phone', scopes: ['mail'], usedBy: 'http 192.0.2.7' }],
  )
  assert.equal(JSON.stringify(appPasswords).includes(secret), false)
  await house.clock.advance(2 * day)
  assert.equal(await ask('/api/v1/terminal'), 401)
  const again = new Browser(house)
  await again.must('POST /api/v1/session', { json: { address: ann, password } })
  const other = await again.must('POST /api/v1/app-passwords', { json: { label: 'Laptop' } })
  assert.equal(await ask('/api/v1/messages/nothing', String(other['password'])), 404)
  await again.must(`DELETE /api/v1/app-passwords/${String(other['id'])}`)
  assert.equal(await ask('/api/v1/messages/nothing', String(other['password'])), 401)
  assert.equal(
    await again.refused('POST /api/v1/app-passwords', { json: { label: 'x', scopes: ['admin'] } }),
    '403 scope-missing',
  )
})

test('a terminal that stays open ends with what opened it', async (context) => {
  const { house, browser } = await loggedIn(context)
  const made = await browser.must('POST /api/v1/app-passwords', { json: { label: 'x', scopes: ['mail'] } })
  const terminal = await house.fetch('/api/v1/terminal', { headers: basic(ann, String(made['password'])) })
  const reader = (terminal.body ?? assert.fail()).getReader()
  await house.clock.advance(26_000)
  await browser.must(`DELETE /api/v1/app-passwords/${String(made['id'])}`)
  const ended = (async () => {
    while (!(await reader.read()).done);
  })()
  await house.clock.advance(26_000)
  await ended
})

test('with a second factor programs need an app password', async (context) => {
  const { house, browser } = await loggedIn(context)
  const made = await browser.must('POST /api/v1/app-passwords', { json: { label: 'Script' } })
  await withApp(house, browser)
  assert.equal((await house.fetch('/api/v1/messages/nothing', { headers: basic(ann) })).status, 401)
  assert.equal(house.memory.count('auth.password-guarded'), 1)
  const headers = basic(ann, String(made['password']))
  assert.equal((await house.fetch('/api/v1/messages/nothing', { headers })).status, 404)
})

test('an admin who is none any more has no app password that administers', async (context) => {
  const { house, browser } = await open(context)
  await house.parts.administration.changeAccount(ann, { role: 'admin' })
  const state = await browser.must('POST /api/v1/session', { json: { address: ann, password } })
  assert.deepEqual(state['scopes'], ['mail', 'send', 'settings', 'admin'])
  const made = await browser.must('POST /api/v1/app-passwords', { json: { label: 'Ops', scopes: ['admin'] } })
  const headers = basic(ann, String(made['password']))
  const scopes = async () => (await new Browser(house).ask('GET /api/v1/session', { headers })).body['scopes']
  assert.deepEqual(await scopes(), ['admin'])
  await house.parts.administration.changeAccount(ann, { role: 'user' })
  assert.deepEqual(await scopes(), [])
})

/** Makes a passkey in a fresh session. */
async function withPasskey(browser: Browser, authenticator: SoftwareAuthenticator) {
  const { options } = await browser.must('POST /api/v1/passkeys/options')
  const response = authenticator.create(options as object)
  return browser.must('POST /api/v1/passkeys', { json: { label: 'Laptop', response } })
}

test('a passkey opens the account without a name', async (context) => {
  const { house, browser } = await loggedIn(context)
  const authenticator = new SoftwareAuthenticator(origin)
  const made = await withPasskey(browser, authenticator)
  const fresh = new Browser(house)
  const { options } = await fresh.must('POST /api/v1/session/passkey/options')
  const response = authenticator.get(options as object)
  const state = await fresh.must('POST /api/v1/session/passkey', { json: { response } })
  assert.equal((state['account'] as { address: string }).address, ann)
  // The answer to a challenge is good once.
  assert.equal(
    await new Browser(house).refused('POST /api/v1/session/passkey', { json: { response } }),
    '401 bad-passkey',
  )
  const id = String(made['id'])
  await browser.must(`PATCH /api/v1/passkeys/${id}`, { json: { label: 'Old laptop' } })
  const { passkeys } = (await browser.must('GET /api/v1/passkeys')) as { passkeys: Record<string, unknown>[] }
  assert.deepEqual(
    passkeys.map(({ label, usedAt }) => ({ label, used: usedAt !== null })),
    [{ label: 'Old laptop', used: true }],
  )
  await browser.must(`DELETE /api/v1/passkeys/${id}`)
  const again = await fresh.must('POST /api/v1/session/passkey/options')
  const late = authenticator.get(again['options'] as object)
  assert.equal(
    await fresh.refused('POST /api/v1/session/passkey', { json: { response: late } }),
    '401 bad-passkey',
  )
})

test('a passkey answers for its own host, its own person and our challenge, with its person there', async (context) => {
  const { house, browser } = await loggedIn(context)
  const authenticator = new SoftwareAuthenticator(origin)
  await withPasskey(browser, authenticator)
  const fresh = new Browser(house)
  const begin = async (): Promise<object> =>
    (await fresh.must('POST /api/v1/session/passkey/options'))['options'] as object
  const bob = await house.store.credentialsOf('bob@example.org')
  const lies = [
    { origin: 'https://evil.example' },
    { host: 'evil.example' },
    { unverified: true },
    { userHandle: Buffer.from(`A${bob?.account.id}`).toString('base64url') },
    { userHandle: 'x' },
  ] as const
  for (const lie of lies) {
    const response = authenticator.get(await begin(), lie)
    assert.equal(
      await fresh.refused('POST /api/v1/session/passkey', { json: { response } }),
      '401 bad-passkey',
      JSON.stringify(lie),
    )
  }
  const ours = Buffer.from(String(((await begin()) as { challenge: string }).challenge), 'base64url')
  ours[0] = (ours[0] ?? 0) ^ 1
  const forged = authenticator.get({ challenge: ours.toString('base64url'), rpId: 'mail.example.org' })
  assert.equal(
    await fresh.refused('POST /api/v1/session/passkey', { json: { response: forged } }),
    '401 bad-passkey',
  )
  const slow = authenticator.get(await begin())
  await house.clock.advance(6 * minute)
  assert.equal(
    await fresh.refused('POST /api/v1/session/passkey', { json: { response: slow } }),
    '401 bad-passkey',
  )
  await fresh.must('POST /api/v1/session/passkey', { json: { response: authenticator.get(await begin()) } })
  // A copy of the key, whose counter is behind.
  const copied = authenticator.get(await begin(), { counter: 1 })
  assert.equal(
    await fresh.refused('POST /api/v1/session/passkey', { json: { response: copied } }),
    '401 bad-passkey',
  )
  for (const nonsense of [{}, { id: 1 }, { id: 'x', response: { userHandle: 'QTE' } }]) {
    assert.equal(
      await fresh.refused('POST /api/v1/session/passkey', { json: { response: nonsense } }),
      '401 bad-passkey',
    )
  }
})

test('passkeys alone: the password opens nothing, and the last passkey stays', async (context) => {
  const { house, browser } = await loggedIn(context)
  assert.equal(
    await browser.refused('PUT /api/v1/login-policy', { json: { password: 'refused' } }),
    '409 no-passkey',
  )
  const authenticator = new SoftwareAuthenticator(origin)
  const made = await withPasskey(browser, authenticator)
  await browser.must('PUT /api/v1/login-policy', { json: { password: 'refused' } })
  const fresh = new Browser(house)
  assert.equal(
    await fresh.refused('POST /api/v1/session', { json: { address: ann, password } }),
    '401 passkey-required',
  )
  assert.equal((await house.fetch('/api/v1/messages/nothing', { headers: basic(ann) })).status, 401)
  assert.equal(await browser.refused(`DELETE /api/v1/passkeys/${String(made['id'])}`), '409 last-passkey')
  // In a session it shows again who one is.
  await house.clock.advance(16 * minute)
  assert.equal(await browser.refused('POST /api/v1/totp'), '403 proof-required')
  const { options } = await browser.must('POST /api/v1/session/passkey/options')
  await browser.must('POST /api/v1/session/passkey', {
    json: { response: authenticator.get(options as object) },
  })
  await browser.must('POST /api/v1/totp')
})

test('the first account is made by whoever has the link, once', async (context) => {
  const house = await openHttpHouse(context)
  const { store, administration, clock, random } = house.parts
  for (const name of [ann, 'bob@example.org']) await administration.removeAccount(name)
  const begin = () => Setup.begin({ store, administration, clock, random, milliseconds: 60 * minute })
  const setup = await begin()
  assert.ok(setup)
  const opened = await openHttpHouse(context, { parts: { ...house.parts, setup } })
  const browser = new Browser(opened)
  assert.equal((await browser.must('GET /api/v1/setup'))['setup'], 'needed')
  const token = setup.token.reveal()
  const json = { token, domain: 'new.example', address: 'me@new.example', password: 'long enough' }
  assert.equal(
    await browser.refused('POST /api/v1/setup', { json: { ...json, token: 'guess' } }),
    '403 setup-closed',
  )
  assert.equal(
    await browser.refused('POST /api/v1/setup/check', { json: { token: 'guess' } }),
    '403 setup-closed',
  )
  await browser.must('POST /api/v1/setup/check', { json: { token } })
  // What is refused leaves the link good.
  assert.equal(
    await browser.refused('POST /api/v1/setup', { json: { ...json, address: 'nonsense' } }),
    '422 invalid',
  )
  const both = [browser, new Browser(opened)].map((one) => one.ask('POST /api/v1/setup', { json }))
  assert.deepEqual(
    (await Promise.all(both)).map(({ status }) => status).toSorted((left, right) => left - right),
    [200, 403],
  )
  assert.equal(
    await browser.refused('POST /api/v1/setup', { json: { ...json, address: 'two@new.example' } }),
    '403 setup-closed',
  )
  assert.equal((await browser.must('GET /api/v1/setup'))['setup'], 'done')
  const made = await house.store.credentialsOf('me@new.example')
  assert.equal(made?.account.role, 'admin')
  assert.equal(await begin(), undefined)
})

test('the link ends with its time, and with an account that was made elsewhere', async (context) => {
  const house = await openHttpHouse(context)
  const { store, administration, clock, random } = house.parts
  for (const name of [ann, 'bob@example.org']) await administration.removeAccount(name)
  const begin = async () => {
    const setup = await Setup.begin({ store, administration, clock, random, milliseconds: 60 * minute })
    assert.ok(setup)
    return setup
  }
  const late = await begin()
  await house.clock.advance(61 * minute)
  assert.equal(await late.isOpen(late.token.reveal()), false)
  const other = await begin()
  assert.equal(await other.isOpen(other.token.reveal()), true)
  await house.store.addAccount({
    ...{ address: ann, credentials: { argon2id: null, scramSha256: null }, mailboxes: [], now: 1 },
    quota: { bytes: null, messages: null },
  })
  assert.equal(await other.isOpen(other.token.reveal()), false)
})

test('nobody proves who he is by the session of somebody else beside his credentials', async (context) => {
  const { house, browser } = await loggedIn(context)
  const account = (await house.parts.store.oldestAccount()) ?? assert.fail()
  const cookie = browser.lastCookie.split(';')[0] ?? ''
  const request = new Request(`${origin}/api/v1/totp`, { headers: { cookie, authorization: 'Bearer x' } })
  const around = { remoteAddress: '192.0.2.7', secure: true, stopping: house.stopping.signal }
  const asked = { request, env: environmentOf(house.parts, request, around) }
  const caller = { account, scopes: allScopes(account), sessionId: null, appPasswordId: null }
  assert.equal(await isProven(house.parts, { ...asked, caller: { ...caller, via: 'token' } }), false)
  assert.equal(await isProven(house.parts, { ...asked, caller: { ...caller, via: 'session' } }), true)
})

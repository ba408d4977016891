// Two requests at once, and one between the look and the act of another: nobody is shut out, nothing is good twice, nothing survives that
// was ended. Where chance would have to help, the store is made to let another request through at the moment that matters.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Secret as OtpSecret, TOTP } from 'otpauth'
import { Browser } from '../../test/support/browser.ts'
import { basic, type HttpHouse, openHttpHouse, password } from '../../test/support/http-house.ts'
import { SoftwareAuthenticator } from '../../test/support/software-authenticator.ts'
import { Secret } from '../base/secret.ts'
import { createDirectory } from '../directory/create.ts'
import { createLogins } from '../directory/logins.ts'
import { removeAnyPasskey } from '../directory/ways-in.ts'
import type { Store } from '../store/store.ts'

const ann = 'ann@example.org'
const origin = 'https://mail.example.org'
const login = { address: ann, password }

/** A store that lets `between` happen once, right before the first call of `method`. */
function interposed(store: Store, method: keyof Store, between: () => Promise<unknown>): Store {
  let work: (() => Promise<unknown>) | null = between
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== method || typeof value !== 'function') return value
      return async (...given: unknown[]): Promise<unknown> => {
        const now = work
        work = null
        await now?.()
        return Reflect.apply(value, target, given)
      }
    },
  })
}

/** The same server, before whose next call of `method` `between` happens. */
async function between(
  context: TestContext,
  house: HttpHouse,
  { method, work }: { readonly method: keyof Store; readonly work: () => Promise<unknown> },
): Promise<HttpHouse> {
  const { clock, random, events, web } = house.parts
  const store = interposed(house.store, method, work)
  const secret = await house.store.installationSecret(random.bytes(32))
  const { auth, directory: directoryConfig } = house.config
  const common = { store, clock, random, events, auth }
  const logins = createLogins({ ...common, web, secret })
  const directory = createDirectory({ ...common, directory: directoryConfig, serverSecret: secret })
  return openHttpHouse(context, { parts: { ...house.parts, logins, directory } })
}

async function loggedIn(context: TestContext): Promise<{ house: HttpHouse; browser: Browser }> {
  const house = await openHttpHouse(context)
  const browser = new Browser(house)
  await browser.must('POST /api/v1/session', { json: login })
  return { house, browser }
}

/** The same person at another instance. */
function alsoAt(house: HttpHouse, browser: Browser): Browser {
  const other = new Browser(house)
  for (const [name, value] of browser.cookies) other.cookies.set(name, value)
  return other
}

async function addPasskey(browser: Browser, authenticator = new SoftwareAuthenticator(origin)) {
  const { options } = await browser.must('POST /api/v1/passkeys/options')
  const response = authenticator.create(options as object)
  const made = await browser.must('POST /api/v1/passkeys', { json: { label: 'Key', response } })
  return { id: Number(made['id']), authenticator }
}

function codeOf(secret: unknown, house: HttpHouse): string {
  return TOTP.generate({ secret: OtpSecret.fromBase32(String(secret)), timestamp: house.clock.now() })
}

test('of the last two passkeys one stays, however both are removed', async (context) => {
  const { house, browser } = await loggedIn(context)
  const [one, two] = [await addPasskey(browser), await addPasskey(browser)]
  await browser.must('PUT /api/v1/login-policy', { json: { password: 'refused' } })
  const raced = await between(context, house, {
    method: 'changeObjects',
    work: () => browser.must(`DELETE /api/v1/passkeys/${two.id}`),
  })
  const other = alsoAt(raced, browser)
  assert.equal(await other.refused(`DELETE /api/v1/passkeys/${one.id}`), '409 last-passkey')
  // And without help.
  const third = await addPasskey(browser)
  const both = await Promise.all([one, third].map(({ id }) => browser.ask(`DELETE /api/v1/passkeys/${id}`)))
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((left, right) => left - right),
    [204, 409],
  )
})

test('the password is not refused while the last passkey goes', async (context) => {
  const { house, browser } = await loggedIn(context)
  const key = await addPasskey(browser)
  const refusing = { json: { password: 'refused' } }
  const first = await between(context, house, {
    method: 'changeObjects',
    work: () => browser.must(`DELETE /api/v1/passkeys/${key.id}`),
  })
  const late = alsoAt(first, browser)
  assert.equal(await late.refused('PUT /api/v1/login-policy', refusing), '409 no-passkey')
  const again = await addPasskey(browser)
  const second = await between(context, house, {
    method: 'changeObjects',
    work: () => browser.must('PUT /api/v1/login-policy', refusing),
  })
  const removing = alsoAt(second, browser)
  assert.equal(await removing.refused(`DELETE /api/v1/passkeys/${again.id}`), '409 last-passkey')
})

test('an operator who removes the last passkey lets the password in again, whatever happens meanwhile', async (context) => {
  const { house, browser } = await loggedIn(context)
  const key = await addPasskey(browser)
  const account = (await house.store.credentialsOf(ann))?.account.id ?? assert.fail()
  const raced = await between(context, house, {
    method: 'changeObjects',
    work: () => browser.must('PUT /api/v1/login-policy', { json: { password: 'refused' } }),
  })
  assert.equal(await removeAnyPasskey(raced.parts.logins, account, key.id), 'removed')
  await new Browser(house).must('POST /api/v1/session', { json: login })
})

test('of two that confirm an app one has recovery codes, and they are good', async (context) => {
  const { house, browser } = await loggedIn(context)
  const { secret } = await browser.must('POST /api/v1/totp')
  const json = { code: codeOf(secret, house) }
  let first: Record<string, unknown> = {}
  const raced = await between(context, house, {
    method: 'changeObjects',
    work: async () => {
      first = await browser.must('POST /api/v1/totp/confirm', { json })
    },
  })
  assert.equal(await alsoAt(raced, browser).refused('POST /api/v1/totp/confirm', { json }), '401 bad-code')
  const [code = ''] = first['recoveryCodes'] as string[]
  await new Browser(house).must('POST /api/v1/session', { json: { ...login, code } })
})

test('two recovery codes at once are both good, and the same one once', async (context) => {
  const { house, browser } = await loggedIn(context)
  const { secret } = await browser.must('POST /api/v1/totp')
  const { recoveryCodes } = await browser.must('POST /api/v1/totp/confirm', {
    json: { code: codeOf(secret, house) },
  })
  const [one = '', two = '', three = ''] = recoveryCodes as string[]
  const open = async (at: HttpHouse, code: string): Promise<number> =>
    (await new Browser(at).ask('POST /api/v1/session', { json: { ...login, code } })).status
  const outcomes: number[] = []
  const helped = (code: string) =>
    between(context, house, {
      method: 'changeObjects',
      work: async () => outcomes.push(await open(house, code)),
    })
  outcomes.push(await open(await helped(one), two))
  assert.deepEqual(outcomes.splice(0), [200, 200])
  outcomes.push(await open(await helped(three), three))
  assert.deepEqual(outcomes, [200, 401])
})

test('a session that the old password opens while it is changed does not outlive the change', async (context) => {
  const { house } = await loggedIn(context)
  const raced = await between(context, house, {
    method: 'changeObjects',
    work: () => house.parts.administration.setPassword(ann, new Secret('a new password')),
  })
  const late = new Browser(raced)
  assert.equal(await late.refused('POST /api/v1/session', { json: login }), '401 bad-credentials')
  const account = (await house.store.credentialsOf(ann))?.account.id ?? assert.fail()
  assert.deepEqual(await house.parts.logins.sessions.list(account), [])
})

test('who changes the password by the old one undoes no change that came before', async (context) => {
  const { house, browser } = await loggedIn(context)
  const json = { current: password, password: 'of the thief' }
  const both = await Promise.all([
    browser.ask('PUT /api/v1/password', { json }),
    alsoAt(house, browser).ask('PUT /api/v1/password', { json: { ...json, password: 'of the owner' } }),
  ])
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((left, right) => left - right),
    [204, 401],
  )
})

test('many log-ins at once leave as many sessions as there may be, and none fails', async (context) => {
  const house = await openHttpHouse(context, { settings: { web: { maxSessions: 3 } } })
  const all = await Promise.all(
    Array.from({ length: 12 }, () => new Browser(house).ask('POST /api/v1/session', { json: login })),
  )
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]))
  const account = (await house.store.credentialsOf(ann))?.account.id ?? assert.fail()
  assert.equal((await house.parts.logins.sessions.list(account)).length, 3)
})

test('app passwords made at once are no more than there may be', async (context) => {
  const { browser, house } = await loggedIn(context)
  const limit = house.config.auth.maxAppPasswords
  for (let made = 1; made < limit; made++)
    await browser.must('POST /api/v1/app-passwords', { json: { label: 'x' } })
  const two = await Promise.all(
    [1, 2].map(() => browser.ask('POST /api/v1/app-passwords', { json: { label: 'y' } })),
  )
  assert.deepEqual(
    two.map(({ status }) => status).toSorted((left, right) => left - right),
    [201, 409],
  )
})

test('a passkey’s answer is good once, at another node and after a restart too', async (context) => {
  const { house, browser } = await loggedIn(context)
  // Its counter stays 0, as of keys that their maker copies to other devices.
  const { authenticator } = await addPasskey(browser)
  const { options } = await new Browser(house).must('POST /api/v1/session/passkey/options')
  const json = { response: authenticator.get(options as object, { counter: 0 }) }
  await new Browser(house).must('POST /api/v1/session/passkey', { json })
  // Another process: it remembers no challenge that was answered.
  const node = await between(context, house, { method: 'changeObjects', work: async () => {} })
  assert.equal(await new Browser(node).refused('POST /api/v1/session/passkey', { json }), '401 bad-passkey')
})

test('what operators change at once of an account is all there afterwards', async (context) => {
  const { house } = await loggedIn(context)
  const { administration } = house.parts
  await Promise.all([
    administration.changeAccount(ann, { role: 'admin' }),
    administration.changeAccount(ann, { hide: ['IDLE'] }),
    administration.changeAccount(ann, { hide: ['NOTIFY'], quota: { mailboxes: 7 } }),
    administration.setQuota(ann, { bytes: 1_000_000, messages: 50 }),
  ])
  const account = (await house.store.credentialsOf(ann))?.account
  assert.equal(account?.role, 'admin')
  assert.deepEqual(account.hiddenCapabilities, ['IDLE', 'NOTIFY'])
  const { bytes, messages, mailboxes } = account.quota
  assert.deepEqual([bytes, messages, mailboxes], [1_000_000, 50, 7])
  assert.equal((await house.fetch('/api/v1/messages/none', { headers: basic(ann) })).status, 404)
})

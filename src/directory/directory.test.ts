// Who has mail, over a real store: where addresses lead, who is let in, and what administration refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { authSection, directorySection } from '../config/sections/auth.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { formatAddress, tryAddress } from '../mail/address.ts'
import { StoreUnavailable } from '../store/store.ts'
import { testStore } from '../../test/support/store.ts'
import { Administration } from './administration.ts'
import { createDirectory } from './create.ts'
import { createOpenDirectory } from './open-directory.ts'
import { formatPhc, hashPassword } from './password-hash.ts'
import type { TestContext } from 'node:test'
import type { AuthConfig, DirectoryConfig } from '../config/sections/auth.ts'
import type { Store } from '../store/store.ts'
import type { Directory, Resolution } from './directory.ts'

const cheap = { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 }

interface Given {
  readonly auth?: object
  readonly directory?: Partial<DirectoryConfig>
  readonly wrap?: (store: Store) => Store
}

async function house(context: TestContext, given: Given = {}) {
  const store = await testStore(context)
  const memory = new EventMemory()
  const auth: AuthConfig = authSection.parse({ ...cheap, ...given.auth })
  const parts = {
    store: given.wrap?.(store) ?? store,
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    events: createEvents([memory]),
    auth,
    directory: { ...directorySection.parse({}), ...given.directory },
  }
  const admin = new Administration(parts)
  const directory = createDirectory({ ...parts, serverSecret: new Uint8Array(32) })
  await admin.addDomain('example.org')
  return { ...parts, memory, admin, directory, realStore: store }
}

async function addAccounts(admin: Administration, ...names: string[]) {
  for (const name of names) {
    const added = await admin.addAccount({ address: `${name}@example.org`, password: new Secret('secret') })
    assert.ok(added.ok, name)
  }
}

async function resolve(directory: Directory, text: string): Promise<Resolution> {
  const address = tryAddress(text, { utf8: true })
  assert.ok(address, text)
  return directory.resolve(address)
}

/** `ann/detail=delivered-to` for each recipient, or the kind of refusal. */
async function where(directory: Directory, text: string): Promise<string> {
  const resolution = await resolve(directory, text)
  if (resolution.type !== 'local') return resolution.type
  return resolution.recipients
    .map(
      ({ account, detail, deliveredTo }) => `${account.address.split('@')[0]}/${detail ?? ''}=${deliveredTo}`,
    )
    .join(' ')
}

test('Addresses lead to accounts: exactly, in any case, with subaddresses, through the catch-all', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann', 'bob')
  assert.equal(await where(directory, 'ann@example.org'), 'ann/=ann@example.org')
  assert.equal(await where(directory, 'Ann@EXAMPLE.org'), 'ann/=ann@example.org')
  assert.equal(await where(directory, '"ann"@example.org'), 'ann/=ann@example.org')
  assert.equal(await where(directory, 'ann+News@example.org'), 'ann/News=ann+news@example.org')
  assert.equal(await where(directory, 'carl@example.org'), 'unknown-user')
  assert.equal(await where(directory, 'ann@example.net'), 'not-local')
  assert.equal(await where(directory, 'ann@[192.0.2.1]'), 'not-local')
  assert.ok((await admin.setAlias('@example.org', ['bob@example.org'])).ok)
  assert.equal(await where(directory, 'carl@example.org'), 'bob/=bob@example.org')
  assert.equal(await where(directory, 'ann@example.org'), 'ann/=ann@example.org')
  assert.ok((await admin.setAlias('ann+special@example.org', ['bob@example.org'])).ok)
  assert.equal(await where(directory, 'ann+special@example.org'), 'bob/=bob@example.org')
})

test('The separator is configurable, and can be none', async (context) => {
  const { admin, directory } = await house(context, { directory: { subaddressSeparator: '-' } })
  await addAccounts(admin, 'ann')
  assert.equal(await where(directory, 'ann-x@example.org'), 'ann/x=ann-x@example.org')
  assert.equal(await where(directory, 'ann+x@example.org'), 'unknown-user')
  const none = await house(context, { directory: { subaddressSeparator: '' } })
  await addAccounts(none.admin, 'ann')
  assert.equal(await where(none.directory, 'ann+x@example.org'), 'unknown-user')
})

test('postmaster is the oldest account, among however many with an earlier address', async (context) => {
  const { admin, directory, store } = await house(context)
  await addAccounts(admin, 'zoe')
  const credentials = { argon2id: null, scramSha256: null }
  for (let number = 0; number < 1001; number++) {
    const address = `a${number}@example.org`
    const quota = { bytes: null, messages: null }
    await store.addAccount({ address, credentials, quota, mailboxes: [], now: 0 })
  }
  assert.equal(await where(directory, 'postmaster@example.org'), 'zoe/=postmaster@example.org')
})

test('RFC 5321 §4.5.1: postmaster is always somebody', async (context) => {
  const { admin, directory } = await house(context)
  assert.equal(await where(directory, 'postmaster@example.org'), 'unknown-user')
  await addAccounts(admin, 'zoe', 'ann')
  assert.equal(await where(directory, 'POSTMASTER@example.org'), 'zoe/=postmaster@example.org')
  assert.equal(await where(directory, 'postmaster@example.net'), 'not-local')
  const resolution = await directory.resolvePostmaster()
  assert.ok(resolution.type === 'local' && resolution.recipients[0]?.account.address === 'zoe@example.org')
  assert.ok((await admin.setAlias('postmaster@example.org', ['ann@example.org'])).ok)
  assert.equal(await where(directory, 'postmaster@example.org'), 'ann/=ann@example.org')
  const named = await house(context, { directory: { postmaster: 'Ann@example.org' } })
  await addAccounts(named.admin, 'zoe', 'ann')
  assert.equal(await where(named.directory, 'postmaster@example.org'), 'ann/=postmaster@example.org')
})

test('Aliases: several targets, each account once, chains, loops, depth, count (nasty input 33)', async (context) => {
  const { admin, directory } = await house(context, { directory: { maxAliasDepth: 3, maxAliasTargets: 20 } })
  await addAccounts(admin, 'ann', 'bob')
  const alias = async (name: string, ...targets: string[]) => {
    const set = await admin.setAlias(
      `${name}@example.org`,
      targets.map((target) => `${target}@example.org`),
    )
    assert.ok(set.ok, name)
  }
  await alias('team', 'ann+team', 'bob', 'ann')
  assert.equal(
    await where(directory, 'team@example.org'),
    'ann/team=ann+team@example.org bob/=bob@example.org',
  )
  await alias('all', 'team', 'bob', 'nobody')
  assert.match(await where(directory, 'all@example.org'), /^bob\/=bob@example.org ann/)
  await alias('ping', 'pong')
  await alias('pong', 'ping')
  assert.equal(await where(directory, 'ping@example.org'), 'loop')
  await alias('pong', 'ping', 'ann')
  assert.equal(await where(directory, 'ping@example.org'), 'ann/=ann@example.org')
  await alias('void', 'nobody')
  assert.equal(await where(directory, 'void@example.org'), 'unknown-user')
  await alias('d1', 'd2')
  await alias('d2', 'd3')
  await alias('d3', 'd4')
  await alias('d4', 'ann')
  assert.equal(await where(directory, 'd1@example.org'), 'too-many')
  assert.equal(await where(directory, 'd2@example.org'), 'ann/=ann@example.org')
  await alias('w1', ...Array.from({ length: 15 }, (_, at) => `x${at}`))
  await alias('w2', 'w1', ...Array.from({ length: 15 }, (_, at) => `y${at}`))
  assert.equal(await where(directory, 'w2@example.org'), 'too-many')
})

/** The addresses elsewhere, each with what named it and the list it is a member of. */
function elsewhere(resolution: Resolution): string[] {
  assert.ok(resolution.type === 'local')
  return resolution.remote.map(
    ({ address, via, list }) => `${formatAddress(address)} via ${via} for ${list?.owner ?? 'nobody'}`,
  )
}

test('An alias may lead to other hosts, with recipients here or without', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann')
  const set = await admin.setAlias('out@example.org', ['ann@example.org', 'x@Elsewhere.test'])
  assert.ok(set.ok)
  await admin.setAlias('away@example.org', ['x@elsewhere.test', 'out@example.org', 'y@elsewhere.test'])
  assert.equal(await where(directory, 'out@example.org'), 'ann/=ann@example.org')
  assert.deepEqual(elsewhere(await resolve(directory, 'out@example.org')), [
    'x@elsewhere.test via out@example.org for nobody',
  ])
  assert.deepEqual(elsewhere(await resolve(directory, 'away@example.org')), [
    'x@elsewhere.test via away@example.org for nobody',
    'y@elsewhere.test via away@example.org for nobody',
  ])
  assert.ok((await admin.setState('ann@example.org', 'disabled')).ok)
  assert.equal(await where(directory, 'out@example.org'), '')
  assert.ok(!(await admin.setAlias('bad@example.org', ['nobody'])).ok)
})

test('What goes through a list carries its owner, of the innermost list; a list within itself ends', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann', 'bob')
  const owner = 'ann@example.org'
  await admin.setAlias('friends@example.org', ['bob@example.org', 'f@far.test'])
  const members = ['list@example.org', 'friends@example.org', 'inner@example.org', 'm@far.test']
  const set = await admin.setAlias('list@example.org', members, { owner: 'Ann@example.org' })
  assert.ok(set.ok && set.owner === owner)
  const inner = { owner: 'keeper@far.test' }
  assert.ok((await admin.setAlias('inner@example.org', ['i@far.test', 'list@example.org'], inner)).ok)
  const resolution = await resolve(directory, 'list@example.org')
  assert.deepEqual(elsewhere(resolution), [
    `m@far.test via list@example.org for ${owner}`,
    `f@far.test via friends@example.org for ${owner}`,
    'i@far.test via inner@example.org for keeper@far.test',
  ])
  assert.ok(resolution.type === 'local')
  assert.deepEqual(
    resolution.recipients.map(({ account, list }) => [account.address, list]),
    [['bob@example.org', { owner }]],
  )
  const direct = await resolve(directory, 'friends@example.org')
  assert.equal(direct.type === 'local' && direct.recipients[0]?.list, null)
  for (const [address, bad] of [
    ['list@example.org', 'list@example.org'],
    ['list@example.org', 'nobody'],
    ['@example.org', owner],
  ] as const) {
    const outcome = await admin.setAlias(address, ['bob@example.org'], { owner: bad })
    assert.ok(!outcome.ok && outcome.reason === 'invalid', bad)
  }
})

test('Members of aliases and lists, and the addresses that a name may mean', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann')
  assert.ok((await admin.addDomain('example.net')).ok)
  await admin.setAlias('ann@example.net', ['ann@example.org', 'x@far.test'])
  await admin.setAlias('@example.net', ['ann@example.org'])
  const members = async (text: string) => {
    const address = tryAddress(text, { utf8: true })
    assert.ok(address, text)
    return await directory.members(address)
  }
  assert.deepEqual(await members('Ann@example.net'), ['ann@example.org', 'x@far.test'])
  for (const text of ['ann@example.org', 'nobody@example.net', 'x@far.test']) {
    assert.equal(await members(text), undefined, text)
  }
  assert.deepEqual(await directory.candidates('ANN'), ['ann@example.net', 'ann@example.org'])
  for (const name of ['', 'nobody', 'a b', '<ann>', 'ann@example.org', '@']) {
    assert.deepEqual(await directory.candidates(name), [], name)
  }
})

test('Disabled and full accounts are told apart from unknown ones', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann', 'bob')
  assert.ok((await admin.setQuota('ann@example.org', { bytes: 0, messages: null })).ok)
  assert.equal(await where(directory, 'ann@example.org'), 'over-quota')
  assert.ok((await admin.setState('bob@example.org', 'disabled')).ok)
  assert.equal(await where(directory, 'bob@example.org'), 'disabled')
})

test('What is named of an account changes, and the rest stays', async (context) => {
  const { admin } = await house(context)
  await addAccounts(admin, 'ann')
  const address = 'ann@example.org'
  const change = async (what: Parameters<typeof admin.changeAccount>[1]) => {
    const changed = await admin.changeAccount(address, what)
    assert.ok(changed.ok)
    const [kept] = await admin.listAccounts()
    assert.deepEqual(changed.account.hiddenCapabilities, kept?.hiddenCapabilities)
    return [kept?.quota, kept?.hiddenCapabilities]
  }
  const quota = { bytes: 9, messages: null, mailboxes: 3, annotations: null }
  assert.deepEqual(await change({ quota: { bytes: 9, mailboxes: 3 }, hide: ['Move', 'ESEARCH'] }), [
    quota,
    ['ESEARCH', 'MOVE'],
  ])
  assert.ok((await admin.setQuota(address, { bytes: null, messages: 7 })).ok)
  const after = { ...quota, bytes: null, messages: 7 }
  assert.deepEqual(await change({ show: ['move'] }), [after, ['ESEARCH']])
  for (const name of ['', 'a b', 'IMAP4rev1', 'x'.repeat(65), 'ü']) {
    const refused = await admin.changeAccount(address, { hide: [name] })
    assert.equal(!refused.ok && refused.reason, 'invalid', name)
  }
  const many = Array.from({ length: 101 }, (_, index) => `X${index}`)
  assert.equal((await admin.changeAccount(address, { hide: many })).ok, false)
  assert.equal((await admin.changeAccount('nobody@example.org', {})).ok, false)
})

test('An address that exists costs one store read', async (context) => {
  let reads = 0
  const { admin, directory } = await house(context, {
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          return (...parameters: unknown[]) => {
            reads++
            return value.apply(target, parameters)
          }
        },
      }),
  })
  await addAccounts(admin, 'ann')
  reads = 0
  await where(directory, 'ann@example.org')
  assert.equal(reads, 1)
})

function attempt(username: string, password: string, remoteAddress = '192.0.2.1') {
  return { username, password: new Secret(password), remoteAddress, protocol: 'test' }
}

async function logIn(directory: Directory, ...parameters: Parameters<typeof attempt>): Promise<string> {
  const outcome = await directory.authenticate(attempt(...parameters))
  return outcome.ok ? outcome.account.address : outcome.reason
}

test('A password opens its account and no other, whatever the name looks like', async (context) => {
  const { admin, directory, memory } = await house(context, { directory: { defaultDomain: 'example.org' } })
  await addAccounts(admin, 'ann')
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'ann@example.org')
  assert.equal(await logIn(directory, 'ANN', 'secret'), 'ann@example.org')
  assert.equal(await logIn(directory, 'ann', 'Secret'), 'bad-credentials')
  for (const name of [
    'nobody',
    'nobody@example.org',
    '',
    '@',
    'ann@example.org@example.org',
    'ann+x@example.org',
  ]) {
    assert.equal(await logIn(directory, name, 'secret'), 'bad-credentials', name)
  }
  const acting = { ...attempt('ann', 'secret'), authorizationId: 'bob@example.org' }
  assert.deepEqual(await directory.authenticate(acting), { ok: false, reason: 'bad-credentials' })
  assert.ok((await directory.authenticate({ ...acting, authorizationId: 'Ann@example.org' })).ok)
  assert.ok(!JSON.stringify(memory.records).includes('secret'))
})

test('A new password counts at once, in spite of what is remembered; a disabled account is told only to its owner', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann')
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'ann@example.org')
  assert.ok((await admin.setPassword('ann@example.org', new Secret('changed'))).ok)
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'bad-credentials')
  assert.equal(await logIn(directory, 'ann@example.org', 'changed'), 'ann@example.org')
  await admin.setState('ann@example.org', 'disabled')
  assert.equal(await logIn(directory, 'ann@example.org', 'changed'), 'disabled')
  assert.equal(await logIn(directory, 'ann@example.org', 'wrong'), 'bad-credentials')
})

test('SCRAM and password log-ins are throttled together; the owner still gets in from where he is known', async (context) => {
  const { admin, directory } = await house(context, { auth: { throttle: { failuresPerAccount: 5 } } })
  await addAccounts(admin, 'ann')
  assert.equal(await logIn(directory, 'ann@example.org', 'secret', '192.0.2.1'), 'ann@example.org')
  for (let at = 0; at < 3; at++)
    assert.equal(await logIn(directory, 'ann@example.org', `w${at}`, `198.51.100.${at}`), 'bad-credentials')
  for (let at = 0; at < 2; at++) {
    const begun = await directory.beginScram({
      scramHash: 'sha256',
      username: 'ann@example.org',
      remoteAddress: `203.0.113.${at}`,
      protocol: 'test',
    })
    assert.ok(begun.ok && begun.verifier)
    begun.fail()
  }
  assert.equal(await logIn(directory, 'ann@example.org', 'secret', '203.0.113.9'), 'throttled')
  const begun = await directory.beginScram({
    scramHash: 'sha256',
    username: 'ann@example.org',
    remoteAddress: '203.0.113.9',
    protocol: 'test',
  })
  assert.deepEqual(begun, { ok: false, reason: 'throttled' })
  assert.equal(await logIn(directory, 'ann@example.org', 'secret', '192.0.2.1'), 'ann@example.org')
})

test('auth.cacheTime: a right password costs no hash for so long', async (context) => {
  const auth = { cacheTime: '5m', hashConcurrency: 1, hashQueue: 0 }
  const { admin, directory, clock } = await house(context, { auth })
  await addAccounts(admin, 'ann', 'bob')
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'ann@example.org')
  // One hash at a time and no queue: who needs a hash beside another is turned away.
  const besideAnother = async (round: string) => {
    const other = logIn(directory, 'bob@example.org', `wrong ${round}`)
    const outcome = await logIn(directory, 'ann@example.org', 'secret')
    await other
    return outcome
  }
  await clock.advance('4m')
  assert.equal(await besideAnother('one'), 'ann@example.org')
  await clock.advance('2m')
  assert.equal(await besideAnother('two'), 'unavailable')
})

test('auth.minPasswordLength: new passwords need so many characters', async (context) => {
  const { admin } = await house(context, { auth: { minPasswordLength: 8 } })
  const add = (text: string) => admin.addAccount({ address: 'ann@example.org', password: new Secret(text) })
  const short = await add('1234567')
  assert.ok(!short.ok && short.reason === 'weak-password')
  assert.match(short.message, /at least 8 characters/)
  assert.ok((await add('pässwörd')).ok, 'characters, not octets')
  const changed = await admin.setPassword('ann@example.org', new Secret('short'))
  assert.ok(!changed.ok && changed.reason === 'weak-password')
})

test('SCRAM gives unknown names no verifier, and a right proof the account', async (context) => {
  const { admin, directory } = await house(context)
  await addAccounts(admin, 'ann')
  const where = { remoteAddress: '192.0.2.1', protocol: 'test' }
  const unknown = await directory.beginScram({
    scramHash: 'sha256',
    ...where,
    username: 'nobody@example.org',
  })
  assert.ok(unknown.ok && unknown.verifier === null)
  const begun = await directory.beginScram({ scramHash: 'sha256', ...where, username: 'ann@example.org' })
  assert.ok(begun.ok)
  const outcome = await begun.succeed(null)
  assert.ok(outcome.ok && outcome.account.address === 'ann@example.org')
})

test('An imported hash works, and is renewed with a SCRAM verifier at the first log-in', async (context) => {
  const { admin, directory, memory, realStore } = await house(context)
  const old = formatPhc(
    await hashPassword('secret', { memory: 64, passes: 2, parallelism: 1 }, new Uint8Array(16)),
  )
  const result = await admin.importAccounts([`ann@example.org ${old}`])
  assert.deepEqual(result, { added: 1, problems: [] })
  assert.equal(await logIn(directory, 'ann@example.org', 'wrong'), 'bad-credentials')
  assert.equal((await realStore.credentialsOf('ann@example.org'))?.credentials.argon2id, old)
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'ann@example.org')
  const renewed = (await realStore.credentialsOf('ann@example.org'))?.credentials
  assert.match(renewed?.argon2id ?? '', /m=8,t=1,p=1/)
  assert.ok(renewed?.scramSha256)
  assert.equal(memory.count('auth.password-rehashed'), 1)
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'ann@example.org')
})

test('A store that fails is "unavailable", not a wrong password; too many hashes at once too', async (context) => {
  let broken = false
  const { admin, directory, memory } = await house(context, {
    auth: { hashConcurrency: 1, hashQueue: 1 },
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          if (broken && name === 'credentialsOf')
            return () => Promise.reject(new StoreUnavailable('disk full'))
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  })
  await addAccounts(admin, 'ann')
  const atOnce = await Promise.all(
    [0, 1, 2, 3].map((at) => logIn(directory, 'ann@example.org', `wrong ${at}`)),
  )
  assert.deepEqual(atOnce.toSorted(), ['bad-credentials', 'bad-credentials', 'unavailable', 'unavailable'])
  const same = await Promise.all([0, 1, 2, 3].map(() => logIn(directory, 'ann@example.org', 'secret')))
  assert.deepEqual(same, Array(4).fill('ann@example.org'), 'one client with many connections costs one hash')
  broken = true
  assert.equal(await logIn(directory, 'ann@example.org', 'secret'), 'unavailable')
  assert.equal(memory.count('auth.unavailable'), 1)
})

test('Administration says what is wrong and what to do', async (context) => {
  const { admin } = await house(context)
  await addAccounts(admin, 'ann')
  const messages: string[] = []
  const refused = async (outcome: Promise<{ ok: true } | { ok: false; reason: string; message: string }>) => {
    const result = await outcome
    assert.ok(!result.ok)
    messages.push(result.message)
    return result.reason
  }
  const password = new Secret('secret')
  assert.equal(await refused(admin.addDomain('not a domain')), 'invalid')
  assert.equal(await refused(admin.addDomain('EXAMPLE.org')), 'exists')
  assert.equal(await refused(admin.removeDomain('example.net')), 'not-found')
  assert.equal(await refused(admin.removeDomain('example.org')), 'not-empty')
  assert.equal(await refused(admin.addAccount({ address: 'Ann@example.org', password })), 'exists')
  assert.equal(await refused(admin.addAccount({ address: 'ann', password })), 'invalid')
  assert.equal(await refused(admin.addAccount({ address: 'ann+x@example.org', password })), 'invalid')
  assert.equal(await refused(admin.addAccount({ address: 'ann@example.net', password })), 'no-such-domain')
  assert.equal(
    await refused(admin.addAccount({ address: 'bob@example.org', password: new Secret('') })),
    'weak-password',
  )
  assert.equal(
    await refused(admin.addAccount({ address: 'bob@example.org', password: new Secret('a\u0007b') })),
    'invalid',
  )
  assert.equal(await refused(admin.setPassword('bob@example.org', password)), 'not-found')
  assert.equal(await refused(admin.removeAccount('bob@example.org')), 'not-found')
  assert.equal(await refused(admin.setAlias('ann@example.org', ['ann@example.org'])), 'exists')
  assert.equal(await refused(admin.setAlias('x@example.org', [])), 'invalid')
  assert.equal(await refused(admin.setAlias('x', ['ann@example.org'])), 'invalid')
  assert.equal(await refused(admin.removeAlias('x@example.org')), 'not-found')
  for (const message of messages) assert.match(message, /^[A-Z"].*\.$/)
})

test('Domains, accounts and aliases are listed, changed and removed', async (context) => {
  const { admin, realStore } = await house(context)
  assert.ok((await admin.addDomain('b\u00fccher.example')).ok)
  assert.deepEqual(
    (await admin.listDomains()).map(({ name, display }) => [name, display]),
    [
      ['example.org', 'example.org'],
      ['xn--bcher-kva.example', 'b\u00fccher.example'],
    ],
  )
  await addAccounts(admin, 'bob', 'ann')
  const accounts = await admin.listAccounts()
  assert.deepEqual(
    accounts.map(({ address }) => address),
    ['ann@example.org', 'bob@example.org'],
  )
  const ann = accounts[0]
  assert.ok(ann)
  const mailboxes = await realStore.listMailboxes(ann.id)
  assert.deepEqual(mailboxes.map(({ name }) => name).toSorted(), [
    'Archive',
    'Drafts',
    'INBOX',
    'Junk',
    'Sent',
    'Trash',
  ])
  await admin.setAlias('info@example.org', ['Ann@example.org'])
  assert.deepEqual(await admin.listAliases(), [
    { address: 'info@example.org', targets: ['ann@example.org'], owner: null },
  ])
  assert.ok((await admin.removeAlias('info@example.org')).ok)
  assert.ok((await admin.removeAccount('ann@example.org')).ok)
  assert.ok((await admin.removeAccount('bob@example.org')).ok)
  assert.ok((await admin.removeDomain('example.org')).ok)
})

test('Hundreds are imported at once; bad lines are told by number and stop nobody', async (context) => {
  const { admin } = await house(context)
  const lines = Array.from({ length: 300 }, (_, at) => `user${at}@example.org password ${at}`)
  lines[7] = 'user7 nothing'
  lines[9] = '# comment'
  lines[20] = 'user0@example.org again'
  const progress: number[] = []
  const result = await admin.importAccounts(lines, ({ done, total }) => {
    assert.equal(total, 300)
    progress.push(done)
  })
  assert.equal(result.added, 297)
  assert.deepEqual(
    result.problems.map(({ line }) => line),
    [8, 21],
  )
  assert.deepEqual(
    progress,
    Array.from({ length: 300 }, (_, at) => at + 1),
  )
  assert.equal((await admin.listAccounts()).length, 297)
})

test('The catcher: every address exists once it is named, and any password opens it', async (context) => {
  const { store, clock, events, directory, admin } = await house(context)
  const open = createOpenDirectory({
    ...{ store, clock, events },
    directory: directorySection.parse({}),
    defaultDomain: 'localhost',
  })
  assert.ok(!open.sasl.scram)
  const several = await Promise.all([1, 2, 3].map(() => where(open, 'Whoever+x@any.test')))
  assert.deepEqual(several, Array(3).fill('whoever+x/=whoever+x@any.test'))
  assert.equal(await logIn(open, 'whoever+x@any.test', 'anything'), 'whoever+x@any.test')
  assert.equal(await logIn(open, 'someone', 'else'), 'someone@localhost')
  assert.equal(await logIn(open, 'not an address@', 'x'), 'bad-credentials')
  assert.equal(await where(open, 'postmaster@any.test'), 'postmaster/=postmaster@any.test')
  assert.equal((await open.resolvePostmaster()).type, 'local')
  await admin.setState('someone@localhost', 'disabled')
  assert.equal(await logIn(open, 'someone', 'else'), 'disabled')
  assert.equal(await where(directory, 'whoever@any.test'), 'unknown-user')
})

// Routes: which one a recipient takes, and smart hosts, LMTP, hold and discard at work.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { z } from 'zod'
import { plainMessageOptions } from '../mail/delivery-options.ts'
import { relaySection } from '../config/sections/relay.ts'
import { RelayScene, told, type SceneOptions } from '../../test/support/relay-scene.ts'
import { Routes, type RouteQuestion } from './routes.ts'
import type { MemoryTlsIdentity } from '../net/memory-tls.ts'

const routes = new Routes(
  relaySection.parse({
    routes: [
      { kind: 'hold', name: 'legal', senders: ['held@sender.example', '.held.example'] },
      { kind: 'host', recipients: ['example.net', '.example.net'], host: 'smart.example' },
      { kind: 'host', name: 'ann', accounts: ['ann@example.org'], host: 'ann.example', port: 2525 },
      { kind: 'discard', name: 'reports', recipients: ['*'], senders: ['<>'] },
      { kind: 'mx', name: 'other', recipients: ['other.example'], domain: 'mail.example', tls: 'verified' },
      { kind: 'lmtp', recipients: ['bücher.example'], host: '127.0.0.1' },
    ],
  }),
  'relay.example.org',
)

const keyFor = (question: Partial<RouteQuestion>) =>
  routes.wayOf({
    recipient: 'bob@else.example',
    domain: 'else.example',
    reversePath: 'a@sender.example',
    account: null,
    chosen: null,
    tls: 'usual',
    ...question,
  }).destination.key

test('the first route that fits is taken, else MX', () => {
  const cases: readonly (readonly [Partial<RouteQuestion>, string])[] = [
    [{}, 'mx else.example'],
    [{ domain: '[192.0.2.1]' }, 'mx [192.0.2.1]'],
    [{ domain: 'example.net' }, 'host smart.example:587 (route 2)'],
    [{ domain: 'sub.example.net' }, 'host smart.example:587 (route 2)'],
    [{ domain: 'notexample.net' }, 'mx notexample.net'],
    [{ domain: 'example.net', reversePath: 'HELD@sender.example' }, 'hold - (legal)'],
    [{ domain: 'example.net', reversePath: 'x@y.held.example' }, 'hold - (legal)'],
    [{ account: 'Ann@example.org' }, 'host ann.example:2525 (ann)'],
    [{ account: 'bob@example.org' }, 'mx else.example'],
    [{ reversePath: '' }, 'discard - (reports)'],
    [{ domain: 'other.example' }, 'mx mail.example (other)'],
    [{ domain: 'xn--bcher-kva.example' }, 'lmtp 127.0.0.1:24 (route 6)'],
    [{ domain: 'example.net', chosen: 'mx' }, 'mx example.net'],
    [{ chosen: 'ann' }, 'host ann.example:2525 (ann)'],
    [{ chosen: 'gone' }, 'mx else.example'],
    [{ domain: 'example.net', tls: 'required' }, 'host smart.example:587 (route 2) tls-required'],
  ]
  for (const [question, key] of cases) assert.equal(keyFor(question), key)
})

test('a route that says both a password and a token, or neither, is refused', () => {
  const host = { kind: 'host' as const, host: 'smart.example' }
  const token = { endpoint: 'https://id.example/token', clientId: 'c', refreshTokenFile: 'r' }
  const authentication = { username: 'u' }
  assert.equal(relaySection.safeParse({ routes: [{ ...host, authentication }] }).success, false)
  const both = { ...authentication, passwordFile: 'p', token }
  assert.equal(relaySection.safeParse({ routes: [{ ...host, authentication: both }] }).success, false)
  assert.equal(
    relaySection.safeParse({ routes: [{ ...host, authentication: { ...authentication, token } }] }).success,
    true,
  )
})

test('a route that could never be meant is refused, with the place and the reason', () => {
  const problemsOf = (config: z.input<typeof relaySection>): string[] => {
    const { error } = relaySection.safeParse(config)
    return (error?.issues ?? []).map(
      ({ path, message }) => `${path.join('.')}: ${message.split(' ', 3).join(' ')}`,
    )
  }
  const mx = { kind: 'mx' as const }
  const sound = {
    recipients: ['*', 'a.test', '.b.test', '[192.0.2.1]', 'bücher.example'],
    senders: ['<>', 'a@b.test'],
  }
  assert.deepEqual(problemsOf({ routes: [{ ...mx, ...sound, accounts: ['*', 'ann@a.test'] }] }), [])
  const bad = {
    recipients: ['foo bar'],
    senders: ['@'],
    accounts: ['ann'],
    heloName: 'a b',
    sourceAddresses: ['eth0'],
  }
  assert.deepEqual(problemsOf({ routes: [{ ...mx, ...bad }] }), [
    'routes.0.recipients.0: not a domain,',
    'routes.0.senders.0: not an address,',
    'routes.0.accounts.0: not an address',
    'routes.0.sourceAddresses.0: not an IP',
    'routes.0.heloName: not a domain,',
  ])
  assert.deepEqual(problemsOf({ sourceAddresses: ['192.0.2.1', '192.0.2.2'] }), [
    'sourceAddresses: more than one',
  ])
  const named = ['x', 'x', 'mx'].map((name) => ({ ...mx, name }))
  assert.deepEqual(problemsOf({ routes: named }), [
    'routes.1.name: another route has',
    'routes.2.name: that name is',
  ])
})

const identity: MemoryTlsIdentity = { names: ['smart.example'], key: 'k', problem: null }
const zone = 'smart.example. A 127.0.0.5\n'

type Routing = NonNullable<NonNullable<SceneOptions['config']>['routes']>[number]

function smart(route: Partial<Extract<Routing, { kind: 'host' }>> = {}, options: SceneOptions = {}) {
  const base = { kind: 'host' as const, host: 'smart.example', port: 587 }
  return new RelayScene({
    zone,
    config: { routes: [{ ...base, ...route }] },
    files: { pass: 'secret\n' },
    ...options,
  })
}

const offers = ['PIPELINING', 'STARTTLS', 'DSN', 'AUTH PLAIN LOGIN']

test('a smart host may be private, must prove its name, and gets the password over TLS alone', async () => {
  const authentication = { username: 'me', passwordFile: 'pass' }
  const scene = smart({ authentication })
  const peer = scene.peer('127.0.0.5', {
    port: 587,
    extensions: offers,
    conditions: { tls: identity },
    rule: (command) => (command.startsWith('AUTH') ? '235 2.7.0 welcome' : undefined),
  })
  const [result] = await scene.send({ to: ['x@a.example'] })
  assert.equal(told(result), 'done relayed reply 2.0.0 smart.example route pkix')
  assert.ok(peer.commands.includes(`AUTH PLAIN ${Buffer.from('\0me\0secret').toString('base64')}`))

  const wrong = smart({ authentication })
  const impostor = wrong.peer('127.0.0.5', {
    port: 587,
    extensions: offers,
    conditions: { tls: { ...identity, names: ['other.example'] } },
  })
  assert.equal(
    told((await wrong.send({ to: ['x@a.example'] }))[0]),
    'deferred destination tls 4.7.5 smart.example route name-mismatch',
  )
  assert.ok(!impostor.commands.some((command) => command.startsWith('AUTH')))

  const plain = smart({ authentication, tls: 'opportunistic' })
  const naked = plain.peer('127.0.0.5', { port: 587, extensions: ['AUTH PLAIN'] })
  assert.ok(
    told((await plain.send({ to: ['x@a.example'] }))[0]).startsWith('deferred destination auth 4.7.0'),
  )
  assert.ok(!naked.commands.some((command) => command.startsWith('AUTH')))
})

test('a refused log-in waits for the operator, it returns nobody’s mail', async () => {
  const scene = smart({ authentication: { username: 'me', passwordFile: 'pass' } })
  scene.peer('127.0.0.5', {
    port: 587,
    extensions: offers,
    conditions: { tls: identity },
    rule: (command) => (command.startsWith('AUTH') ? '535 5.7.8 wrong' : undefined),
  })
  assert.equal(
    told((await scene.send({ to: ['x@a.example'] }))[0]),
    'deferred destination auth 4.7.8 smart.example route pkix',
  )
  const unreadable = smart({ authentication: { username: 'me', passwordFile: 'missing' } })
  unreadable.peer('127.0.0.5', { port: 587, extensions: offers, conditions: { tls: identity } })
  assert.ok(
    told((await unreadable.send({ to: ['x@a.example'] }))[0]).startsWith('deferred destination auth 4.7.0'),
  )
})

test('an access token is asked for once, kept until it expires, and forgotten when it is refused', async () => {
  let asked = 0
  const bodies: string[] = []
  const token = {
    endpoint: 'https://id.example/token',
    clientId: 'client',
    clientSecretFile: 'client-secret',
    refreshTokenFile: 'refresh',
  }
  const scene = smart(
    { authentication: { username: 'me', token } },
    {
      files: { refresh: 'r1\n', 'client-secret': 's1' },
      https: (query) => {
        bodies.push(query.body ?? '')
        return Promise.resolve({
          ok: true,
          status: 200,
          contentType: 'application/json',
          body: JSON.stringify({ access_token: `t${++asked}`, expires_in: 3600, refresh_token: 'r2' }),
        })
      },
    },
  )
  let refuse = false
  const peer = scene.peer('127.0.0.5', {
    port: 587,
    extensions: ['PIPELINING', 'STARTTLS', 'AUTH XOAUTH2'],
    conditions: { tls: identity },
    rule: (command) =>
      command.startsWith('AUTH') ? (refuse ? '535 5.7.8 no' : '235 2.7.0 welcome') : undefined,
  })
  assert.equal((await scene.send({ to: ['x@a.example'] }))[0]?.type, 'done')
  assert.equal((await scene.send({ to: ['x@a.example'] }))[0]?.type, 'done')
  assert.equal(asked, 1)
  const given = peer.commands.find((command) => command.startsWith('AUTH XOAUTH2 ')) ?? ''
  assert.equal(
    Buffer.from(given.slice('AUTH XOAUTH2 '.length), 'base64').toString(),
    'user=me\u0001auth=Bearer t1\u0001\u0001',
  )
  refuse = true
  assert.equal((await scene.send({ to: ['x@a.example'] }))[0]?.type, 'deferred')
  refuse = false
  assert.equal((await scene.send({ to: ['x@a.example'] }))[0]?.type, 'done')
  assert.deepEqual(
    bodies.map((body) => new URLSearchParams(body).get('refresh_token')),
    ['r1', 'r2'],
  )
  assert.equal(new URLSearchParams(bodies[0]).get('client_secret'), 's1')
  await scene.clock.advance('2h')
  await scene.send({ to: ['x@a.example'] })
  assert.equal(asked, 3)
})

test('no token defers, and tells why without its secrets', async () => {
  const token = { endpoint: 'https://id.example/token', clientId: 'c', refreshTokenFile: 'refresh' }
  const scene = smart(
    { authentication: { username: 'me', token } },
    {
      files: { refresh: 'very-secret' },
      https: () =>
        Promise.resolve({
          ok: true,
          status: 400,
          contentType: 'application/json',
          body: '{"error":"invalid_grant"}',
        }),
    },
  )
  scene.peer('127.0.0.5', {
    port: 587,
    extensions: ['STARTTLS', 'AUTH XOAUTH2'],
    conditions: { tls: identity },
  })
  const [result] = await scene.send({ to: ['x@a.example'] })
  assert.equal(
    result?.type === 'deferred' ? result.attempt.reply : '',
    'no access token: status 400, invalid_grant',
  )
  assert.equal(scene.events.count('relay.token-failed'), 1)
})

test('implicit TLS comes before the greeting', async () => {
  const scene = smart({ tls: 'implicit', port: 465 })
  const peer = scene.peer('127.0.0.5', { port: 465, implicitTls: true, conditions: { tls: identity } })
  assert.equal(
    told((await scene.send({ to: ['x@a.example'] }))[0]),
    'done relayed reply 2.0.0 smart.example route pkix',
  )
  assert.equal(peer.messages[0]?.secured, true)
})

test('LMTP answers for each recipient, and is final', async () => {
  const scene = new RelayScene({ config: { routes: [{ kind: 'lmtp', host: '127.0.0.9' }] } })
  const peer = scene.peer('127.0.0.9', {
    port: 24,
    lmtp: true,
    rule: (command) => (command === '.' ? '250 2.1.5 yours\n452 4.2.2 full' : undefined),
  })
  const results = await scene.send({ to: ['a@x.example', 'b@x.example'] })
  assert.deepEqual(results.map(told), [
    'done delivered reply 2.1.5 127.0.0.9 opportunistic -',
    'deferred recipient reply 4.2.2 127.0.0.9 opportunistic -',
  ])
  assert.equal(peer.commands[0], 'LHLO relay.example.org')
})

test('hold and discard reach nobody; a discard leaves a record', async () => {
  const scene = new RelayScene({
    config: {
      routes: [
        { kind: 'hold', recipients: ['held.example'], reason: 'for legal' },
        { kind: 'discard', recipients: ['gone.example'] },
      ],
    },
  })
  assert.equal(told((await scene.send({ to: ['a@held.example'] }))[0]), 'held for legal')
  const [discarded] = await scene.send({ to: ['a@gone.example'] })
  assert.equal(discarded?.type === 'done' ? discarded.outcome : '', 'discarded')
  assert.equal(scene.events.count('relay.discarded'), 1)
  assert.deepEqual(scene.resolver.asked, [])
})

test('REQUIRETLS through a smart host wants its name proved and the extension offered', async () => {
  const options = { ...plainMessageOptions, requireTls: true }
  const scene = smart({ tls: 'required' })
  scene.peer('127.0.0.5', { port: 587, extensions: offers, conditions: { tls: identity } })
  assert.equal(
    told((await scene.send({ to: ['x@a.example'], message: { options } }))[0]),
    'failed tls 5.7.30 smart.example requiretls pkix',
  )
})

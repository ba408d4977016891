// Doubts about configurations that are possible, and the refusal of the one that is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from './schema.ts'
import { ConfigError, resolveConfig } from './layers.ts'
import { configWarnings } from './warnings.ts'

const resolved = (settings: ConfigInput) => resolveConfig([{ name: 'posthorn.toml', settings }])
const warningsOf = (settings: ConfigInput): string[] => configWarnings(resolved(settings))

test('the profiles are beyond doubt', () => {
  for (const profile of ['dev', 'test', 'server'] as const) assert.deepEqual(warningsOf({ profile }), [])
})

for (const service of ['submission', 'imap', 'pop3'] as const) {
  const listeners = [{ service, port: 1, tls: 'none' as const }]

  test(`${service} without TLS and without passwords in the clear lets nobody in`, () => {
    const [warning = '', ...more] = warningsOf({ listeners })
    assert.match(warning, new RegExp(`^listener ${service} on :: port 1: nobody can log in there`))
    assert.deepEqual(more, [])
    const [open = ''] = warningsOf({ listeners, auth: { allowClearText: true } })
    assert.match(open, /^auth\.allowClearText: passwords may cross the network/)
    const here = listeners.map((listener) => ({ ...listener, address: '127.0.0.1' }))
    assert.deepEqual(warningsOf({ listeners: here, auth: { allowClearText: true } }), [])
  })
}

test('port 25 needs no TLS for log-ins, since it knows none', () => {
  assert.deepEqual(warningsOf({ listeners: [{ service: 'smtp', port: 25, tls: 'none' }] }), [])
})

for (const address of ['::', '0.0.0.0', '192.0.2.1', '127.example.org', '2001:db8::1']) {
  test(`a catcher on ${address} may be reached by others`, () => {
    const [warning = ''] = warningsOf({ listeners: [{ service: 'catcher', address, port: 1025 }] })
    assert.match(warning, /others than this machine may reach it/)
  })
}

for (const address of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1']) {
  test(`a catcher on ${address} is among friends`, () => {
    assert.deepEqual(warningsOf({ listeners: [{ service: 'catcher', address, port: 1025 }] }), [])
  })
}

for (const service of ['smtp', 'submission', 'lmtp', 'odmr'] as const) {
  test(`a catcher beside ${service} is refused, with the file and the key`, () => {
    const listeners: ConfigInput['listeners'] = [
      { service: 'catcher', port: 1025 },
      { service, port: 2525 },
    ]
    assert.throws(
      () => resolved({ listeners }),
      (error) =>
        error instanceof ConfigError &&
        error.message.startsWith(
          'posthorn.toml: listeners: a catcher cannot run beside smtp, submission, lmtp or odmr listeners',
        ),
    )
  })
}

test('LMTP on port 25 is refused (RFC 2033 §5)', () => {
  assert.throws(
    () => resolved({ listeners: [{ service: 'lmtp', port: 25 }] }),
    /LMTP must not be spoken on port 25/,
  )
})

test('LMTP for others than this machine is told', () => {
  const [warning = ''] = warningsOf({ listeners: [{ service: 'lmtp', port: 24 }] })
  assert.match(warning, /^listener lmtp on :: port 24: others than this machine may reach it/)
  assert.deepEqual(warningsOf({ listeners: [{ service: 'lmtp', address: '::1', port: 24 }] }), [])
})

test('HTTP in the clear lets nobody in, unless a proxy before it speaks TLS', () => {
  const http = { service: 'http', address: '127.0.0.1', port: 80, tls: 'none' } as const
  assert.match(warningsOf({ listeners: [http] })[0] ?? '', /nobody can log in there/)
  const proxyFrom = ['127.0.0.1']
  assert.equal(warningsOf({ listeners: [{ ...http, proxyFrom }] }).length, 1)
  assert.deepEqual(warningsOf({ listeners: [{ ...http, proxyFrom, proxyBy: 'x-forwarded-for' }] }), [])
  assert.deepEqual(warningsOf({ listeners: [http, { ...http, port: 443, tls: 'implicit' }] }), [])
})

const smtp: ConfigInput['listeners'] = [{ service: 'smtp', port: 25 }]
const submission: ConfigInput['listeners'] = [{ service: 'submission', port: 465, tls: 'implicit' }]
type FootGun = readonly [name: string, settings: ConfigInput, expected: RegExp, harmless: ConfigInput]
const footGuns: readonly FootGun[] = [
  ...['0.0.0.0/0', '::/0', '0.0.0.0/1', '::/15'].map((network): FootGun => [
    `proxies from ${network}`,
    { listeners: [{ service: 'smtp', port: 25, proxyFrom: [network] }] },
    /^listener smtp on :: port 25: proxyFrom has .*\/\d+: whoever connects from there/,
    { listeners: [{ service: 'smtp', port: 25, proxyFrom: ['10.0.0.0/8', '2001::/16'] }] },
  ]),
  ...(['xclientFrom', 'xforwardFrom', 'exemptNetworks'] as const).map((key): FootGun => [
    `${key} everybody`,
    { listeners: smtp, smtp: { [key]: ['192.0.2.1', '::/0'] } },
    new RegExp(`^smtp\\.${key} has ::/0: `),
    { listeners: smtp, smtp: { [key]: ['192.0.2.0/24'] } },
  ]),
  [
    'a resolver far away that is trusted',
    { dns: { trusted: true, servers: ['192.0.2.53:53'] } },
    /^dns\.trusted believes what 192\.0\.2\.53:53 says/,
    { dns: { trusted: true, servers: ['127.0.0.1', '127.0.0.1:5353', '[::1]:53', '::1'] } },
  ],
  [
    'a resolver that nobody named is trusted',
    { dns: { trusted: true } },
    /^dns\.trusted believes what the resolvers of/,
    { dns: { trusted: false } },
  ],
  ['CRAM-MD5', { auth: { cramMd5: true } }, /^auth\.cramMd5 keeps/, { auth: { cramMd5: false } }],
  [
    'passwords in the clear from others',
    { auth: { allowClearText: true }, listeners: [{ service: 'imap', port: 143 }] },
    /^auth\.allowClearText: passwords may cross the network .* listener imap on :: port 143/,
    { auth: { allowClearText: true }, listeners: submission },
  ],
  [
    'any reverse-path',
    { listeners: submission, submission: { checkSender: false } },
    /^submission\.checkSender is off/,
    { listeners: smtp, submission: { checkSender: false } },
  ],
  [
    'any author',
    { listeners: submission, submission: { checkFrom: false } },
    /^submission\.checkFrom is off/,
    { listeners: submission },
  ],
  [
    'any author of what is resent',
    { listeners: submission, submission: { allowResent: true } },
    /^submission\.allowResent: /,
    { listeners: submission },
  ],
  [
    'hosts of one’s own network',
    { profile: 'server', relay: { allowPrivateAddresses: true } },
    /^relay\.allowPrivateAddresses: /,
    { profile: 'server' },
  ],
]

for (const [name, settings, expected, harmless] of footGuns) {
  test(`doubtful: ${name}`, () => {
    const [warning = '', ...more] = warningsOf(settings)
    assert.match(warning, expected)
    assert.deepEqual(more, [])
    assert.deepEqual(warningsOf(harmless), [])
  })
}

test('the pages of a catcher are for this machine', () => {
  const catcher = { service: 'catcher', address: '127.0.0.1', port: 1025 } as const
  const http = { service: 'http', address: '::', port: 8025, tls: 'none' } as const
  const warnings = warningsOf({ profile: 'dev', listeners: [catcher, http] })
  assert.ok(
    warnings.some((warning) => warning.startsWith('listener http on :: port 8025: whoever reaches it')),
  )
})

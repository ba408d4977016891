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
  const listeners: ConfigInput['listeners'] = [{ service, port: 1, tls: 'none' }]

  test(`${service} without TLS and without passwords in the clear lets nobody in`, () => {
    const [warning = '', ...more] = warningsOf({ listeners })
    assert.match(warning, new RegExp(`^listener ${service} on :: port 1: nobody can log in there`))
    assert.deepEqual(more, [])
    assert.deepEqual(warningsOf({ listeners, auth: { allowClearText: true } }), [])
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

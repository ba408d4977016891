// Hooks and webhooks as settings: functions where only functions are, and secrets that nobody prints.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, explainConfig, resolveConfig } from '../layers.ts'

const settings = {
  hooks: {
    rcpt() {},
    http: [{ name: 'check', url: 'https://check.example/', secret: 'a very secret word' }],
  },
  webhooks: [{ url: 'https://app.example/', secret: 'another-very-secret-word' }],
}

test('what is explained shows that there is a function, and no secret', () => {
  const explained = explainConfig([{ name: 'posthorn.config.ts', settings }])
  assert.deepEqual(
    explained.filter(({ key }) => key === 'hooks.rcpt').map(({ value, origin }) => [value, origin]),
    [['(a function)', 'posthorn.config.ts']],
  )
  assert.doesNotMatch(JSON.stringify(explained), /very.secret/)
  assert.doesNotMatch(JSON.stringify(resolveConfig([{ name: 'x', settings }])), /very.secret/)
})

test('a function cannot be written as a text, nor a milter without a port, nor two webhooks as one', () => {
  const [webhook] = settings.webhooks
  for (const [wrong, message] of [
    [{ hooks: { data: 'accept' } }, /hooks\.data: must be a function/],
    [{ hooks: { milters: [{ name: 'm' }] } }, /hooks\.milters\.0\.port/],
    [{ hooks: { milters: [{ name: 'm', port: 1, socket: 'unix:/x' }] } }, /hooks\.milters\.0\.port/],
    [{ hooks: { milters: [{ name: 'm', socket: '/x' }] } }, /hooks\.milters\.0\.socket.*unix:/],
    [{ hooks: { milters: [{ name: 'a b', port: 1 }] } }, /hooks\.milters\.0\.name/],
    [{ hooks: { http: [{ name: 'x', url: 'ftp://x.example/' }] } }, /hooks\.http\.0\.url/],
    [{ webhooks: [webhook, webhook] }, /two webhooks have the same url/],
    [{ webhooks: [{ url: 'https://app.example/', secret: 'short' }] }, /webhooks\.0\.secret/],
  ] as const) {
    assert.throws(
      () => resolveConfig([{ name: 'test', settings: wrong }]),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  }
})

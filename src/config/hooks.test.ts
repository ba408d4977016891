// What the types of the hooks forbid: a stage cannot look at what is not there yet, nor answer what it may not. The compiler is the test;
// `defineConfig` takes the same type.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hooks } from './hooks.ts'

/** Never called. */
const forbidden: Hooks = {
  connect(connection) {
    // @ts-expect-error -- nobody has said HELO
    void connection.helo
    // @ts-expect-error -- nobody has begun a message
    void connection.reversePath
  },
  helo(hello) {
    // @ts-expect-error -- there is no sender before MAIL
    void hello.reversePath
  },
  mail(mail) {
    // @ts-expect-error -- there is no recipient before RCPT
    void mail.recipient
    // @ts-expect-error -- there is no message before DATA
    void mail.content
  },
  rcpt(rcpt) {
    // @ts-expect-error -- there is no message before DATA
    void rcpt.content
    // @ts-expect-error -- nor its header
    void rcpt.headers
  },
  data(message) {
    // @ts-expect-error -- the recipients are many by now
    void message.recipient
    return { type: 'rewrite', header: [{ type: 'remove', name: message.headers[0]?.name ?? 'X' }] }
  },
  // @ts-expect-error -- after the 250 nothing can be refused
  delivered() {
    return { type: 'reject' }
  },
}

/** Never called: before the message there is nothing to hold or to change. */
const early: Hooks = {
  // @ts-expect-error -- nothing to hold
  mail: () => ({ type: 'quarantine', reason: 'x' }),
  // @ts-expect-error -- nothing to change
  rcpt: () => ({ type: 'rewrite', reversePath: '' }),
}

test('the stages are those that the documentation names', () => {
  const stages = ['connect', 'helo', 'mail', 'rcpt', 'data', 'delivered']
  assert.deepEqual(Object.keys(forbidden), stages)
  assert.deepEqual(Object.keys(early), ['mail', 'rcpt'])
})

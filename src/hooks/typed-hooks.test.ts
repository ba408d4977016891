// The functions of a configuration: what each may answer, and that nothing that they do wrong is more than a deferral.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hookHello, hookMail, hookMessage, hookRcpt } from '../../test/support/hook-session.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { createTypedHooks, type TypedHooks } from './typed-hooks.ts'

function setUp(hooks: TypedHooks) {
  const clock = new VirtualClock()
  const memory = new EventMemory()
  const config = { timeout: 10_000, dataTimeout: 30_000, maxRewrites: 3, ...hooks }
  const session = createTypedHooks(config, { clock, events: createEvents([memory]) })
  return { clock, memory, session }
}

const message = hookMessage('Subject: x\r\n\r\nbody\r\n')

test('no function, and a function that returns nothing, accept', async () => {
  for (const { session, memory } of [setUp({}), setUp({ connect() {}, async data() {} })]) {
    assert.equal(await session.connect(hookHello), null)
    assert.equal(await session.message(message), null)
    assert.deepEqual(
      new Set(memory.records.map(({ name }) => name)).difference(new Set(['hook.accepted'])),
      new Set(),
    )
  }
})

test('a decision becomes the reply, with our words where it has none', async () => {
  const { session, memory } = setUp({
    connect: () => ({ type: 'reject' }),
    helo: () => ({ type: 'defer' }),
    mail: () => ({ type: 'reject', code: 553, status: '5.1.8', text: 'No such sender' }),
    rcpt: () => ({ type: 'defer', code: 421 }),
  })
  assert.deepEqual(await session.connect(hookHello), {
    type: 'refuse',
    code: 554,
    status: '5.7.1',
    text: 'Refused by policy',
    then: 'close',
    by: 'hook connect',
  })
  const hello = await session.hello(hookHello)
  assert.deepEqual([hello?.code, hello?.status, hello?.then], [451, '4.7.1', 'go-on'])
  const mail = await session.mail(hookMail)
  assert.deepEqual([mail?.code, mail?.status, mail?.text], [553, '5.1.8', 'No such sender'])
  assert.equal((await session.rcpt(hookRcpt))?.then, 'close')
  assert.equal(memory.count('hook.decided'), 4)
})

test('a message may be quarantined or rewritten', async () => {
  const quarantine = setUp({ data: () => ({ type: 'quarantine', reason: 'looks odd' }) })
  assert.deepEqual(await quarantine.session.message(message), {
    type: 'quarantine',
    reason: 'looks odd',
    rewrites: [],
    by: 'hook data',
  })
  const rewrite = setUp({
    data: ({ recipients }) => ({
      type: 'rewrite',
      header: [{ type: 'add', name: 'X-Recipients', value: String(recipients.length), at: 'start' }],
    }),
  })
  assert.deepEqual(await rewrite.session.message(message), {
    type: 'rewrite',
    rewrites: [{ header: [{ type: 'add', name: 'X-Recipients', value: '1', at: 'start' }] }],
    by: 'hook data',
  })
})

test('a function that throws defers, and the event names it', async () => {
  const { session, memory } = setUp({
    rcpt() {
      throw new Error('database away')
    },
  })
  const refusal = await session.rcpt(hookRcpt)
  assert.deepEqual([refusal?.code, refusal?.status], [451, '4.7.1'])
  assert.deepEqual(
    memory.records.map(({ name, fields }) => [name, fields['by'], fields['failure'], fields['error']]),
    [['hook.failed', 'hook rcpt', 'broke', 'Error: database away']],
  )
})

test('a function that takes longer than its budget defers; data has a longer one', async () => {
  const never = (): Promise<void> => new Promise(() => {})
  const { session, clock, memory } = setUp({ mail: never, data: never })
  const mail = session.mail(hookMail)
  await clock.advance(10_001)
  assert.equal((await mail)?.code, 451)
  const data = session.message(message)
  await clock.advance(10_001)
  assert.equal(memory.count('hook.failed'), 1)
  await clock.advance(20_000)
  const verdict = await data
  assert.equal(verdict?.type === 'refuse' && verdict.code, 451)
})

test('what is no decision is never passed on', async () => {
  const wrong: unknown[] = [
    'accept',
    { type: 'maybe' },
    { type: 'reject', code: 450 },
    { type: 'defer', code: 550 },
    { type: 'reject', code: 250 },
    { type: 'reject', status: '4.7.1' },
    { type: 'reject', text: 'two\r\nlines' },
    { type: 'reject', text: 'x'.repeat(401) },
    { type: 'rewrite', reversePath: 'no address' },
    { type: 'rewrite', addRecipients: ['ann@example.org', 'x@'] },
    { type: 'rewrite', addRecipients: Array(4).fill('ann@example.org') },
    { type: 'rewrite', header: [{ type: 'add', name: 'X:', value: 'y' }] },
    { type: 'rewrite', header: [{ type: 'add', name: 'X', value: 'y\r\nBcc: z' }] },
    { type: 'rewrite', header: [{ type: 'add', name: 'X', value: 'y\r\n\r\n z' }] },
    { type: 'rewrite', header: [{ type: 'add', name: 'X', value: 'y\r z' }] },
    { type: 'rewrite', header: [{ type: 'remove', name: 'X', index: 0 }] },
    { type: 'rewrite', body: 'text' },
    { type: 'quarantine', reason: 'a\nb' },
  ]
  for (const answer of wrong) {
    // As a JavaScript configuration may: the types forbid it.
    const { session, memory } = setUp({ data: () => answer as undefined })
    const verdict = await session.message(message)
    assert.equal(verdict?.type === 'refuse' && verdict.code, 451, JSON.stringify(answer))
    assert.equal(memory.records[0]?.fields['failure'], 'bad-answer')
  }
})

test('before the message there is nothing to rewrite or to hold', async () => {
  const { session } = setUp({ mail: () => ({ type: 'quarantine', reason: 'x' }) as unknown as undefined })
  assert.equal((await session.mail(hookMail))?.code, 451)
})

test('what `delivered` throws is logged', async () => {
  const { session, memory, clock } = setUp({
    delivered() {
      throw new Error('chat away')
    },
  })
  session.delivered({ id: 'm.1', reversePath: '', recipients: [], bytes: 1 })
  await clock.advance(1)
  assert.equal(memory.records[0]?.fields['by'], 'hook delivered')
})

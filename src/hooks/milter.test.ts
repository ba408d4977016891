// The milter client against a milter that follows a script: what is told, what is obeyed, and what happens when it misbehaves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hookHello, hookMail, hookMessage, hookRcpt } from '../../test/support/hook-session.ts'
import { type MilterScript, startScriptedMilter } from '../../test/support/scripted-milter.ts'
import type { Dialer, DialTarget } from '../base/connection.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { MilterConfig } from '../config/sections/hooks.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { actionBits, stepBits } from '../milter/proto/negotiation.ts'
import { encodeReply } from '../milter/proto/replies.ts'
import { MemoryNetwork } from '../net/memory-network.ts'
import { createMilterSession } from './milter.ts'

const text = 'Subject: one\r\n two\r\nFrom: ann@example.org\r\n\r\nbody\r\n'

async function setUp(script: MilterScript = {}, settings: Partial<MilterConfig> = {}, dial?: Dialer['dial']) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, random: new SeededRandom(1), segments: 'cut' })
  const milter = await startScriptedMilter(network, script)
  const memory = new EventMemory()
  const config: MilterConfig = {
    name: 'scripted',
    host: '127.0.0.1',
    port: milter.port,
    services: ['smtp'],
    onFailure: 'defer',
    connectTimeout: 5000,
    timeout: 10_000,
    messageTimeout: 50_000,
    ...settings,
  }
  const events = createEvents([memory])
  const dialer = dial === undefined ? network : { dial }
  const parts = { clock, events, dialer, hostname: 'mx.example.net', maxBody: 100, maxRewrites: 20 }
  return { clock, milter, memory, session: createMilterSession(config, parts) }
}

type Setting = Awaited<ReturnType<typeof setUp>>

async function envelope({ session }: Setting): Promise<void> {
  assert.equal(await session.connect(hookHello), null)
  assert.equal(await session.hello(hookHello), null)
  assert.equal(await session.mail(hookMail), null)
  assert.equal(await session.rcpt(hookRcpt), null)
}

test('a milter on a UNIX socket is dialled by its path', async () => {
  const dialled: DialTarget[] = []
  const { session, clock, memory } = await setUp(
    {},
    { port: undefined, socket: 'unix:/run/m.sock' },
    (target) => {
      dialled.push(target)
      return Promise.reject(new Error('nobody there'))
    },
  )
  const refusal = session.connect(hookHello)
  await clock.advance(1)
  assert.equal((await refusal)?.code, 421)
  assert.equal(dialled[0]?.address, 'unix:/run/m.sock')
  assert.equal(memory.count('hook.failed'), 1)
})

test('a whole session is told, with its macros, and ends with QUIT', async () => {
  const setting = await setUp()
  await envelope(setting)
  assert.equal(await setting.session.message(hookMessage(text, 7)), null)
  setting.session.closed()
  await setting.clock.advance(1)
  const told = setting.milter.heard.filter((line) => !line.startsWith('D') && !line.startsWith('B'))
  assert.deepEqual(told, [
    'Cclient.example|4\x10\xe1192.0.2.1|',
    'Hclient.example|',
    'M<ann@example.org>|SIZE=100|',
    'R<bob@example.net>|',
    'T',
    'LSubject|one\n two|',
    'LFrom|ann@example.org|',
    'N',
    'E',
    'Q',
  ])
  const body = setting.milter.heard.filter((line) => line.startsWith('B'))
  assert.equal(body.map((line) => line.slice(1)).join(''), 'body\r\n')
  const macros = setting.milter.heard.filter((line) => line.startsWith('D'))
  assert.match(macros[0] ?? '', /^DCj\|mx\.example\.net\|v\|Posthorn\|_\|client\.example \[192\.0\.2\.1\]\|/)
  assert.deepEqual(macros.slice(1), [
    'DH{tls_version}|TLSv1.3|{cipher}|TLS_AES_256_GCM_SHA384|',
    'DM{auth_authen}|ann@example.org|{auth_type}|SASL|{mail_addr}|ann@example.org|{mail_host}|example.org|',
    'DR{rcpt_addr}|bob@example.net|{rcpt_host}|example.net|',
    'DTi|message.1|',
    'DNi|message.1|',
    'DEi|message.1|',
  ])
})

test('steps that the milter does not want are left out, and replies that it does not send are not waited for', async () => {
  const steps =
    stepBits.noHelo | stepBits.noBody | stepBits.silentHeaders | stepBits.silentMail | stepBits.leadingSpace
  const setting = await setUp({
    agreement: { steps, macros: new Map([['mail', ['{auth_type}']]]) },
    answer: (letter) => ('LM'.includes(letter) ? null : undefined),
  })
  await envelope(setting)
  assert.equal(await setting.session.message(hookMessage(text)), null)
  const { heard } = setting.milter
  assert.equal(
    heard.some((line) => line.startsWith('H') || line.startsWith('B')),
    false,
  )
  assert.ok(heard.includes('LSubject| one\n two|'), 'the blank after the colon is told')
  assert.ok(heard.includes('DM{auth_type}|SASL|'), 'only the macro that was chosen')
})

test('an old milter hears no DATA', async () => {
  for (const version of [2, 3]) {
    const setting = await setUp({ agreement: { version, actions: 0x1f, steps: 0 } })
    await envelope(setting)
    assert.equal(await setting.session.message(hookMessage(text)), null)
    assert.equal(setting.milter.heard.includes('T'), false)
  }
})

test('skip ends the body, not the message', async () => {
  const setting = await setUp({ answer: (letter) => (letter === 'B' ? { type: 'skip' } : undefined) })
  await envelope(setting)
  const long = `${text}${'x'.repeat(200_000)}\r\n`
  assert.equal(await setting.session.message(hookMessage(long)), null)
  assert.equal(setting.milter.heard.filter((line) => line.startsWith('B')).length, 1)
  assert.ok(setting.milter.heard.includes('E'))
})

test('verdicts become replies of their stage', async () => {
  const cases = [
    { at: 'C', reply: { type: 'reject' }, code: 554, then: 'close' },
    { at: 'C', reply: { type: 'tempfail' }, code: 421, then: 'close' },
    { at: 'M', reply: { type: 'reject' }, code: 550, then: 'go-on' },
    { at: 'R', reply: { type: 'tempfail' }, code: 451, then: 'go-on' },
    { at: 'R', reply: { type: 'shutdown' }, code: 421, then: 'close' },
    {
      at: 'R',
      reply: { type: 'reply-code', code: 552, status: '5.2.2', text: 'Full' },
      code: 552,
      then: 'go-on',
    },
  ] as const
  for (const { at, reply, code, then } of cases) {
    const { session } = await setUp({ answer: (letter) => (letter === at ? reply : undefined) })
    const refusals = [
      await session.connect(hookHello),
      await session.hello(hookHello),
      await session.mail(hookMail),
      await session.rcpt(hookRcpt),
    ].filter((refusal) => refusal !== null)
    assert.deepEqual(
      refusals.map((refusal) => [refusal.code, refusal.then, refusal.by]),
      [[code, then, 'milter scripted']],
    )
  }
})

test('a message may be refused at every step of it, and the milter hears ABORT where its message did not end', async () => {
  for (const at of ['T', 'L', 'N', 'B', 'E']) {
    const setting = await setUp({ answer: (letter) => (letter === at ? { type: 'reject' } : undefined) })
    await envelope(setting)
    const verdict = await setting.session.message(hookMessage(text))
    assert.equal(verdict?.type === 'refuse' && verdict.code, 550, at)
    assert.equal(setting.milter.heard.includes('A'), at !== 'E', at)
  }
})

test('accept before MAIL ends the conversation, accept after it concerns one message', async () => {
  const early = await setUp({ answer: (letter) => (letter === 'H' ? { type: 'accept' } : undefined) })
  await envelope(early)
  assert.equal(await early.session.message(hookMessage(text)), null)
  assert.equal(
    early.milter.heard.some((line) => line.startsWith('M')),
    false,
  )
  const late = await setUp({ answer: (letter) => (letter === 'R' ? { type: 'accept' } : undefined) })
  await envelope(late)
  assert.equal(await late.session.message(hookMessage(text)), null)
  assert.equal(late.milter.heard.includes('E'), false)
  assert.equal(await late.session.mail(hookMail), null)
  assert.equal(late.milter.heard.filter((line) => line.startsWith('M')).length, 2)
})

test('discard holds from the recipient to the end of the message', async () => {
  const { session } = await setUp({
    answer: (letter) => (letter === 'R' ? { type: 'discard' } : undefined),
  })
  assert.equal(await session.connect(hookHello), null)
  assert.equal(await session.mail(hookMail), null)
  assert.equal(await session.rcpt(hookRcpt), null)
  assert.deepEqual(await session.message(hookMessage(text)), { type: 'discard', by: 'milter scripted' })
})

test('every change that a milter may ask for arrives in the rewrite', async () => {
  const setting = await setUp({
    answer: (letter) =>
      letter === 'E'
        ? [
            { type: 'add-header', name: 'X-End', value: ' end' },
            { type: 'insert-header', index: 1, name: 'DKIM-Signature', value: ' v=1;\n\tb=x' },
            { type: 'insert-header', index: 3, name: 'X-Third', value: 'third' },
            { type: 'change-header', index: 1, name: 'subject', value: 'new' },
            { type: 'change-header', index: 1, name: 'From', value: '' },
            { type: 'change-header', index: 1, name: 'Absent', value: 'added' },
            { type: 'add-recipient', address: '<carol@example.net>' },
            { type: 'delete-recipient', address: '<bob@example.net>' },
            { type: 'change-sender', address: '<>', parameters: '' },
            { type: 'progress' },
            { type: 'replace-body', bytes: new TextEncoder().encode('new ') },
            { type: 'replace-body', bytes: new TextEncoder().encode('body\r\n') },
            { type: 'accept' },
          ]
        : undefined,
  })
  await envelope(setting)
  const verdict = await setting.session.message(hookMessage(text))
  assert.equal(verdict?.type, 'rewrite')
  const [rewrite, ...more] = verdict.rewrites
  assert.equal(more.length, 0)
  const { body, ...rest } = rewrite ?? {}
  assert.deepEqual(rest, {
    reversePath: '',
    addRecipients: ['carol@example.net'],
    removeRecipients: ['bob@example.net'],
    header: [
      { type: 'add', name: 'X-End', value: 'end', at: 'end' },
      { type: 'add', name: 'DKIM-Signature', value: 'v=1;\r\n\tb=x', at: 'start' },
      { type: 'add', name: 'X-Third', value: 'third', at: 2 },
      { type: 'change', name: 'subject', value: 'new', index: 1 },
      { type: 'remove', name: 'From', index: 1 },
      { type: 'add', name: 'Absent', value: 'added', at: 'end' },
    ],
  })
  assert.equal(new TextDecoder().decode(body), 'new body\r\n')
})

test('quarantine holds the message with its reason', async () => {
  const setting = await setUp({
    answer: (letter) =>
      letter === 'E' ? [{ type: 'quarantine', reason: 'virus' }, { type: 'continue' }] : undefined,
  })
  await envelope(setting)
  assert.deepEqual(await setting.session.message(hookMessage(text)), {
    type: 'quarantine',
    reason: 'virus',
    rewrites: [],
    by: 'milter scripted',
  })
})

test('what was not granted, what does not parse and what is too much is not obeyed but deferred', async () => {
  const cases: [MilterScript['answer'], number][] = [
    [() => [{ type: 'add-recipient', address: 'carol@example.net' }, { type: 'continue' }], 0],
    [() => [{ type: 'add-header', name: 'X\nBcc', value: 'y' }, { type: 'continue' }], 0xff],
    [() => [{ type: 'add-header', name: 'X', value: 'y\nBcc: z' }, { type: 'continue' }], 0xff],
    [() => [{ type: 'add-recipient', address: 'no address' }, { type: 'continue' }], 0xff],
    [() => [{ type: 'replace-body', bytes: new Uint8Array(101) }, { type: 'continue' }], 0xff],
    [
      () => [{ type: 'change-sender', address: '<>', parameters: 'BODY=8BITMIME' }, { type: 'continue' }],
      0xff,
    ],
    [
      () => Array.from({ length: 21 }, () => ({ type: 'add-header', name: 'X', value: 'y' }) as const),
      actionBits.addHeaders,
    ],
  ]
  for (const [answer, actions] of cases) {
    const setting = await setUp({
      agreement: { actions },
      answer: (letter, data) => (letter === 'E' ? answer?.(letter, data) : undefined),
    })
    await envelope(setting)
    const verdict = await setting.session.message(hookMessage(text))
    assert.equal(verdict?.type === 'refuse' && verdict.code, 451)
    assert.equal(setting.memory.count('hook.failed'), 1)
  }
})

test('a milter that is silent, closes, or is not there is a failure, as configured', async () => {
  for (const [onFailure, code] of [
    ['defer', 451],
    ['reject', 550],
    ['accept', null],
  ] as const) {
    const setting = await setUp({ answer: (letter) => (letter === 'M' ? null : undefined) }, { onFailure })
    assert.equal(await setting.session.connect(hookHello), null)
    const asked = setting.session.mail(hookMail)
    await setting.clock.advance(10_001)
    assert.equal((await asked)?.code ?? null, code)
    // The rest of the session follows without asking again.
    assert.equal((await setting.session.rcpt(hookRcpt))?.code ?? null, code)
    assert.equal(setting.memory.count('hook.failed'), 1)
    setting.session.closed()
  }
  const gone = await setUp()
  assert.equal(await gone.session.connect(hookHello), null)
  for (const connection of gone.milter.opened) connection.destroy()
  assert.equal((await gone.session.mail(hookMail))?.code, 451)
  const absent = await setUp({}, { port: 9 })
  assert.equal((await absent.session.connect(hookHello))?.code, 421)
})

test('progress keeps a slow milter alive, but not for ever', async () => {
  const setting = await setUp({ answer: (letter) => (letter === 'M' ? null : undefined) })
  assert.equal(await setting.session.connect(hookHello), null)
  const [connection] = setting.milter.opened
  const asked = setting.session.mail(hookMail)
  let answered = false
  void asked.then(() => (answered = true))
  for (let second = 8; second < 48; second += 8) {
    await setting.clock.advance(8000)
    assert.equal(answered, false)
    connection?.write(encodeReply({ type: 'progress' }))
  }
  await setting.clock.advance(10_000)
  assert.equal((await asked)?.code, 451)
  assert.equal(setting.clock.pending, 0)
})

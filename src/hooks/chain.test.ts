// HTTP hooks, and all kinds of hooks one after the other.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { hookHello, hookMail, hookMessage, hookRcpt } from '../../test/support/hook-session.ts'
import { startScriptedMilter } from '../../test/support/scripted-milter.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { resolveConfig } from '../config/layers.ts'
import { createEvents, EventMemory } from '../events/event.ts'
import { MemoryNetwork } from '../net/memory-network.ts'
import { createPolicy } from './chain.ts'
import type { HttpFetch } from './http-request.ts'
import type { PolicySession } from './policy.ts'

interface Asked {
  readonly url: string
  readonly headers: Record<string, string>
  readonly text: string
  readonly json: Record<string, unknown>
}

function setUp(
  hooks: unknown,
  respond: (asked: Asked) => Response | Promise<Response> = () => new Response(null, { status: 204 }),
) {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const network = new MemoryNetwork({ clock, random })
  const memory = new EventMemory()
  const asked: Asked[] = []
  const fetch: HttpFetch = async (url, { headers, body }) => {
    const one = { url, headers, text: body, json: JSON.parse(body) as Record<string, unknown> }
    asked.push(one)
    return respond(one)
  }
  const { hooks: config } = resolveConfig([{ name: 'test', settings: { hooks } }])
  const events = createEvents([memory])
  const parts = {
    clock,
    random,
    events,
    dialer: network,
    httpFetch: fetch,
    hostname: 'mx.example',
    maxMessageSize: 0,
  }
  return { policy: createPolicy(config, parts), clock, memory, asked, network, config, parts }
}

async function openSession(hooks: unknown, respond?: (asked: Asked) => Response | Promise<Response>) {
  const setting = setUp(hooks, respond)
  const session = setting.policy?.open()
  assert.ok(session)
  assert.equal(await session.connect(hookHello), null)
  return { ...setting, session }
}

const service = { name: 'check', url: 'https://check.example/mail' }
const text = 'Subject: x\r\nTo: bob@example.net\r\n\r\nbody\r\n'

async function codeOf(session: PolicySession): Promise<number | null> {
  const verdict = await session.message(hookMessage(text))
  return verdict?.type === 'refuse' ? verdict.code : null
}

test('nothing configured is no policy at all', () => {
  assert.equal(setUp({}).policy, null)
})

test('a function in the settings must be one', () => {
  assert.throws(() => setUp({ connect: 'accept' }), /hooks\.connect: must be a function/)
})

test('a service is asked with all that is known, signed, at the stages that it is for', async () => {
  const key = Buffer.from('secret key').toString('base64')
  const settings = { ...service, stages: ['rcpt', 'data'], secret: `whsec_${key}`, maxContent: '1 KB' }
  const { session, asked } = await openSession({ http: [settings] })
  assert.equal(await session.mail(hookMail), null)
  assert.equal(await session.rcpt(hookRcpt), null)
  assert.equal(await codeOf(session), null)
  assert.deepEqual(
    asked.map(({ url, json }) => [url, json['stage']]),
    [
      [service.url, 'rcpt'],
      [service.url, 'data'],
    ],
  )
  const [rcpt, data] = asked.map(({ json }) => json)
  assert.deepEqual(rcpt?.['session'], {
    id: 'session',
    service: 'smtp',
    remoteAddress: '192.0.2.1',
    remotePort: 4321,
    remoteName: 'client.example',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    helo: 'client.example',
    extended: true,
    username: 'ann@example.org',
  })
  assert.deepEqual(data?.['message'], {
    id: 'message.1',
    bytes: text.length,
    headers: [
      { name: 'Subject', value: 'x' },
      { name: 'To', value: 'bob@example.net' },
    ],
    content: Buffer.from(text).toString('base64'),
  })
  const [first] = asked
  assert.ok(first)
  const signed = `${first.headers['webhook-id']}.${first.headers['webhook-timestamp']}.${first.text}`
  const mac = createHmac('sha256', 'secret key').update(signed).digest('base64')
  assert.equal(first.headers['webhook-signature'], `v1,${mac}`)
})

test('a message above the limit is sent without its content', async () => {
  const { session, asked } = await openSession({ http: [{ ...service, maxContent: 10 }] })
  await session.message(hookMessage(text))
  assert.equal(Object.hasOwn(asked[0]?.json['message'] ?? {}, 'content'), false)
})

test('the answer decides', async () => {
  const answers = [
    [{ type: 'reject', code: 554, text: 'Spam' }, 554],
    [{ type: 'defer' }, 451],
    [{ type: 'accept' }, null],
  ] as const
  for (const [answer, code] of answers) {
    const { session } = await openSession({ http: [service] }, () => Response.json(answer))
    assert.equal(await codeOf(session), code)
  }
})

test('a service that fails is what was configured for that', async () => {
  const failures: ((asked: Asked) => Response | Promise<Response>)[] = [
    () => new Response('oops', { status: 500 }),
    () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } }),
    () => new Response('no json'),
    () => Response.json({ type: 'reject', code: 250 }),
    () => Response.json({ type: 'rewrite', body: 'no base64!' }),
    () => new Response('x'.repeat(2000)),
    () => Promise.reject(new TypeError('fetch failed')),
  ]
  for (const respond of failures) {
    for (const [onFailure, code] of [
      ['defer', 451],
      ['reject', 550],
      ['accept', null],
    ] as const) {
      const hooks = { http: [{ ...service, onFailure }], maxAnswer: 1000 }
      const { session, memory } = await openSession(hooks, respond)
      assert.equal(await codeOf(session), code)
      assert.equal(memory.count('hook.failed'), 1)
    }
  }
})

test('a service that does not answer in time has failed', async () => {
  const { session, clock, memory } = await openSession({ http: [service] }, () => new Promise(() => {}))
  const verdict = codeOf(session)
  await clock.advance(10_001)
  assert.equal(await verdict, 451)
  assert.equal(memory.records[0]?.fields['failure'], 'timed-out')
})

test('functions, milters and services follow one another, and each sees what the ones before made of the message', async () => {
  const seen: string[] = []
  const preparing = setUp({})
  const milter = await startScriptedMilter(preparing.network, {
    answer: (letter, data) => {
      if (letter === 'L') seen.push(`milter ${data}`)
      if (letter !== 'E') return undefined
      return [{ type: 'replace-body', bytes: Buffer.from('short\r\n') }, { type: 'continue' }]
    },
  })
  const { hooks } = resolveConfig([
    {
      name: 'test',
      settings: {
        hooks: {
          data: () => ({
            type: 'rewrite' as const,
            removeRecipients: ['bob@example.net'],
            addRecipients: ['carol@example.net'],
            header: [{ type: 'change' as const, name: 'Subject', value: 'changed' }],
          }),
          milters: [{ name: 'm', port: milter.port }],
          http: [{ ...service, maxContent: '1 KB' }],
        },
      },
    },
  ])
  const asked: { message: { content: string; bytes: number }; envelope: { recipients: unknown[] } }[] = []
  const fetch: HttpFetch = async (_url, { body }) => {
    asked.push(JSON.parse(body) as (typeof asked)[number])
    return Response.json({ type: 'quarantine', reason: 'odd' })
  }
  const session = createPolicy(hooks, { ...preparing.parts, httpFetch: fetch })?.open()
  assert.ok(session)
  assert.equal(await session.connect(hookHello), null)
  assert.equal(await session.mail(hookMail), null)
  const verdict = await session.message(hookMessage(text))
  assert.deepEqual(seen, ['milter Subject|changed|', 'milter To|bob@example.net|'])
  const whole = 'Subject: changed\r\nTo: bob@example.net\r\n\r\nshort\r\n'
  assert.equal(Buffer.from(asked[0]?.message.content ?? '', 'base64').toString(), whole)
  assert.equal(asked[0]?.message.bytes, whole.length)
  assert.match(JSON.stringify(asked[0]?.envelope.recipients), /carol@example\.net(?!.*bob)/)
  assert.equal(verdict?.type, 'quarantine')
  assert.equal(verdict.reason, 'odd')
  assert.equal(verdict.rewrites.length, 2)
  assert.equal(verdict.by, 'hook data, milter m, http check')
})

test('all together have one budget for a message; beyond it the client is deferred and the session ends', async () => {
  const slow = [1, 2, 3].map((number) => ({
    ...service,
    name: `slow-${number}`,
    timeout: '40s',
    onFailure: 'accept',
  }))
  const setting = await openSession({ http: slow }, () => new Promise(() => {}))
  const verdict = setting.session.message(hookMessage(text))
  await setting.clock.advance(40_001)
  assert.equal(setting.asked.length, 2)
  await setting.clock.advance(15_000)
  const refusal = await verdict
  assert.deepEqual(refusal?.type === 'refuse' && [refusal.code, refusal.then], [421, 'close'])
  assert.equal((await setting.session.mail(hookMail))?.code, 421)
  setting.session.closed()
})

test('the first that refuses decides, and the others are not asked', async () => {
  const { session, asked } = await openSession({ data: () => ({ type: 'reject' }), http: [service] })
  assert.equal(await codeOf(session), 550)
  assert.equal(asked.length, 0)
})

test('hooks of other services are not asked', async () => {
  const { session, asked } = await openSession({ http: [{ ...service, services: ['submission'] }] })
  assert.equal(await codeOf(session), null)
  assert.equal(asked.length, 0)
})

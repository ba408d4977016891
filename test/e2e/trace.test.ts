// The way of a message, as an operator asks for it: what a filter said, where each recipient led and why, the mailbox, the vacation answer,
// the hosts that were tried and with which policy, and the end, over two whole servers on the loopback.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { ShownRecord, ShownTrace } from '../../src/control/server/message-trace.ts'
import { vacationKind } from '../../src/delivery/vacation-settings.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { ZoneResolver } from '../../src/net/zone-resolver.ts'
import { LineSocket } from './line-socket.ts'

const zone = `
far.example. MX 10 mx1.far.example.
far.example. MX 20 mx2.far.example.
mx1.far.example. A 127.0.0.4
mx2.far.example. A 127.0.0.3
`

async function serve(
  context: TestContext,
  settings: ConfigInput,
  accounts: readonly string[],
): Promise<Posthorn> {
  const config = resolveConfig([
    {
      name: 'test',
      settings: {
        ...{ profile: 'server', data: null, dns: { reverse: false } },
        auth: { argon2Memory: 8, argon2Passes: 1 },
        ...settings,
      },
    },
  ])
  const posthorn = await startPosthorn(config, { resolver: new ZoneResolver(zone) })
  context.after(() => posthorn.stop())
  for (const address of accounts) {
    const name = address.split('@')[1]
    await posthorn.operations.run('domain.add', { name }).catch(() => {})
    await posthorn.operations.run('account.add', { address, password: 'a password' })
  }
  return posthorn
}

const listener = { service: 'smtp', tls: 'none', port: 0 } as const

/** The other host, with bob. */
function serveFar(context: TestContext, settings: ConfigInput = {}): Promise<Posthorn> {
  const listeners = [{ ...listener, address: '127.0.0.3' }]
  return serve(context, { hostname: 'mx2.far.example', listeners, ...settings }, ['bob@far.example'])
}

/** The host whose traces are asked for. */
function serveHere(
  context: TestContext,
  { far, hooks = {} }: { far: Posthorn; hooks?: ConfigInput['hooks'] },
  accounts: readonly string[],
): Promise<Posthorn> {
  const settings: ConfigInput = {
    hostname: 'mail.example.org',
    listeners: [
      { ...listener, address: '127.0.0.1' },
      // Traces are kept for pages.
      { service: 'http', address: '127.0.0.1', port: 0, tls: 'none' },
    ],
    relay: { mxPort: far.listeners[0]?.port ?? 0, allowPrivateAddresses: true },
    hooks,
  }
  return serve(context, settings, accounts)
}

async function send(posthorn: Posthorn, lines: readonly string[]): Promise<string[]> {
  const port = posthorn.listeners.find(({ service }) => service === 'smtp')?.port ?? 0
  const socket = await LineSocket.open(port)
  const replies = [await socket.reply()]
  for (const line of ['EHLO client.example', ...lines]) replies.push(await socket.command(line))
  socket.close()
  return replies.map(String)
}

/** Asked again until `done` holds of it. */
async function traced(
  posthorn: Posthorn,
  text: string,
  done: (records: readonly ShownRecord[]) => boolean,
): Promise<readonly ShownRecord[]> {
  for (;;) {
    const [trace] = (await posthorn.operations.run('server.trace', { text })) as ShownTrace[]
    if (trace !== undefined && done(trace.records)) return trace.records
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function has(records: readonly ShownRecord[], name: string): boolean {
  return records.some((one) => one.name === name)
}

function fieldsOf(records: readonly ShownRecord[], name: string): Record<string, unknown> {
  return records.find((one) => one.name === name)?.fields ?? assert.fail(`no ${name}`)
}

async function setAway(posthorn: Posthorn, address: string): Promise<void> {
  const { store, clock } = posthorn.backend
  const entry = await store.findAddress(address)
  assert.equal(entry?.type, 'account')
  const value = JSON.stringify({
    ...{ isEnabled: true, fromDate: null, toDate: null, subject: 'Away' },
    ...{ textBody: 'I am away.', htmlBody: null },
  })
  const request = { account: entry.account.id, kind: vacationKind, now: clock.now() }
  assert.ok((await store.changeObjects({ ...request, create: [{ value, key: 'singleton' }] })).ok)
}

test(
  'every decision about a message is in its trace, with its reason',
  { timeout: 60_000 },
  async (context) => {
    const far = await serveFar(context)
    const hooks: ConfigInput['hooks'] = {
      rcpt: ({ recipient }) =>
        recipient.address?.localPart === 'old' ? { type: 'reject', text: 'Moved away' } : undefined,
      data: () => ({
        type: 'rewrite',
        header: [
          { type: 'add', name: 'X-Spam-Status', value: 'No, score=1.2' },
          { type: 'change', name: 'Subject', value: 'words of nobody else' },
        ],
      }),
    }
    const here = await serveHere(context, { far, hooks }, ['ann@example.org', 'old@example.org'])
    await setAway(here, 'ann@example.org')
    const team = { address: 'team@example.org', targets: ['ann@example.org', 'bob@far.example'] }
    await here.operations.run('alias.set', { ...team, owner: null })
    const message = 'From: eve@far.example\r\nTo: ann@example.org\r\nSubject: hello\r\n\r\nbody\r\n.'
    const replies = await send(here, [
      ...['MAIL FROM:<eve@far.example>', 'RCPT TO:<nobody@example.org>', 'RCPT TO:<old@example.org>'],
      ...['RCPT TO:<team@example.org>', 'DATA', message],
    ])
    const id = /queued as (\S+)/i.exec(replies.at(-1) ?? '')?.[1] ?? assert.fail(replies.at(-1))
    const records = await traced(
      here,
      id,
      (all) =>
        has(all, 'queue.delivered') && (has(all, 'vacation.answered') || has(all, 'vacation.withheld')),
    )
    assert.partialDeepStrictEqual(fieldsOf(records, 'smtp.recipient-refused'), {
      ...{ recipient: 'nobody@example.org', reason: 'unknown-user', reversePath: 'eve@far.example' },
    })
    assert.partialDeepStrictEqual(fieldsOf(records, 'smtp.policy-refused'), {
      ...{ recipient: 'old@example.org', stage: 'rcpt', by: 'hook rcpt' },
      reply: '550 5.7.1 Moved away',
    })
    const verdict = records.find(({ name, fields }) => name === 'hook.decided' && fields['stage'] === 'data')
    assert.partialDeepStrictEqual(verdict?.fields, {
      ...{ by: 'hook data', decision: 'rewrite', message: id },
      detail: 'add X-Spam-Status: No, score=1.2; change Subject',
    })
    assert.partialDeepStrictEqual(fieldsOf(records, 'delivery.routed'), {
      ...{ recipient: 'team@example.org', to: 'ann@example.org, bob@far.example', because: 'alias' },
    })
    assert.partialDeepStrictEqual(fieldsOf(records, 'delivery.placed'), { recipient: 'ann@example.org' })
    // Eve wrote to Ann's own address.
    assert.partialDeepStrictEqual(fieldsOf(records, 'vacation.answered'), {
      to: 'eve@far.example',
      message: id,
    })
    assert.partialDeepStrictEqual(fieldsOf(records, 'relay.hosts-found'), {
      hosts: 'mx1.far.example, mx2.far.example',
    })
    assert.partialDeepStrictEqual(fieldsOf(records, 'relay.host-failed'), { host: 'mx1.far.example' })
    assert.partialDeepStrictEqual(fieldsOf(records, 'relay.attempt'), {
      ...{ recipient: 'bob@far.example', host: 'mx2.far.example', route: 'mx', outcome: 'relayed' },
    })
    assert.ok(has(records, 'smtp.message-accepted'))
    assert.ok(!JSON.stringify(records).includes('words of nobody else'))
  },
)

test(
  'who sends again is told lately, and what the other host defers says why it waits',
  { timeout: 60_000 },
  async (context) => {
    const far = await serveFar(context, { hooks: { rcpt: () => ({ type: 'defer', text: 'Greylisted' }) } })
    const here = await serveHere(context, { far }, ['ann@example.org'])
    await setAway(here, 'ann@example.org')
    await here.operations.run('alias.set', {
      address: 'bob@example.org',
      targets: ['bob@far.example'],
      owner: null,
    })
    const from = 'MAIL FROM:<bob@far.example>'
    const header = 'From: bob@far.example\r\nTo: ann@example.org\r\nList-Id: <x.far.example>\r\n'
    const [list = ''] = (
      await send(here, [from, 'RCPT TO:<ann@example.org>', 'DATA', `${header}\r\nbody\r\n.`])
    ).slice(-1)
    const listed = await traced(here, /as (\S+)/.exec(list)?.[1] ?? '', (all) =>
      has(all, 'vacation.withheld'),
    )
    assert.partialDeepStrictEqual(fieldsOf(listed, 'vacation.withheld'), { reason: 'automatic' })
    const [forward = ''] = (
      await send(here, [from, 'RCPT TO:<bob@example.org>', 'DATA', 'From: bob@far.example\r\n\r\nbody\r\n.'])
    ).slice(-1)
    const records = await traced(here, /as (\S+)/.exec(forward)?.[1] ?? '', (all) =>
      has(all, 'queue.deferred'),
    )
    assert.partialDeepStrictEqual(fieldsOf(records, 'queue.deferred'), {
      ...{ stage: 'rcpt', reply: '451 4.7.1 Greylisted' },
    })
  },
)

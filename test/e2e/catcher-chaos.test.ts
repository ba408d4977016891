// Rules of chaos at each stage of a session, as a client meets them.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { letter, openCatcherHouse } from '../support/catcher-house.ts'
import type { LineSocket } from './line-socket.ts'

type Rule = NonNullable<NonNullable<NonNullable<ConfigInput['catcher']>['chaos']>['rules']>[number]

const house = (context: TestContext, ...rules: Rule[]) =>
  openCatcherHouse(context, { catcher: { chaos: { rules } } })

/** Says one line after the other; the first line of each reply, `closed` where there is none. */
async function talk(client: LineSocket, ...lines: readonly string[]): Promise<string[]> {
  const heard: string[] = []
  for (const line of lines) {
    client.send(`${line}\r\n`)
    const reply = await client.reply()
    heard.push(reply?.split(/\r?\n/)[0] ?? 'closed')
    if (reply === undefined) break
  }
  return heard
}

const envelope = ['EHLO client.example', 'MAIL FROM:<app@shop.example>', 'RCPT TO:<ann@example.org>', 'DATA']
const plain = Buffer.from('\0ann@example.org\0secret').toString('base64')

const replies: readonly (readonly [stage: Rule['stage'], lines: readonly string[], code: RegExp])[] = [
  ['starttls', ['EHLO client.example', 'STARTTLS'], /^454 4\.7\.0 Not now$/],
  ['ehlo', ['EHLO client.example'], /^454 4\.3\.2 Not now$/],
  ['auth', ['EHLO client.example', `AUTH PLAIN ${plain}`], /^454 4\.7\.8 Not now$/],
  ['mail', envelope.slice(0, 2), /^454 4\.1\.0 Not now$/],
  ['rcpt', envelope.slice(0, 3), /^454 4\.2\.0 Not now$/],
  ['data', envelope, /^454 4\.3\.0 Not now$/],
  ['body', [...envelope, 'Subject: x\r\n\r\nhello\r\n.'], /^454 4\.3\.0 Not now$/],
  ['end', [...envelope, 'Subject: x\r\n\r\nhello\r\n.'], /^454 4\.3\.0 Not now$/],
  ['quit', ['EHLO client.example', 'QUIT'], /^454 4\.3\.0 Not now$/],
]

for (const [stage, lines, code] of replies) {
  test(`a reply at ${stage}, and the session goes on`, async (context) => {
    const the = await house(context, {
      stage,
      first: 1,
      action: { type: 'reply', code: 454, text: 'Not now' },
    })
    const client = await the.dial()
    await client.reply()
    const heard = await talk(client, ...lines)
    assert.match(heard.at(-1) ?? '', code)
    if (stage !== 'quit') assert.notEqual((await talk(client, 'NOOP'))[0], 'closed')
    client.close()
    const [refusal] = the.catcher.refusals
    assert.equal(refusal?.stage, stage)
    assert.equal(refusal?.rule, 'rule 1')
    assert.ok(refusal?.transcript.some(({ text }) => text.startsWith('454 ')))
    assert.equal(the.events.count('catcher.chaos-struck'), 1)
    assert.match(await the.send(letter('after')), /^250 /)
    assert.equal(the.catcher.stats.total, 1)
  })
}

test('a greeting that refuses', async (context) => {
  const the = await house(context, {
    stage: 'connect',
    first: 1,
    action: { type: 'reply', code: 421, text: 'Busy' },
  })
  const client = await the.dial()
  assert.match((await client.reply()) ?? '', /^421 4\.3\.2 Busy/)
  assert.equal(await client.reply(), undefined)
  client.close()
  assert.match(await the.send(letter('after')), /^250 /)
})

for (const [stage, lines] of replies) {
  test(`the connection is dropped at ${stage} without a reply, and nothing is kept`, async (context) => {
    const the = await house(context, { stage, first: 1, action: { type: 'drop' } })
    const client = await the.dial()
    await client.reply()
    const heard = await talk(client, ...lines)
    assert.equal(heard.at(-1), 'closed')
    assert.equal(heard.length, lines.length)
    client.close()
    assert.equal(the.catcher.stats.total, 0)
    assert.equal(the.catcher.refusals[0]?.reply, 'connection closed')
    assert.match(await the.send(letter('after')), /^250 /)
  })
}

test('a reset in the middle of the message, after so many octets', async (context) => {
  const the = await house(context, {
    ...{ stage: 'body', first: 1 },
    action: { type: 'drop', how: 'reset', after: 50_000 },
  })
  const client = await the.dial()
  await client.reply()
  await talk(client, ...envelope)
  client.send(`Subject: x\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(3000)}.\r\n`)
  assert.equal(await client.reply().catch(() => undefined), undefined)
  assert.equal(the.catcher.stats.total, 0)
})

test('the TLS handshake fails, once by an end and once by nonsense', async (context) => {
  const the = await house(
    context,
    { stage: 'starttls', first: 1, action: { type: 'tls-failure' } },
    { stage: 'starttls', skip: 0, first: 1, action: { type: 'tls-failure', how: 'garbage' } },
  )
  for (const rest of [undefined, 'This is no TLS.']) {
    const client = await the.dial()
    await client.reply()
    assert.match((await talk(client, 'EHLO client.example', 'STARTTLS')).at(-1) ?? '', /^220 /)
    assert.equal(await client.reply(), rest)
    client.close()
  }
  assert.equal(the.catcher.refusals[0]?.reply, 'TLS handshake failed')
})

test('the first two attempts to one recipient are deferred, the third is taken; others never notice', async (context) => {
  const the = await house(context, {
    ...{ name: 'slow start', stage: 'rcpt', recipient: '^ann@', per: 'recipient', first: 2 },
    action: { type: 'reply', code: 450, text: 'Try again' },
  })
  assert.match(await the.send(letter('1')), /^450 4\.2\.0 Try again/)
  assert.match(await the.send(letter('x'), { to: ['bob@example.org'] }), /^250 /)
  assert.match(await the.send(letter('2')), /^450 /)
  assert.match(await the.send(letter('3')), /^250 /)
  assert.deepEqual(
    the.catcher.chaos.rules.map(({ name, struck }) => [name, struck]),
    [['slow start', 2]],
  )
})

test('every third, by sender; and what a subject says at the end', async (context) => {
  const the = await house(
    context,
    { stage: 'mail', sender: '@shop\\.example$', every: 3, action: { type: 'reply', code: 451 } },
    {
      stage: 'end',
      subject: 'forbidden',
      action: { type: 'reply', code: 554, status: '5.7.1', text: 'Spam' },
    },
  )
  const codes: string[] = []
  for (let round = 0; round < 6; round++) codes.push((await the.send(letter('x'))).slice(0, 3))
  assert.deepEqual(codes, ['250', '250', '451', '250', '250', '451'])
  assert.match(await the.send(letter('A forbidden thing'), { from: 'x@far.example' }), /^554 5\.7\.1 Spam/)
})

test('chance is the same on each run', async (context) => {
  const run = async (): Promise<string> => {
    const the = await house(context, { stage: 'mail', probability: 40, action: { type: 'reply', code: 451 } })
    let codes = ''
    for (let round = 0; round < 12; round++) codes += (await the.send(letter('x')))[0]
    return codes
  }
  const [one, other] = [await run(), await run()]
  assert.equal(one, other)
  assert.match(one, /4/)
  assert.match(one, /2/)
})

test('a delay, and slowness, lose nothing', async (context) => {
  const the = await house(
    context,
    { stage: 'rcpt', action: { type: 'delay', time: 60 } },
    { stage: 'body', action: { type: 'slow', rate: 4000 } },
  )
  const before = performance.now()
  assert.match(await the.send(letter('slow', 'x'.repeat(400))), /^250 /)
  assert.ok(performance.now() - before >= 150)
  assert.equal(the.catcher.stats.total, 1)
})

test('more connections than so many', async (context) => {
  const the = await house(context, { stage: 'connect', connections: 1, action: { type: 'reply', code: 421 } })
  const first = await the.dial()
  assert.match((await first.reply()) ?? '', /^220 /)
  const second = await the.dial()
  assert.match((await second.reply()) ?? '', /^421 /)
  second.close()
  first.close()
})

test('rules are set, added and taken away over HTTP', async (context) => {
  const the = await house(context)
  const ask = (method: string, path: string, body?: unknown) =>
    the.get(`/api/v1/catcher${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const rule = { name: 'no', stage: 'mail', action: { type: 'reply', code: 550, text: 'No' } }
  assert.equal((await ask('POST', '/chaos/rules', rule)).status, 200)
  assert.match(await the.send(letter('x')), /^550 5\.1\.0 No/)
  const state = (await (await ask('GET', '/chaos')).json()) as { rules: { name: string; struck: number }[] }
  assert.deepEqual(
    state.rules.map(({ name, struck }) => [name, struck]),
    [['no', 1]],
  )
  assert.equal((await ask('DELETE', '/chaos/rules/no')).status, 200)
  assert.equal((await ask('DELETE', '/chaos/rules/no')).status, 404)
  assert.match(await the.send(letter('x')), /^250 /)
  const wrong = await ask('PUT', '/chaos', { rules: [{ stage: 'mail', action: { type: 'tls-failure' } }] })
  assert.equal(wrong.status, 400)
  const refusals = (await (await ask('GET', '/refusals')).json()) as { refusals: { reply: string }[] }
  assert.equal(refusals.refusals[0]?.reply, '550 5.1.0 No')
})

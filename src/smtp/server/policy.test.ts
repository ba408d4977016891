// Filters: what they are asked, and what their answers do to a session and to a message.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSmtpHouse, type SmtpHouse } from '../../../test/support/smtp-house.ts'
import type { HookMessage } from '../../config/hooks.ts'
import type { MessageVerdict, Policy, PolicyRefusal, PolicySession } from '../../hooks/policy.ts'

const accept = (): Promise<null> => Promise.resolve(null)

/** A policy that accepts but for what the test says, and writes down what it is told. */
function policyOf(answers: Partial<PolicySession>, told: string[] = []): Policy {
  return {
    open: () => ({
      connect: accept,
      hello: accept,
      mail: accept,
      rcpt: accept,
      message: accept,
      reset: () => void told.push('reset'),
      delivered: (delivered) => void told.push(JSON.stringify(delivered)),
      closed: () => void told.push('closed'),
      ...answers,
    }),
  }
}

const refusal = (then: PolicyRefusal['then'] = 'go-on'): PolicyRefusal => ({
  ...{ type: 'refuse', code: 451, status: '4.7.1', text: 'Not now', then, by: 'hook' },
})

const message = 'Subject: x\r\n\r\nbody'

function deciding(verdict: MessageVerdict | ((seen: HookMessage) => Promise<MessageVerdict | null>)): Policy {
  return policyOf({
    message: (seen) => (typeof verdict === 'function' ? verdict(seen) : Promise.resolve(verdict)),
  })
}

async function send(house: SmtpHouse, text = message): Promise<string> {
  const client = await house.connect()
  return client.mail('x@far.example', ['ann@example.org'], text)
}

for (const stage of ['hello', 'mail', 'rcpt'] as const) {
  test(`a refusal at ${stage} is the reply, and the session goes on`, async (context) => {
    const policy = policyOf({ [stage]: () => Promise.resolve(refusal()) })
    const house = await openSmtpHouse(context, { policy })
    const client = await house.dial()
    await client.reply()
    const lines = ['EHLO client.example', 'MAIL FROM:<x@far.example>', 'RCPT TO:<ann@example.org>', 'NOOP']
    const codes = await client.codes(...lines)
    assert.equal(codes.includes('451 4.7.1'), true, codes.join())
    assert.equal(codes.at(-1), '250 2.0.0')
    assert.equal(house.events.count('smtp.policy-refused'), 1)
  })
}

test('a refusal may end the session', async (context) => {
  const house = await openSmtpHouse(context, {
    policy: policyOf({ rcpt: () => Promise.resolve(refusal('close')) }),
  })
  const client = await house.connect()
  assert.deepEqual(await client.codes('MAIL FROM:<x@far.example>', 'RCPT TO:<ann@example.org>'), [
    '250 2.1.0',
    '451 4.7.1',
  ])
  assert.equal(await client.line(), undefined)
})

test('a filter sees the whole message, however large, and is told what became of it', async (context) => {
  const told: string[] = []
  const seen: { headers: string[]; recipients: number }[] = []
  const house = await openSmtpHouse(context, {
    policy: policyOf(
      {
        async message({ headers, content, bytes, recipients }) {
          // Twice, as two filters would.
          for (let round = 0; round < 2; round++) {
            let octets = 0
            for await (const piece of content()) octets += piece.length
            assert.equal(octets, bytes)
          }
          seen.push({ headers: headers.map(({ name }) => name), recipients: recipients.length })
          return null
        },
      },
      told,
    ),
  })
  const reply = await send(
    house,
    `Subject: =?utf-8?Q?x?=\r\n\tfolded\r\nX: \xc3\xa9\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(5000)}`,
  )
  assert.match(reply, /^250/)
  assert.equal(seen[0]?.recipients, 1)
  assert.deepEqual(seen[0]?.headers, ['Subject', 'X'])
  assert.match(told[0] ?? '', /"where":"ann@example\.org"/)
})

test('refused, discarded, held', async (context) => {
  const cases: readonly (readonly [verdict: MessageVerdict, code: RegExp, arrivals: number])[] = [
    [refusal(), /^451 4\.7\.1 Not now/, 0],
    [{ type: 'discard', by: 'hook' }, /^250 2\.0\.0 OK: delivered as /, 0],
    [{ type: 'quarantine', reason: 'odd', rewrites: [], by: 'hook' }, /^250 2\.0\.0 OK: queued as /, 1],
  ]
  for (const [verdict, code, arrivals] of cases) {
    const house = await openSmtpHouse(context, { policy: deciding(verdict) })
    assert.match(await send(house), code)
    assert.equal(house.arrivals.length, arrivals)
    assert.deepEqual(await house.inbox('ann@example.org'), [])
    if (arrivals > 0) assert.equal(house.arrivals[0]?.quarantine, 'odd')
  }
})

test('a rewrite changes header, body and envelope before anything is kept', async (context) => {
  const verdict: MessageVerdict = {
    type: 'rewrite',
    by: 'hook',
    rewrites: [
      { header: [{ type: 'add', name: 'X-Seen', value: 'by a filter' }], addRecipients: ['v@far.example'] },
      {
        reversePath: 'y@far.example',
        removeRecipients: ['ann@example.org'],
        addRecipients: ['bob@example.org'],
        header: [{ type: 'remove', name: 'Subject' }],
        body: Buffer.from('new body\r\n'),
      },
    ],
  }
  const house = await openSmtpHouse(context, { policy: deciding(verdict) })
  assert.match(await send(house), /^250/)
  const [arrival] = house.arrivals
  assert.equal(await house.text(arrival), 'X-Seen: by a filter\r\n\r\nnew body\r\n')
  assert.equal(arrival?.reversePath?.localPart, 'y')
  assert.deepEqual(
    arrival?.recipients.map(({ deliveredTo }) => deliveredTo),
    ['bob@example.org'],
  )
  assert.deepEqual(
    arrival?.remote?.map(({ address }) => address.domain),
    ['far.example'],
  )
})

test('a large message is rewritten as well', async (context) => {
  const verdict: MessageVerdict = {
    ...{ type: 'rewrite', by: 'hook' },
    rewrites: [{ header: [{ type: 'change', name: 'Subject', value: 'y' }] }],
  }
  const house = await openSmtpHouse(context, { policy: deciding(verdict) })
  const body = `${'x'.repeat(70)}\r\n`.repeat(5000)
  assert.match(await send(house, `Subject: x\r\n\r\n${body}`), /^250/)
  assert.equal(await house.text(house.arrivals[0]), `Subject: y\r\n\r\n${body}\r\n`)
})

test('a filter that gives no address defers the message', async (context) => {
  const house = await openSmtpHouse(context, {
    policy: deciding({ type: 'rewrite', by: 'hook', rewrites: [{ addRecipients: ['nobody'] }] }),
  })
  assert.match(await send(house), /^451 4\.3\.0/)
  assert.equal(house.events.count('smtp.local-trouble'), 1)
})

test('a filter that takes every recipient away throws the message away', async (context) => {
  const house = await openSmtpHouse(context, {
    policy: deciding({ type: 'rewrite', by: 'hook', rewrites: [{ removeRecipients: ['ann@example.org'] }] }),
  })
  assert.match(await send(house), /^250/)
  assert.equal(house.arrivals.length, 0)
})

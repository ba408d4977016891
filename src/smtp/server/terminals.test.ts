// SEND, SOML and SAML: who sees a message, who keeps it, and what a terminal is never shown.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openSmtpHouse } from '../../../test/support/smtp-house.ts'
import { createTerminals, type TerminalMessage } from '../../delivery/terminals.ts'
import { harmless } from './terminal-message.ts'

const ann = 'ann@example.org'
const message = [
  'From: =?utf-8?Q?Caf=C3=A9?= <x@far.example>',
  'Subject: =?utf-8?Q?Hello=1B[2J?=',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe=1B]0;evil=07',
  'second=E2=80=AEline',
].join('\r\n')

async function open(context: TestContext) {
  const terminals = createTerminals()
  const house = await openSmtpHouse(context, { terminals, config: { send: true } })
  const shown: TerminalMessage[] = []
  const sitDown = async (): Promise<void> => {
    const { id } = await house.account(ann)
    terminals.attach(id, { kind: 'console', show: (one) => shown.push(one) > 0 })
  }
  const send = async (verb: string, to = ann): Promise<string> => {
    const client = await house.connect()
    for (const line of [`${verb} FROM:<x@far.example>`, `RCPT TO:<${to}>`, 'DATA']) {
      const reply = await client.say(line)
      if (/^[45]/.test(reply)) return reply
    }
    return client.say(`${message}\r\n.`)
  }
  return { house, shown, sitDown, send }
}

test('SEND: 450 where nobody sits, else shown and not kept (RFC 821 §3.4)', async (context) => {
  const { house, shown, sitDown, send } = await open(context)
  assert.match(await send('SEND'), /^450 4\.2\.1/)
  await sitDown()
  assert.match(await send('SEND'), /^250 2\.0\.0 OK: shown/)
  assert.equal(shown.length, 1)
  assert.deepEqual(await house.inbox(ann), [])
  assert.match(await send('SEND', 'away@example.org'), /^550 5\.3\.3/)
})

test('what is shown has no escape sequence and no override of direction', async (context) => {
  const { house, shown, sitDown, send } = await open(context)
  await sitDown()
  await send('SEND')
  assert.deepEqual(shown, [
    {
      ...{ from: 'Café <x@far.example>', to: ann, subject: 'Hello[2J' },
      ...{ text: 'Grüße]0;evil\nsecondline', at: house.clock.now() },
    },
  ])
  assert.equal(harmless('a\x1b[31m\x9b1m\u202eb\u2066c\u{e0041}\ud800\td\n'), 'a[31m1mbc\ufffd\td\n')
})

test('SOML: on the terminal, or else in the mailbox', async (context) => {
  const { house, shown, sitDown, send } = await open(context)
  assert.match(await send('SOML'), /^250 2\.0\.0 OK: delivered/)
  assert.equal((await house.inbox(ann)).length, 1)
  await sitDown()
  assert.match(await send('SOML'), /^250 2\.0\.0 OK: shown/)
  assert.deepEqual([(await house.inbox(ann)).length, shown.length], [1, 1])
})

test('SAML: both', async (context) => {
  const { house, shown, sitDown, send } = await open(context)
  await sitDown()
  assert.match(await send('SAML'), /^250 2\.0\.0 OK: delivered/)
  assert.deepEqual([(await house.inbox(ann)).length, shown.length], [1, 1])
})

test('not offered to strangers unless the operator says so', async (context) => {
  const house = await openSmtpHouse(context, { terminals: createTerminals() })
  assert.match(await (await house.connect()).say('SEND FROM:<x@far.example>'), /^502 5\.5\.1/)
})

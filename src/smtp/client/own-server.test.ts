// The client against our own server's protocol machine, over one connection in memory: what one says the other understands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../base/connection.ts'
import { Secret } from '../../base/secret.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../mail/delivery-options.ts'
import { connectScripted } from '../../../test/support/scripted-server.ts'
import { outgoing, summary } from '../../../test/support/smtp-client.ts'
import { TestCore, type TestCoreOptions } from '../../../test/support/smtp-core.ts'
import type { ClientOptions, SmtpClient } from './client.ts'
import { openSmtpClient } from './session.ts'

/** A session with a core that answers as it is told. */
async function openOwn(
  core: TestCore,
  options: Partial<ClientOptions> & { readonly segments?: 'kept' | 'cut' } = {},
): Promise<SmtpClient> {
  const { segments = 'kept', ...rest } = options
  const { clock, client, server } = connectScripted({ segments })
  core.open()
  carry(core, server.connection)
  const result = await openSmtpClient(client, {
    dialect: 'smtp',
    heloName: 'relay.example.org',
    clock,
    ...rest,
  })
  assert.equal(result.type, 'open')
  return result.session
}

function carry(core: TestCore, far: Connection): void {
  let written = 0
  const pass = () => {
    far.write(core.text.slice(written))
    written = core.text.length
    if (core.closed) far.end()
  }
  far.onData = (bytes) => {
    core.feed(bytes)
    pass()
  }
  far.resume()
  pass()
}

const offers: NonNullable<TestCoreOptions['offers']> = {
  dsn: true,
  requireTls: true,
  deliverBy: { minimum: 1 },
  priority: { profile: 'MIXER' },
  noSoliciting: { keywords: [] },
  requireValidSince: true,
}

const everything = outgoing({
  text: 'Subject: x\r\n\r\n..hi\r\n.\r\n',
  eightBit: true,
  options: {
    ...plainMessageOptions,
    body: '8BITMIME',
    smtpUtf8: true,
    ret: 'full',
    envId: 'a=b +c',
    requireTls: true,
    deliverBy: { at: Date.UTC(2026, 0, 1) + 60_000, mode: 'notify', trace: 'not-asked' },
    priority: 3,
    solicitation: ['org.example:ADV'],
    auth: 'a@example.org',
  },
  recipients: [
    {
      address: 'grün@example.org',
      options: {
        notify: ['success', 'failure', 'delay'],
        originalRecipient: 'utf-8;grün+x@example.org',
        requireValidSince: { since: Date.UTC(2014, 3, 3), onFailure: 'reject' },
      },
    },
    { address: 'ann@example.org', options: { ...plainRecipientOptions, notify: [] } },
  ],
})

test('every option arrives as it was meant', async () => {
  for (const segments of ['kept', 'cut'] as const) {
    for (const except of [[], ['CHUNKING'], ['CHUNKING', 'PIPELINING']]) {
      const core = new TestCore({ offers, sasl: true, tls: {} })
      const session = await openOwn(core, { except, segments })
      // The server sees TLS; this client's end of the wire does not, and so never says REQUIRETLS.
      const result = await session.send(everything)
      assert.deepEqual(summary(result), ['accepted', 'accepted'])
      assert.deepEqual(core.messages, ['Subject: x\r\n\r\n..hi\r\n.\r\n'])
      const end = core.questions.find((question) => question.type === 'end')
      assert.ok(end?.type === 'end')
      const { sender, recipients } = end.envelope
      assert.equal(sender.size, 23)
      assert.equal(sender.body, '8BITMIME')
      assert.equal(sender.smtpUtf8, true)
      assert.equal(sender.ret, 'full')
      assert.equal(sender.envId, 'a=b +c')
      assert.deepEqual(sender.by, { seconds: 60, mode: 'notify', trace: 'not-asked' })
      assert.equal(sender.priority, 3)
      assert.deepEqual(sender.solicitation, ['org.example:ADV'])
      assert.equal(sender.auth, 'a@example.org')
      assert.deepEqual(
        recipients.map(({ notify, originalRecipient, requireValidSince }) => ({
          notify,
          originalRecipient,
          requireValidSince,
        })),
        everything.recipients.map(({ options }) => options),
      )
      await session.quit()
    }
  }
})

test('a warm session carries many messages, by every way of sending', async () => {
  for (const except of [[], ['CHUNKING'], ['CHUNKING', 'PIPELINING'], ['PIPELINING']]) {
    for (const eagerChunks of ['always', 'warm', 'never'] as const) {
      const core = new TestCore()
      const session = await openOwn(core, { except, eagerChunks, segments: 'cut' })
      const texts = Array.from({ length: 20 }, (_, index) => `Subject: ${index}\r\n\r\n.\r\n`)
      const sent = await Promise.all(
        texts.map((text) => session.send(outgoing({ text, to: ['a@example.org'] }))),
      )
      assert.deepEqual(
        sent.flatMap(summary),
        Array.from({ length: 20 }, () => 'accepted'),
      )
      assert.deepEqual(core.messages, texts)
      await session.quit()
      assert.equal(core.closed, true)
    }
  }
})

test('binary content goes by BDAT and arrives octet for octet', async () => {
  const core = new TestCore()
  const session = await openOwn(core, { limits: { chunkOctets: 1000, maxEagerOctets: 100 } })
  const text = Uint8Array.from({ length: 5000 }, (_, index) => index % 256)
  const message = outgoing({ text, options: { ...plainMessageOptions, body: 'BINARYMIME' } })
  assert.deepEqual(summary(await session.send(message)), ['accepted'])
  assert.equal(core.messages[0], Buffer.from(text).toString('latin1'))
})

test('LMTP in and out', async () => {
  for (const except of [[], ['CHUNKING']]) {
    const core = new TestCore({ dialect: 'lmtp' })
    const session = await openOwn(core, { dialect: 'lmtp', except })
    const sent = await Promise.all([
      session.send(outgoing({ to: ['a@example.org', 'b@example.org'] })),
      session.send(outgoing({ to: ['c@example.org'] })),
    ])
    assert.deepEqual(sent.map(summary), [['accepted', 'accepted'], ['accepted']])
  }
})

test('passwords are proven to our own server', async () => {
  for (const mechanism of ['PLAIN', 'LOGIN'] as const) {
    const core = new TestCore({ sasl: true, answers: { 'check-password': { type: 'accepted' } } })
    const session = await openOwn(core)
    const result = await session.authenticate({
      identity: { type: 'password', username: 'ann', password: new Secret('geheim') },
      mechanisms: [mechanism],
      inTheClear: 'allowed',
      random: new SeededRandom(2),
    })
    assert.deepEqual(result, { type: 'done', mechanism })
    const asked = core.questions.find((question) => question.type === 'check-password')
    assert.equal(asked?.type === 'check-password' ? asked.password.reveal() : '', 'geheim')
  }
})

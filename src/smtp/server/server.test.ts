// The whole SMTP server on a network in memory: what transcripts cannot tell.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpHost } from '../../../test/support/smtp-host.ts'
import type { TranscriptConnection } from '../../../test/support/transcript.ts'
import { Secret } from '../../base/secret.ts'
import type { ArrivalRecipient, DeliveryResult } from '../../delivery/delivery.ts'
import { plainClient } from '../../sasl/client.ts'
import { scramClient } from '../../sasl/scram-client.ts'
import type { SaslClientExchange } from '../../sasl/mechanism.ts'
import type { AccountId } from '../../store/model.ts'
import { StoreUnavailable } from '../../store/store.ts'

/** Reads whole lines; gives the last line of each reply. */
class Client {
  readonly #connection: TranscriptConnection
  #text = ''

  constructor(connection: TranscriptConnection) {
    this.#connection = connection
  }

  static async open(host: SmtpHost, port: string): Promise<Client> {
    const client = new Client(await host.connect('1', port))
    await client.reply()
    return client
  }

  async say(...lines: string[]): Promise<string> {
    await this.#connection.write(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
    let reply = ''
    for (const _ of lines) reply = await this.reply()
    return reply
  }

  async send(text: string): Promise<string> {
    await this.#connection.write(Buffer.from(text))
    return this.reply()
  }

  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\r]*\r\n)*(\d{3} [^\r]*)\r\n/.exec(this.#text)
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length)
        return match[1] ?? ''
      }
      const bytes = await this.#connection.read()
      if (bytes === null) return '<closed>'
      this.#text += Buffer.from(bytes).toString('latin1')
    }
  }

  drop(): void {
    this.#connection.destroy()
  }
}

async function logIn(client: Client, mechanism: string, exchange: SaslClientExchange): Promise<string> {
  let reply = await client.say(`AUTH ${mechanism}`)
  while (reply.startsWith('334 ')) {
    const challenge = Buffer.from(reply.slice(4), 'base64')
    const response = exchange.respond(challenge.length === 0 ? null : challenge)
    if (response.type === 'failure') return `client: ${response.reason}`
    reply = await client.say(Buffer.from(response.bytes).toString('base64'))
  }
  return reply
}

test('SCRAM-SHA-256 logs in, with the right password alone (RFC 7677)', async () => {
  await using host = new SmtpHost()
  await host.directory.addUserWithScram('ann@example.org', 'pencil')
  const client = await Client.open(host, 'submissions')
  await client.say('EHLO c.example')
  const wrong = scramClient({
    username: 'ann@example.org',
    password: new Secret('pencils'),
    nonce: 'abcdefgh',
  })
  assert.match(await logIn(client, 'SCRAM-SHA-256', wrong), /^535 5\.7\.8/)
  const nobody = scramClient({
    username: 'nobody@example.org',
    password: new Secret('pencil'),
    nonce: 'abcdefgh',
  })
  assert.match(await logIn(client, 'SCRAM-SHA-256', nobody), /^535 5\.7\.8/)
  const right = scramClient({
    username: 'ann@example.org',
    password: new Secret('pencil'),
    nonce: 'abcdefgh',
  })
  assert.match(await logIn(client, 'SCRAM-SHA-256', right), /^235 2\.7\.0/)
  assert.match(await client.say('MAIL FROM:<ann@example.org>'), /^250/)
})

test('a wrong password opens nothing', async () => {
  await using host = new SmtpHost()
  host.directory.addUser('ann@example.org')
  await host.fixture('clear text allowed')
  const client = await Client.open(host, 'submission')
  await client.say('EHLO c.example')
  const exchange = plainClient({ username: 'ann@example.org', password: new Secret('wrong') })
  assert.match(await logIn(client, 'PLAIN', exchange), /^535/)
  assert.match(await client.say('MAIL FROM:<ann@example.org>'), /^530/)
})

const someone: ArrivalRecipient = { account: 9 as AccountId, deliveredTo: 'gone@example.org' }

const endings: [name: string, outcome: DeliveryResult | Error, reply: RegExp][] = [
  ['no room by now', { ok: false, reason: 'over-quota' }, /^452 4\.2\.2/],
  ['a loop', { ok: false, reason: 'loop' }, /^554 5\.4\.6/],
  ['no account by now', { ok: false, reason: 'no-such-account' }, /^550 5\.1\.1/],
  ['one of several gone', { ok: true, unknown: [someone] }, /^250 2\.0\.0/],
  ['a store that cannot serve', new StoreUnavailable('disk full'), /^451 4\.3\.0/],
  ['a fault of ours', new TypeError('bug'), /^451 4\.3\.0/],
]

for (const [name, outcome, reply] of endings) {
  test(`at the end of the message: ${name}`, async () => {
    await using host = new SmtpHost()
    await host.fixture('domain example.org')
    host.directory.addUser('ann@example.org')
    host.delivery.outcome = outcome
    const client = await Client.open(host, 'smtp')
    await client.say('EHLO c.example', 'MAIL FROM:<a@c.example>', 'RCPT TO:<ann@example.org>', 'DATA')
    assert.match(await client.send('Subject: x\r\n\r\nhi\r\n.\r\n'), reply)
    await host.expect('nothing is staged')
    // Whatever it was, the session goes on.
    assert.match(await client.say('MAIL FROM:<a@c.example>', 'NOOP'), /^250/)
  })
}

test('a connection that breaks in mid-message leaves nothing', async () => {
  await using host = new SmtpHost()
  await host.fixture('domain example.org')
  host.directory.addUser('ann@example.org')
  const client = await Client.open(host, 'smtp')
  await client.say('EHLO c.example', 'MAIL FROM:<a@c.example>', 'RCPT TO:<ann@example.org>', 'DATA')
  const other = await Client.open(host, 'smtp')
  client.drop()
  await other.say('NOOP', 'NOOP')
  await host.advance(10_000)
  await host.expect('nothing is staged')
})

test('one message to many recipients is delivered in one call', async () => {
  await using host = new SmtpHost()
  await host.fixture('domain example.org')
  const client = await Client.open(host, 'smtp')
  await client.say('EHLO c.example', 'MAIL FROM:<a@c.example>')
  for (let index = 0; index < 100; index++) {
    host.directory.addUser(`u${index}@example.org`)
    assert.match(await client.say(`RCPT TO:<u${index}@example.org>`), /^250/)
  }
  await client.say('DATA')
  assert.match(await client.send('Subject: x\r\n\r\nhi\r\n.\r\n'), /^250/)
  assert.equal(host.delivery.arrivals.length, 1)
  assert.equal(host.delivery.delivered.length, 100)
  // RFC 5321 §7.2: with several recipients the Received field names none.
  assert.doesNotMatch(host.delivery.delivered[0]?.text ?? '', /for </)
})

// `posthorn serve` on PostgreSQL: one message all the way, and two nodes that share one database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedPostgres } from '../support/postgres.ts'
import { LineSocket } from './line-socket.ts'
import { addPeople, allListeners, done, type Served, serve, temporaryPlace, writeConfig } from './program.ts'

const postgres = await sharedPostgres()
const skip = postgres.available ? false : postgres.reason

async function databaseSetting(): Promise<string> {
  assert.ok(postgres.available)
  const { host, user, database } = await postgres.cluster.createDatabase()
  return `store.postgres.url = "postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}"\n`
}

async function deliver(server: Served, subject: string): Promise<void> {
  const client = await LineSocket.open(server.port('smtp'))
  await client.reply()
  for (const line of ['EHLO client.test', 'MAIL FROM:<eve@example.org>', 'RCPT TO:<ann@mail.test>', 'DATA']) {
    assert.match((await client.command(line)) ?? '', /^[23]/, line)
  }
  assert.match((await client.command(`Subject: ${subject}\r\n\r\nText of ${subject}\r\n.`)) ?? '', /^250 /)
  client.close()
}

async function imap(server: Served): Promise<LineSocket> {
  const client = await LineSocket.open(server.port('imap'))
  await client.line()
  client.send('a LOGIN ann@mail.test secret\r\nb SELECT INBOX\r\n')
  assert.match((await client.lineLike('b ')) ?? '', /^b OK/)
  return client
}

test('a message travels from SMTP to IMAP and POP3', { skip }, async (context) => {
  const place = await temporaryPlace(context)
  await writeConfig(place.folder, (await databaseSetting()) + allListeners)
  await addPeople(place.folder)
  const server = await serve(place)
  await deliver(server, 'by way of SQL')
  const reading = await imap(server)
  reading.send('c FETCH 1 BODY.PEEK[TEXT]\r\n')
  assert.equal(await reading.lineLike('* 1 FETCH'), '* 1 FETCH (BODY[TEXT] {23}')
  assert.equal(await reading.line(), 'Text of by way of SQL')
  const pop3 = await LineSocket.open(server.port('pop3'))
  pop3.send('USER ann@mail.test\r\nPASS secret\r\nRETR 1\r\n')
  assert.equal(await pop3.lineLike('Subject:'), 'Subject: by way of SQL')
  assert.equal(await pop3.lineLike('Text'), 'Text of by way of SQL')
  for (const client of [reading, pop3]) client.close()
})

test('mail that one node accepts is announced to an idle session of another', { skip }, async (context) => {
  const database = await databaseSetting()
  const places = [await temporaryPlace(context), await temporaryPlace(context)] as const
  for (const { folder } of places) await writeConfig(folder, database + allListeners)
  await addPeople(places[0].folder)
  const [first, second] = [await serve(places[0]), await serve(places[1])]
  const idle = await imap(second)
  idle.send('c IDLE\r\n')
  assert.match((await idle.lineLike('+')) ?? '', /^\+ /)
  await deliver(first, 'from the other node')
  assert.equal(await idle.lineLike('* 1 EXISTS'), '* 1 EXISTS')
  idle.send('DONE\r\nd FETCH 1 ENVELOPE\r\n')
  assert.match((await idle.lineLike('* 1 FETCH')) ?? '', /"from the other node"/)
  idle.close()
  // An administrator of either node sees both.
  assert.match(await done(places[1].folder, ['account', 'list']), /ann@mail\.test/)
})

test(
  'a node relays, and an administrator of another sees its queue and gives orders',
  { skip },
  async (context) => {
    const database = await databaseSetting()
    const relay =
      'relay = { enabled = true, routes = [{ kind = "host", host = "127.0.0.1", port = 1, tls = "none" }] }\n'
    const places = [await temporaryPlace(context), await temporaryPlace(context)] as const
    for (const { folder } of places) await writeConfig(folder, database + relay + allListeners)
    const [{ folder }, other] = places
    await addPeople(folder)
    await done(folder, ['alias', 'add', 'away@mail.test', 'joe@far.test'])
    const server = await serve(places[0])
    await serve(other)
    const client = await LineSocket.open(server.port('smtp'))
    await client.reply()
    for (const line of [
      'EHLO client.test',
      'MAIL FROM:<eve@example.org>',
      'RCPT TO:<away@mail.test>',
      'DATA',
    ]) {
      assert.match((await client.command(line)) ?? '', /^[23]/, line)
    }
    assert.match((await client.command('Subject: x\r\n\r\nhello\r\n.')) ?? '', /^250 /)
    client.close()
    let queue = ''
    while (!queue.includes('refuses connections')) queue = await done(other.folder, ['queue', 'list'])
    assert.match(queue, /joe@far\.test {2}waiting, 1 attempts/)
    assert.match(await done(other.folder, ['queue', 'fail', '--domain', 'far.test']), /1 recipient given up/)
    assert.doesNotMatch(await done(folder, ['queue', 'list']), /waiting, 1/)
  },
)

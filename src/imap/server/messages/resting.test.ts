// When a session holds the list of its mailbox's messages, and when not: counted by how often the store is asked for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { testStore } from '../../../../test/support/store.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { imapSection } from '../../../config/sections/imap.ts'

const { restAfter } = imapSection.parse({})

/** Two sessions of one account with five messages; `loads` counts what the store was asked. */
async function twoSessions(context: TestContext) {
  const store = await testStore(context)
  const counted = { loads: 0 }
  const counting = {
    ...store,
    loadView: (request: Parameters<typeof store.loadView>[0]) => {
      counted.loads++
      return store.loadView(request)
    },
  }
  const clock = new VirtualClock()
  const { service } = imapServer(counting, {}, { clock })
  const other = await new ImapClient(service).open('u@example.org')
  const client = await new ImapClient(service).open('u@example.org')
  for (let count = 0; count < 5; count++) await other.command('APPEND INBOX {2+}\r\nhi')
  await client.command('SELECT INBOX')
  const pass = async (milliseconds: number): Promise<void> => {
    await clock.advance(milliseconds)
    await new Promise((resolve) => setImmediate(resolve))
    await client.quiet()
  }
  return { counted, client, other, pass }
}

async function told(client: ImapClient): Promise<string> {
  await new Promise((resolve) => setImmediate(resolve))
  await client.quiet()
  return client.take()
}

test('a session in IDLE that never used its view is told of new messages without it', async (context) => {
  const { counted, client, other } = await twoSessions(context)
  await client.send('i IDLE\r\n')
  client.take()
  await other.command('APPEND INBOX {2+}\r\nhi')
  assert.equal(await told(client), '* 6 EXISTS\r\n* 6 RECENT\r\n')
  await other.command('APPEND INBOX {2+}\r\nhi')
  assert.equal(await told(client), '* 7 EXISTS\r\n* 7 RECENT\r\n')
  assert.equal(counted.loads, 0)
  await client.send('DONE\r\n')
  client.take()
  assert.match(
    await client.command('FETCH 6:* (UID FLAGS)'),
    /^\* 6 FETCH \(UID 6 FLAGS \(\\Recent\)\)\r\n\* 7 FETCH/,
  )
  assert.equal(counted.loads, 1)
})

test('after imap.restAfter without need of the view it is given back, and its numbers return with it', async (context) => {
  const { counted, client, other, pass } = await twoSessions(context)
  await client.command('FETCH 1:* (FLAGS)')
  await pass(restAfter - 1)
  await client.command('FETCH 1:* (FLAGS)')
  await pass(restAfter - 1)
  await client.command('FETCH 1:* (FLAGS)')
  assert.equal(counted.loads, 1, 'it was needed all the time')
  await pass(restAfter)
  await pass(restAfter)
  await other.command('SELECT INBOX')
  await other.command('UID STORE 2,4 +FLAGS.SILENT (\\Deleted)')
  await other.command('EXPUNGE')
  const { loads } = counted
  const answer = await client.command('FETCH 1:* (UID)')
  assert.equal(counted.loads, loads + 1)
  const numbers = [...answer.matchAll(/\* (\d+) FETCH \(UID (\d+)/g)].map(
    ([, number, uid]) => `${number}=${uid}`,
  )
  assert.deepEqual(numbers, ['1=1', '2=2', '3=3', '4=4', '5=5'])
  assert.match(await client.command('NOOP'), /^\* 4 EXPUNGE\r\n\* 2 EXPUNGE\r\n/)
  assert.match(await client.command('UID FETCH 5 (FLAGS)'), /^\* 3 FETCH \(UID 5 FLAGS \(\\Recent\)\)/)
})

test('with something pending the view is kept until that was told', async (context) => {
  const { counted, client, other, pass } = await twoSessions(context)
  await client.command('FETCH 1:* (FLAGS)')
  await other.command('SELECT INBOX')
  await other.command('UID STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.command('UID EXPUNGE 1')
  const { loads } = counted
  await pass(restAfter * 3)
  assert.match(await client.command('NOOP'), /^\* 1 EXPUNGE\r\n/)
  assert.equal(counted.loads, loads)
  await pass(restAfter * 3)
  await client.command('UID SEARCH ALL')
  assert.equal(counted.loads, loads + 1)
})

test('a mailbox that goes while its session rests is told as expunged, message by message', async (context) => {
  const { client, other, pass } = await twoSessions(context)
  await other.command('CREATE Gone')
  for (let count = 0; count < 2; count++) await other.command('APPEND Gone {2+}\r\nhi')
  await client.command('SELECT Gone')
  await client.command('FETCH 1:* (FLAGS)')
  await pass(restAfter * 2)
  await other.command('DELETE Gone')
  assert.match(await client.command('NOOP'), /^\* 2 EXPUNGE\r\n\* 1 EXPUNGE\r\n/)
})

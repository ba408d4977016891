// imapflow, and what it uses of the extensions that it is offered: compression, CONDSTORE, QRESYNC, quota, special use, identity.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { letter } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { administer, startServer } from './server.ts'

test('everything is compressed, a large message as well', async (t) => {
  const server = await startServer(t)
  const said: string[] = []
  const note = (entry: unknown): void => {
    said.push(JSON.stringify(entry))
  }
  const logger = { trace: note, debug: note, info: note, warn: note, error: note }
  const client = await otherClient(t, server, { logger })
  const large = letter('large', '0123456789 and more of the same\r\n'.repeat(60_000))
  await client.append('INBOX', large, ['\\Seen'])
  await client.mailboxOpen('INBOX')
  const message = await client.fetchOne('1', { source: true })
  assert.ok(message)
  assert.equal(message.source?.toString(), large)
  assert.ok(
    said.some((line) => line.includes('COMPRESS DEFLATE')),
    'it asked for no compression',
  )
  await client.logout()
})

test('CONDSTORE: reads what changed since', async (t) => {
  const server = await startServer(t)
  for (const number of [1, 2, 3]) await server.put('ann@mail.test', letter(`m${number}`))
  const client = await otherClient(t, server)
  const other = await otherClient(t, server)
  const before = (await client.mailboxOpen('INBOX')).highestModseq
  assert.ok(before !== undefined && before > 0n)
  await other.mailboxOpen('INBOX')
  await other.messageFlagsAdd('2', ['\\Flagged'])
  await client.noop()
  const changed = await client.fetchAll('1:*', { uid: true, flags: true }, { changedSince: before })
  assert.deepEqual(
    changed.map(({ uid, modseq }) => [uid, (modseq ?? 0n) > before]),
    [[2, true]],
  )
})

test('QRESYNC: an expunge is told by its UID', async (t) => {
  const server = await startServer(t)
  for (const number of [1, 2, 3]) await server.put('ann@mail.test', letter(`m${number}`))
  const client = await otherClient(t, server, { qresync: true })
  const other = await otherClient(t, server)
  await client.mailboxOpen('INBOX')
  assert.ok(client.enabled.has('QRESYNC'))
  await other.mailboxOpen('INBOX')
  const gone = once(client, 'expunge')
  const idle = client.idle()
  await other.messageDelete('2', { uid: true })
  const [told] = (await gone) as [{ uid?: number; vanished?: boolean }]
  assert.deepEqual([told.uid, told.vanished], [2, true])
  await client.noop()
  await idle
})

test('quota, identity and special use', async (t) => {
  const server = await startServer(t)
  await administer(server.posthorn, 'account.quota', {
    address: 'ann@mail.test',
    quota: { bytes: 1_048_576, messages: null },
  })
  const client = await otherClient(t, server)
  await server.put('ann@mail.test', letter('m1', 'x\r\n'.repeat(10_000)))
  const quota = await client.getQuota('INBOX')
  assert.ok(quota)
  assert.ok((quota.storage?.limit ?? 0) >= 1_000_000, JSON.stringify(quota))
  assert.ok((quota.storage?.usage ?? 0) > 0)
  assert.ok(client.serverInfo?.name)
  const folders = await client.list()
  const uses = folders.map(({ specialUse }) => specialUse).filter((use) => use !== undefined)
  assert.deepEqual(uses.toSorted(), ['\\Archive', '\\Drafts', '\\Inbox', '\\Junk', '\\Sent', '\\Trash'])
  const message = await client
    .mailboxOpen('INBOX')
    .then(() => client.fetchOne('1', { threadId: true, uid: true }))
  assert.ok(message)
  assert.match(message.emailId ?? '', /^M\d+_\d+$/)
  assert.match(message.threadId ?? '', /^T\d+_\d+$/)
})

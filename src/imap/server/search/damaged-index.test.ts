import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { testStore } from '../../../../test/support/store.ts'

test('a search reads the messages where the index cannot be read, and says so', async (context) => {
  const searcher = {
    lookUp: () => Promise.reject(new Error('block 3 is damaged')),
    fuzzyJudge: () => Promise.resolve(() => 0),
  }
  const { service, events } = imapServer(await testStore(context), {}, { searcher })
  const client = await new ImapClient(service).open('ann@example.org')
  context.after(() => client.leave())
  await client.send('a APPEND INBOX {30+}\r\nSubject: x\r\n\r\nthe needle is in\r\n')
  await client.command('SELECT INBOX')
  for (let doubling = 0; doubling < 9; doubling++) await client.command('COPY 1:* INBOX')
  assert.match(await client.command('SEARCH RETURN (COUNT) TEXT needle'), /COUNT 512\r\n/)
  assert.equal(events.count('search.unreadable'), 1)
})

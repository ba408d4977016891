// RFC 9051 §7.5.1: "An EXPUNGE response MUST NOT be sent when no command is in progress, nor while responding to a FETCH, STORE, or SEARCH
// command", and the same of SORT and THREAD (RFC 5256 §3, §4) and of VANISHED (RFC 7162 §3.2.10); "UID FETCH, UID STORE, and UID
// SEARCH are different commands". Another session has removed messages 2 and 4 of five: which command is it that tells?
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ImapClient, imapServer } from '../../../test/support/imap-session.ts'
import { testStore } from '../../../test/support/store.ts'

/** Use sequence numbers, or name them in their answers: they keep it back, and the next NOOP tells. */
const kept = [
  ...['FETCH 1:* FLAGS', 'FETCH 1:* (UID FLAGS)', 'FETCH 1:* ENVELOPE', 'FETCH 2 BODY.PEEK[]', 'FETCH 5 UID'],
  ...['STORE 1 +FLAGS (\\Seen)', 'STORE 1:* +FLAGS.SILENT (\\Flagged)', 'STORE 2 FLAGS ()'],
  ...['SEARCH ALL', 'SEARCH 1:*', 'SEARCH RETURN (ALL) ALL', 'SEARCH RETURN (COUNT) ALL', 'SEARCH SUBJECT x'],
  ...['SORT (DATE) UTF-8 ALL', 'SORT RETURN (MIN) (DATE) UTF-8 ALL', 'THREAD REFS UTF-8 ALL'],
]

/** Nothing was done that could tell. */
const silent = ['CAPABILITY', 'ID NIL', 'ENABLE X', 'FOO', 'FETCH x UID', 'FETCH 6 UID']

/** What a client does that has no numbers under way. */
const telling = [
  ...['NOOP', 'CHECK', 'NAMESPACE', 'LIST "" *', 'LSUB "" *', 'XLIST "" *', 'UIDBATCHES 1'],
  ...['STATUS INBOX (MESSAGES)', 'STATUS Sent (MESSAGES)', 'CREATE x', 'DELETE x', 'RENAME Trash Bin'],
  ...['SUBSCRIBE Sent', 'UNSUBSCRIBE Sent', 'APPEND Sent {2+}\r\nhi', 'APPEND INBOX {2+}\r\nhi'],
  ...[
    'GETQUOTA u@example.org',
    'GETQUOTAROOT INBOX',
    'MYRIGHTS INBOX',
    'GETACL INBOX',
    'GENURLAUTH x INTERNAL',
  ],
  ...['LISTRIGHTS INBOX u@example.org', 'SETACL Sent a@example.org l', 'DELETEACL Sent a@example.org'],
  ...['GETMETADATA INBOX /private/comment', 'SETMETADATA INBOX (/private/comment NIL)', 'URLFETCH x'],
  ...['ESEARCH IN (personal) RETURN (COUNT) ALL', 'UID FETCH 1:* FLAGS', 'UID FETCH 2 BODY.PEEK[]'],
  ...['UID STORE 1:* +FLAGS (\\Draft)', 'UID SEARCH ALL', 'UID SEARCH 1:*', 'UID SEARCH RETURN (ALL) ALL'],
  ...[
    'UID SORT (DATE) UTF-8 ALL',
    'UID THREAD REFS UTF-8 ALL',
    'COPY 1 Sent',
    'COPY 2 Sent',
    'UID COPY 2 Sent',
  ],
  ...['UID COPY 1:* Sent', 'MOVE 1 Sent', 'MOVE 2 Sent', 'UID MOVE 2 Sent', 'EXPUNGE', 'UID EXPUNGE 1:*'],
  ...['REPLACE 1 INBOX {2+}\r\nhi', 'UID REPLACE 1 INBOX {2+}\r\nhi', 'IDLE\r\nDONE'],
]

/** RFC 9051 §6.4.1: "No untagged EXPUNGE responses are sent"; and after the others nothing is selected either. */
const leaving = [
  'CLOSE',
  'UNSELECT',
  'SELECT Sent',
  'EXAMINE Sent',
  'SELECT nosuch',
  'UNAUTHENTICATE',
  'LOGOUT',
]

/** A client with five messages selected, two of them removed by another session and not told yet. */
async function removedUnheard(context: TestContext, mode: string): Promise<ImapClient> {
  const { service } = imapServer(await testStore(context))
  const other = await new ImapClient(service).open('u@example.org')
  const client = await new ImapClient(service).open('u@example.org')
  for (let count = 0; count < 5; count++) await other.command('APPEND INBOX {2+}\r\nhi')
  if (mode !== 'IMAP4rev1') await client.command(`ENABLE ${mode}`)
  await client.command('SELECT INBOX')
  await client.command('UID FETCH 1:* (FLAGS)')
  await other.command('SELECT INBOX')
  await other.command('UID STORE 2,4 +FLAGS.SILENT (\\Deleted)')
  await other.command('EXPUNGE')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(client.take(), '', 'no command is in progress')
  return client
}

const gone: Record<string, RegExp> = {
  IMAP4rev1: /^(?:\* 4 EXPUNGE\r\n\* 2 EXPUNGE|\* 2 EXPUNGE\r\n\* 3 EXPUNGE)\r$/m,
  IMAP4rev2: /^(?:\* 4 EXPUNGE\r\n\* 2 EXPUNGE|\* 2 EXPUNGE\r\n\* 3 EXPUNGE)\r$/m,
  QRESYNC: /^\* VANISHED (?:1:)?2,4\r$/m,
}
const anyGone = /^\* (?:\d+ EXPUNGE|VANISHED)/m

for (const [mode, form] of Object.entries(gone)) {
  test(`${mode}: which commands tell of what others expunged`, async (context) => {
    for (const command of telling) {
      const client = await removedUnheard(context, mode)
      assert.match(await client.command(command), form, command)
    }
    for (const command of [...kept, ...silent]) {
      const client = await removedUnheard(context, mode)
      assert.doesNotMatch(await client.command(command), anyGone, command)
      assert.match(await client.command('NOOP'), form, `NOOP after ${command}`)
    }
    for (const command of leaving) {
      const client = await removedUnheard(context, mode)
      assert.doesNotMatch(await client.command(command), anyGone, command)
    }
  })
}

test('while it is kept back, numbers are those of before', async (context) => {
  const client = await removedUnheard(context, 'IMAP4rev1')
  assert.match(await client.command('FETCH 5 UID'), /^\* 5 FETCH \(UID 5\)/)
  assert.match(await client.command('SEARCH UID 5'), /^\* SEARCH 5\r/)
  assert.match(await client.command('STORE * +FLAGS (\\Flagged)'), /^\* 5 FETCH /m)
  assert.match(await client.command('UID FETCH 5 FLAGS'), /^\* 5 FETCH \(UID 5[^\n]+\n(?:.+\n)*\* 4 EXPUNGE/)
  assert.match(await client.command('FETCH * UID'), /^\* 3 FETCH \(UID 5\)/)
})

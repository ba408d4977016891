// What happens while the names of mailboxes are being read is not lost: a store may answer that reading before a change, and the change
// be heard before the answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { testStore } from '../../../../test/support/store.ts'
import type { Store } from '../../../store/store.ts'

type Reading = 'listMailboxes' | 'sharedMailboxes'

/** `watching` logs in and has the answers of one kind of reading held back, from when `hold` is called, until it releases them. */
async function scene(context: TestContext, reading: Reading) {
  const store = await testStore(context)
  let gate: Promise<void> | null = null
  let asked: (() => void) | null = null
  const held = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== reading) return value.bind(target)
      return async (...request: unknown[]) => {
        const answer: unknown = await value.apply(target, request)
        asked?.()
        await gate
        return answer
      }
    },
  })
  const watching = await new ImapClient(imapServer(held).service).open('ann@example.org')
  const other = await new ImapClient(imapServer(store).service).open('bob@example.org')
  const own = await new ImapClient(imapServer(store).service).open('ann@example.org')
  context.after(async () => {
    for (const client of [watching, other, own]) await client.leave()
  })
  const hold = (): { readonly reached: Promise<void>; release(): void } => {
    const opened = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    gate = opened.promise
    asked = () => reached.resolve()
    return {
      reached: reached.promise,
      release: () => {
        gate = asked = null
        opened.resolve()
      },
    }
  }
  return { watching, other, own, hold }
}

async function told(client: ImapClient): Promise<string> {
  await nextTurn()
  await client.quiet()
  return client.take()
}

/** Turns of sessions are given by `setImmediate`. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('a message that comes while its new mailbox is being found is told', async (context) => {
  const { watching, own, hold } = await scene(context, 'listMailboxes')
  assert.match(
    await watching.command('NOTIFY SET (subtree Work (MessageNew MessageExpunge MailboxMetadataChange))'),
    /^OK/,
  )
  const answers = hold()
  assert.match(await own.command('CREATE Work'), /^OK/)
  await answers.reached
  assert.match(await own.command('APPEND Work {2+}\r\nhi'), /^OK/)
  assert.match(await own.command('SETMETADATA Work (/shared/comment "x")'), /^OK/)
  answers.release()
  assert.equal(
    await told(watching),
    '* METADATA "Work" /shared/comment\r\n* STATUS "Work" (UIDNEXT 2 MESSAGES 1)\r\n',
  )
})

test('what a STATUS has read and not heard of yet is told with it', async (context) => {
  const store = await testStore(context)
  const reading = { asked: () => {}, gate: Promise.resolve() }
  let feed: (() => void)[] | null = null
  const late = new Proxy(store, {
    get: (target, name) => {
      if (name === 'getMailbox')
        return async (...request: Parameters<Store['getMailbox']>) => {
          reading.asked()
          await reading.gate
          return target.getMailbox(...request)
        }
      if (name === 'subscribeBatched')
        return (...[account, listener]: Parameters<Store['subscribeBatched']>) =>
          target.subscribeBatched(account, (changes) => {
            if (feed === null) listener(changes)
            else feed.push(() => listener(changes))
          })
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const watching = await new ImapClient(imapServer(late).service).open('ann@example.org')
  const own = await new ImapClient(imapServer(store).service).open('ann@example.org')
  context.after(() => Promise.all([watching.leave(), own.leave()]))
  for (const text of ['a', 'b']) await own.command(`APPEND Sent {2+}\r\n${text}\n`)
  await own.command('SELECT Sent')
  assert.match(await watching.command('NOTIFY SET (personal (MessageNew MessageExpunge FlagChange))'), /^OK/)
  const asked = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  Object.assign(reading, { asked: asked.resolve, gate: opened.promise })
  assert.match(await own.command('STORE 1 +FLAGS.SILENT (\\Deleted)'), /^OK/)
  await asked.promise
  feed = []
  assert.match(await own.command('EXPUNGE'), /OK/)
  opened.resolve()
  const first = await told(watching)
  const missed = feed
  feed = null
  for (const tell of missed) tell()
  assert.match(first + (await told(watching)), /^\* STATUS "?Sent"? \(UIDNEXT 3 MESSAGES 1 [^)]*\)\r\n$/)
})

test('a message that comes to a mailbox that is being renamed into what is watched is told', async (context) => {
  const { watching, own, hold } = await scene(context, 'listMailboxes')
  await own.command('CREATE Old')
  assert.match(await watching.command('NOTIFY SET (subtree Work (MessageNew MessageExpunge))'), /^OK/)
  const answers = hold()
  assert.match(await own.command('RENAME Old Work'), /^OK/)
  await answers.reached
  assert.match(await own.command('APPEND Work {2+}\r\nhi'), /^OK/)
  answers.release()
  assert.equal(await told(watching), '* STATUS "Work" (UIDNEXT 2 MESSAGES 1)\r\n')
})

test('what comes while a watch begins is told', async (context) => {
  const { watching, own, hold } = await scene(context, 'listMailboxes')
  const answers = hold()
  const begun = watching.command('NOTIFY SET (personal (MessageNew MessageExpunge))')
  await answers.reached
  assert.match(await own.command('APPEND INBOX {2+}\r\nhi'), /^OK/)
  answers.release()
  assert.match(
    (await begun) + (await told(watching)),
    /^\* STATUS INBOX \(UIDNEXT 2 MESSAGES 1\)\r\nOK [^\r]*\r\n$/,
  )
})

test('what came to the mailbox of another before it was listened to is told', async (context) => {
  const { watching, other, hold } = await scene(context, 'sharedMailboxes')
  const group = '(subtree "Other Users" (MessageNew MessageExpunge))'
  assert.match(await watching.command(`NOTIFY SET ${group}`), /^OK/)
  const answers = hold()
  assert.match(await other.command('SETACL INBOX ann@example.org lr'), /^OK/)
  await answers.reached
  assert.match(await other.command('APPEND INBOX {2+}\r\nhi'), /^OK/)
  answers.release()
  const status = '* STATUS "Other Users/bob@example.org/INBOX"'
  assert.equal(await told(watching), `${status} (UIDNEXT 2 MESSAGES 1)\r\n`)
})

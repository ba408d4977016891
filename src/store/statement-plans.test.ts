// What concerns one message looks at a few rows, whatever else its account holds: SQLite keeps no statistics here, so how it goes about a
// statement is in the statement.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { MailboxId, StagedMessage, Uid } from './model.ts'
import { migrate } from './sqlite/migrate.ts'
import { openSqliteStore } from './sqlite/index.ts'

const texts = new Set<string>()

async function useEverything(): Promise<void> {
  await using store = await openSqliteStore({
    ...{ folder: ':memory:', clock: new VirtualClock(), random: new SeededRandom(1) },
    onListenerError: assert.ifError,
    beforeStatement: (text) => void texts.add(text),
  })
  await store.addDomain({ name: 'a.test', now: 0 })
  const made = await store.addAccount({
    address: 'ann@a.test',
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: null, messages: null },
    mailboxes: [{ name: 'Other', specialUse: 'archive' }],
    now: 0,
  })
  assert.ok(made.ok)
  const account = made.account.id
  const inbox = 1 as MailboxId
  const other = 2 as MailboxId
  const now = 0
  const bytes = Buffer.from('Subject: x\r\n\r\nx\r\n')
  const message: StagedMessage = { blob: { type: 'inline', size: bytes.length, bytes }, structure: '{}' }
  const one = (uid: number): [[Uid, Uid]] => [[uid as Uid, uid as Uid]]
  texts.clear()
  for (let count = 0; count < 4; count++)
    await store.deliver({ message, internalDate: 0, targets: [{ account, prefix: '' }] })
  const appended = { message, flags: 0, keywords: '', internalDate: 0 }
  await store.append({ account, mailbox: inbox, messages: [appended], now })
  await store.copy({ account, from: inbox, to: other, uids: one(1), now })
  await store.move({ account, from: inbox, to: other, uids: one(2), now })
  const place = { account, mailbox: inbox, uids: one(3) }
  await store.setFlags({ ...place, mode: 'add', flags: 8, keywords: ['word'] })
  await store.expunge({ ...place, which: 'deleted' })
  await store.expunge({ ...place, uids: one(1), which: 'regardless' })
  for await (const _ of store.messages(place)) assert.ok(true)
  for await (const _ of store.messageTexts({ ...place, data: true })) assert.ok(true)
  const flags = { flags: 0, keywords: '', receivedAt: 0 }
  const source = { type: 'message', message } as const
  const added = await store.addEmail({ account, source, mailboxes: [other], ...flags, now })
  assert.ok(added.ok)
  const { email } = added
  // The UID behind the copied one and the moved one.
  const places = [[other, 3]] as const
  const add = { flags: 1, keywords: ['seen'] }
  const [changed] = await store.changeEmails({
    account,
    changes: [{ email, places, add, enter: [inbox] }],
    now,
  })
  assert.equal(changed?.ok, true)
  const both = [...places, [inbox, 6]] as const
  assert.deepEqual(await store.destroyEmails({ account, emails: [{ email, places: both }] }), [])
}

test('nothing about one message goes through its account or mailbox', async () => {
  await useEverything()
  const database = new DatabaseSync(':memory:')
  migrate(database)
  const through: string[] = []
  for (const text of texts) {
    if (!/^(select|insert|update|delete)/i.test(text)) continue
    for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${text}`).all()) {
      const step = String(detail)
      const all = /^(SCAN|SEARCH) (email|message|blob)\b(?!.*(\buid|\bid|rowid|email_orphan)\b)/.test(step)
      if (all) through.push(`${text}: ${step}`)
    }
  }
  assert.deepEqual(through, [])
})

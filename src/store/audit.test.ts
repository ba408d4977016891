// The audit finds each fault that is planted behind the store's back.
import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { encodeStructure } from '../mail/mime/codec.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import { testFolder } from '../../test/support/store.ts'
import type { StoreLimits } from './limits.ts'
import type { AccountId, MailboxId } from './model.ts'
import { openSqliteStore } from './sqlite/index.ts'
import type { Store } from './store.ts'

async function open(folder: string, more: Partial<StoreLimits> = {}): Promise<Store> {
  return openSqliteStore({
    folder,
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: { inlineBlobBytes: 1_000, ...more },
    onListenerError: assert.ifError,
  })
}

/** A folder with one account: three small messages, one expunged, one copied; a large one; and one row of the queue at work. */
async function furnished(context: TestContext): Promise<string> {
  const folder = (await testFolder(context)).path
  await using store = await open(folder)
  await store.addDomain({ name: 'a.test', now: 0 })
  const made = await store.addAccount({
    address: 'ann@a.test',
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: null, messages: null },
    mailboxes: [{ name: 'Trash', specialUse: 'trash' }],
    now: 0,
  })
  assert.ok(made.ok)
  const account = made.account.id
  for (const size of [10, 20, 30, 5_000]) {
    const writer = store.blobs.stage()
    await writer.write(new Uint8Array(size))
    // Each answers the same one: the first begins the thread, and the others are in it.
    const walker = new MimeWalker()
    walker.push(Buffer.from(`Message-ID: <${size}@x.test>\r\nReferences: <1@x.test>\r\n\r\n`))
    const message = { blob: await writer.finish(), structure: encodeStructure(walker.finish()) }
    await store.deliver({ message, internalDate: 0, targets: [{ account, prefix: 'X: é\r\n' }] })
  }
  const place = { account, mailbox: 1 as MailboxId }
  await store.copy({ account, from: place.mailbox, to: 2 as MailboxId, uids: [[2, 3]], now: 0 })
  await store.setFlags({ ...place, uids: [[1, 2]], mode: 'add', flags: 1, keywords: ['k'] })
  await store.expunge({ ...place, uids: [[1, 1]], which: 'regardless' })
  const rights = { negative: false, mode: 'replace', rights: 'lr' } as const
  assert.ok((await store.setAccess({ ...place, grantee: null, ...rights })).ok)
  const changes = ['/shared/comment', '/private/comment'].map((name) => ({ name, value: new Uint8Array(3) }))
  assert.ok((await store.setAnnotations({ ...place, viewer: account, changes })).ok)
  const create = [{ value: '1' }, { value: '2' }]
  assert.ok((await store.changeObjects({ account, kind: 'thing', create, now: 0 })).ok)
  await queueOne(store)
  assert.deepEqual(await store.audit(), [])
  return folder
}

async function queueOne(store: Store): Promise<void> {
  const writer = store.blobs.stage()
  await writer.write(new Uint8Array(40))
  const recipient = {
    address: 'b@far.test',
    domain: 'far.test',
    reversePath: null,
    options: plainRecipientOptions,
    nextAttempt: 0,
    turn: 0,
    state: { type: 'waiting' },
  } as const
  const delivered = await store.deliver({
    message: { blob: await writer.finish(), structure: '{}' },
    internalDate: 0,
    targets: [],
    enqueue: {
      name: 'queued',
      origin: 'api',
      account: null,
      sender: 'ann@a.test',
      reversePath: 'ann@a.test',
      prefix: '',
      messageId: null,
      options: plainMessageOptions,
      arrivedAt: 0,
      expiresAt: 1,
      delayReportAt: null,
      recipients: [recipient],
    },
  })
  assert.ok(delivered.ok)
  const claim = { domain: 'far.test', limit: 1, now: 0, holder: 'h', leaseUntil: 1 }
  assert.equal((await store.claimDue(claim)).length, 1)
}

const faults: readonly [check: string, fault: string][] = [
  ['quota', 'UPDATE account SET used_bytes = used_bytes + 1'],
  ['quota', 'UPDATE account SET used_messages = used_messages - 1'],
  ['counts', 'UPDATE mailbox SET messages = messages + 1 WHERE id = 1'],
  ['counts', 'UPDATE mailbox SET unseen = unseen - 1 WHERE id = 1'],
  ['counts', 'UPDATE mailbox SET deleted = 1 WHERE id = 1'],
  ['counts', 'UPDATE mailbox SET bytes = 0 WHERE id = 2'],
  ['uid', 'UPDATE mailbox SET uid_next = 2, recent_from = 1 WHERE id = 1'],
  ['uid', 'INSERT INTO tombstone (account, modseq, mailbox, first, last) VALUES (1, 3, 1, 2, 2)'],
  ['uid', 'UPDATE message SET added = 1 WHERE mailbox = 1 AND uid = 4'],
  ['modseq', 'UPDATE message SET modseq = 999 WHERE mailbox = 1 AND uid = 2'],
  ['modseq', 'UPDATE account SET modseq = 1'],
  ['email', 'UPDATE email SET refs = refs + 1 WHERE id = 2'],
  ['email', 'DELETE FROM email WHERE id = 3'],
  ['email', 'UPDATE email SET size = size + 1 WHERE id = 3'],
  ['email', 'UPDATE account SET next_email = 2'],
  ['email', 'UPDATE email SET blob = 77 WHERE id = 2'],
  ['blob', 'UPDATE blob SET refs = 9 WHERE id = 2'],
  ['blob', "UPDATE blob SET data = x'00' WHERE id = 2"],
  ['blob-file', 'UPDATE blob SET size = size + 1 WHERE key IS NOT NULL'],
  ['blob', 'UPDATE blob SET refs = 0 WHERE size = 40'],
  ['queue-blob', 'UPDATE queue_message SET size = 41'],
  ['queue-blob', 'DELETE FROM blob WHERE size = 40'],
  ['queue-counts', 'UPDATE queue_message SET unsettled = 2'],
  ['queue-counts', 'UPDATE queue_message SET reports = 1'],
  ['queue-counts', 'DELETE FROM queue_recipient'],
  ['queue-lease', 'DELETE FROM queue_holder'],
  ['tombstone', 'UPDATE tombstone SET modseq = 999'],
  ['tombstone', 'UPDATE tombstone SET mailbox = 77'],
  ['mailbox', "UPDATE mailbox SET name = 'no/where' WHERE id = 2"],
  ['mailbox', "UPDATE mailbox SET name = 'in' WHERE id = 1"],
  ['mailbox', 'UPDATE account SET next_mailbox = 2'],
  ['thread', 'UPDATE email SET thread = 2 WHERE id = 3'],
  ['thread', 'UPDATE thread_key SET thread = 2'],
  ['thread', 'UPDATE thread_key SET thread = 77'],
  ['sharing', 'UPDATE access_entry SET grantee = 77'],
  ['annotation', 'UPDATE annotation SET mailbox = 77'],
  ['annotation', 'UPDATE annotation SET viewer = 77 WHERE viewer <> 0'],
  ['annotation', "UPDATE annotation SET name = '/private/x' WHERE viewer = 0"],
  ['news', "UPDATE news SET modseq = 999 WHERE kind = 'rights'"],
  ['news', "UPDATE news SET mailbox = 77 WHERE kind = 'annotation'"],
  ['object', 'UPDATE object_kind SET modseq = 1'],
  ['object', 'UPDATE account SET next_object = 1'],
  ['foreign-key', "INSERT INTO subscription (account, name) VALUES (55, 'x')"],
]

for (const [check, fault] of faults) {
  test(`the audit finds (${check}): ${fault}`, async (context) => {
    const folder = await furnished(context)
    {
      using database = new DatabaseSync(join(folder, 'posthorn.db'), { enableForeignKeyConstraints: false })
      database.exec(fault)
    }
    await using store = await open(folder)
    const findings = await store.audit()
    assert.ok(
      findings.some((finding) => finding.check === check),
      JSON.stringify(findings),
    )
  })
}

test('the audit finds a file that is gone', async (context) => {
  const folder = await furnished(context)
  const [place] = await readdir(join(folder, 'blobs'))
  assert.ok(place)
  await rm(join(folder, 'blobs', place), { recursive: true })
  await using store = await open(folder)
  assert.deepEqual(
    (await store.audit()).map(({ check }) => check),
    ['blob-file'],
  )
})

const blockFaults: readonly [check: string, fault: string][] = [
  ['counts', 'UPDATE mailbox SET unseen = unseen - 1 WHERE id = 2'],
  [
    'flags',
    'UPDATE message SET modseq = (SELECT modseq FROM mailbox WHERE id = 2) WHERE mailbox = 2 AND uid = 1',
  ],
  ['flags', 'UPDATE flag_block SET first = first + 1'],
  ['flags', "INSERT INTO flag_block SELECT account, mailbox, first + 1, x'000080000000' FROM flag_block"],
  ['flags', "UPDATE message SET keywords = '' WHERE mailbox = 2 AND uid = 2"],
]

for (const [check, fault] of blockFaults) {
  test(`the audit finds of flags in blocks (${check}): ${fault}`, async (context) => {
    const folder = await furnished(context)
    {
      await using store = await open(folder, { flagBlockChanges: 1 })
      const request = { account: 1 as AccountId, mailbox: 2 as MailboxId, uids: [[1, 9]] as const }
      assert.ok((await store.setFlags({ ...request, mode: 'add', flags: 0, keywords: ['k'] })).ok)
      assert.ok((await store.setFlags({ ...request, mode: 'add', flags: 2, keywords: [] })).ok)
      assert.deepEqual(await store.audit(), [])
    }
    {
      using database = new DatabaseSync(join(folder, 'posthorn.db'))
      database.exec(fault)
    }
    await using store = await open(folder)
    const findings = await store.audit()
    assert.ok(
      findings.some((finding) => finding.check === check),
      JSON.stringify(findings),
    )
  })
}

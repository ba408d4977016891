// What is exported and imported again is the same: octets, flags, keywords, dates, names, special uses, subscriptions; in every form.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { Store } from '../store/store.ts'
import { testFolder, testStore } from '../../test/support/store.ts'
import {
  contentsOf,
  exportFrom,
  filesAt,
  importInto,
  type Kept,
  newAccount,
  put,
} from '../../test/support/transfer-house.ts'
import { openEmlTarget, openZipTarget } from './eml-target.ts'
import type { ExportTarget } from './export-target.ts'
import { openMaildirTarget } from './maildir-target.ts'
import { openMboxTarget } from './mbox-target.ts'

const targets: Record<string, (path: string) => Promise<ExportTarget>> = {
  mbox: openMboxTarget,
  maildir: openMaildirTarget,
  eml: openEmlTarget,
  zip: (path) => openZipTarget(`${path}.zip`),
}

let number = 0

async function roundTrip(
  context: TestContext,
  format: string,
  fill: (store: Store, account: Awaited<ReturnType<typeof newAccount>>) => Promise<void>,
): Promise<void> {
  const folder = await testFolder(context)
  const path = join(folder.path, 'out')
  const [from, to] = [await testStore(context), await testStore(context)]
  const [ann, bob] = [await newAccount(from, 'ann'), await newAccount(to, 'bob')]
  await fill(from, ann)
  const open = targets[format] ?? openMboxTarget
  const exported = await exportFrom(from, ann, { target: await open(path) })
  const source = await filesAt(format === 'zip' ? `${path}.zip` : path)
  const { written, problems } = await importInto(to, bob, { source })
  assert.deepEqual(problems, [])
  assert.equal(written.imported, exported.messages)
  assert.deepEqual(await contentsOf(to, bob), await contentsOf(from, ann))
}

const line = fc.oneof(
  fc.constantFrom(
    'From a@b Sat Nov 21 10:05:09 2026',
    '>From x',
    'Status: RO',
    'Content-Length: 70',
    '',
    '.',
    'From ',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
)
const end = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '\r\n\r\n', '')
const text = fc
  .array(fc.tuple(line, end), { maxLength: 10 })
  .map((lines) => lines.map((parts) => parts.join('')).join(''))
const keywords = fc
  .uniqueArray(fc.constantFrom('$Forwarded', 'work', 'x.y', '$Label1', 'a'), { maxLength: 3 })
  .map((names) => names.toSorted().join(' '))
const message: fc.Arbitrary<Kept> = fc.record({
  text,
  flags: fc.nat(31),
  keywords,
  date: fc.integer({ min: 0, max: 2_000_000_000_000 }),
})
const name = fc.constantFrom(
  'INBOX',
  'Sent',
  'Gr\u00fc\u00dfe & Co',
  'a/b',
  'A',
  'a',
  'con',
  '.x',
  'x. ',
  '\u65e5\u672c/x.y',
  'sent?',
  '-',
)
const filling = fc.array(fc.tuple(name, message), { maxLength: 12 })

for (const format of Object.keys(targets)) {
  test(`property: any mailbox comes back the same from ${format}`, async (context) => {
    await fc.assert(
      fc.asyncProperty(filling, async (messages) => {
        number++
        await roundTrip(context, format, async (store, account) => {
          for (const [mailbox, kept] of messages)
            await put(store, account, { mailbox: mailbox.trim(), ...kept })
        })
      }),
      { numRuns: 12 },
    )
    assert.ok(number > 0)
  })

  test(`names, special uses, subscriptions, copies and large messages come back from ${format}`, async (context) => {
    await roundTrip(context, format, async (store, account) => {
      const large = `Subject: large\r\n\r\n${'From here\r\n0123456789\r\n'.repeat(60_000)}`
      await put(store, account, {
        mailbox: 'Projects/2026/\u00c4rger',
        text: large,
        flags: 3,
        keywords: 'work',
      })
      for (let copy = 0; copy < 3; copy++)
        await put(store, account, { mailbox: 'INBOX', text: 'the same\r\n' })
      await put(store, account, { mailbox: 'Post', text: 'Subject: x\r\n\r\nx\r\n' })
      const post = await store.findMailbox({ account: account.id, name: 'Post' })
      assert.ok(post)
      await store.setSpecialUse({ account: account.id, mailbox: post.id, specialUse: 'sent' })
      await store.setSubscription({ account: account.id, name: 'Archive', subscribed: false })
      await store.setSubscription({ account: account.id, name: 'Post', subscribed: true })
    })
  })
}

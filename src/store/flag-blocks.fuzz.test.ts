// Keeping flags in blocks changes nothing that a caller of the store sees: the same commands on a store that puts every change into
// blocks, in blocks of a few UIDs, and on one that never does, give the same answers, and both are sound.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { encodeStructure } from '../mail/mime/codec.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import type { AccountId, Change, MailboxId, ModSeq, StagedMessage, Uid } from './model.ts'
import { openSqliteStore } from './sqlite/index.ts'
import type { Store, UidSelection } from './store.ts'

const mailboxes = [1, 2] as MailboxId[]

async function open(limits: { flagBlockChanges: number; flagBlockUids: number }): Promise<Store> {
  const store = await openSqliteStore({
    ...{ folder: ':memory:', clock: new VirtualClock(), random: new SeededRandom(1), limits },
    onListenerError: assert.ifError,
  })
  await store.addDomain({ name: 'a.test', now: 0 })
  for (const local of ['ann', 'bob']) {
    const added = await store.addAccount({
      address: `${local}@a.test`,
      credentials: { argon2id: null, scramSha256: null },
      quota: { bytes: null, messages: null },
      mailboxes: [{ name: 'Trash', specialUse: 'trash' }],
      now: 0,
    })
    assert.ok(added.ok)
  }
  return store
}

async function stage(store: Store, text: string): Promise<StagedMessage> {
  const writer = store.blobs.stage()
  await writer.write(Buffer.from(text))
  const walker = new MimeWalker()
  walker.push(Buffer.from(text))
  return { blob: await writer.finish(), structure: encodeStructure(walker.finish()) }
}

interface Step {
  readonly what: 'append' | 'flags' | 'expunge' | 'copy' | 'move' | 'across' | 'replace' | 'rename'
  readonly mailbox: number
  readonly uids: UidSelection
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: number
  readonly word: string | null
  readonly some: boolean
  readonly back: number
  readonly count: number
}

const range = fc
  .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 30 }))
  .map(([first, more]) => [first, first + more] as const)
/** Ranges of so many more UIDs than one, each so far behind the one before. */
function scattered(pieces: readonly (readonly [more: number, gap: number])[]): UidSelection {
  let next = 0
  return pieces.map(([more, gap]) => {
    const first = next + gap - 1
    next = first + more
    return [first, next] as const
  })
}

const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom('append', 'flags', 'flags', 'flags', 'flags', 'expunge', 'copy', 'move', 'across', 'replace', 'rename'),
    mailbox: fc.integer({ min: 0, max: 1 }),
    uids: fc.oneof(
      { weight: 3, arbitrary: fc.constant([[1, 0xffff_ffff] as const]) },
      { weight: 3, arbitrary: range.map((one) => [one]) },
      {
        weight: 3,
        arbitrary: fc
          .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 2, max: 20 })), { minLength: 2, maxLength: 5 })
          .map(scattered),
      },
    ),
    mode: fc.constantFrom('add', 'remove', 'replace'),
    flags: fc.integer({ min: 0, max: 31 }),
    word: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom('a', 'b') }),
    some: fc.boolean(),
    back: fc.integer({ min: 0, max: 12 }),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 25 },
) // prettier-ignore

const [ann, bob] = [1, 2] as [AccountId, AccountId]

async function perform(store: Store, step: Step): Promise<unknown> {
  const { what, uids, mode, flags, word, some, back, count } = step
  const account = ann
  const mailbox = mailboxes[step.mailbox] ?? (1 as MailboxId)
  const other = mailboxes[1 - step.mailbox] ?? (1 as MailboxId)
  const modSeq = (await store.getAccount(account))?.modSeq ?? 1
  switch (what) {
    case 'append':
    case 'replace': {
      const message = { message: await stage(store, `Subject: ${flags}\r\n\r\n`), flags, keywords: word ?? '' }
      const messages = Array.from({ length: what === 'append' ? count : 1 }, () => ({ ...message, internalDate: 0 }))
      const uid = (uids[0]?.[0] ?? 1) as Uid
      const replaces = what === 'replace' ? { replaces: { mailbox, uid } } : {}
      return await store.append({ account, mailbox, messages, now: 0, ...replaces })
    }
    case 'flags': {
      const since = some && back < 6 ? { unchangedSince: (modSeq - back) as ModSeq } : {}
      const only = some && back > 9 ? { only: { flags: count, keywords: back === 10 } } : {}
      const keywords = word === null ? [] : [word]
      const set = await store.setFlags({ account, mailbox, uids, mode, flags, keywords, ...since, ...only })
      return set.ok ? { ...set, changed: set.changed, columns: null } : set
    }
    case 'expunge':
      return await store.expunge({ account, mailbox, which: back > 9 ? 'regardless' : 'deleted', ...(some && { uids }) })
    case 'copy':
      return await store.copy({ account, from: mailbox, to: some ? other : mailbox, uids, now: 0 })
    case 'move':
      return await store.move({ account, from: mailbox, to: some ? other : mailbox, uids, now: 0 })
    case 'across':
      return await store[some ? 'copy' : 'move']({ account, toAccount: bob, from: mailbox, to: other, uids, now: 0 })
    case 'rename':
      return back < 2 ? await store.renameMailbox({ account, mailbox: mailboxes[0] ?? mailbox, name: `old${modSeq}`, now: 0 }) : null
  }
} // prettier-ignore

async function seen(store: Store, { back, uids, count }: Step): Promise<unknown> {
  const all: unknown[] = []
  for (const account of [ann, bob]) {
    const modSeq = (await store.getAccount(account))?.modSeq ?? 1
    const since = Math.max(1, modSeq - back) as ModSeq
    for (const { id, ...counts } of await store.listMailboxes(account)) {
      const place = { account, mailbox: id }
      const view = await store.loadView(place)
      const rows = (await Array.fromAsync(store.messages({ ...place, uids }))).flat()
      const texts = (await Array.fromAsync(store.messageTexts({ ...place, uids }))).flat()
      const modSeqs = await store.loadModSeqs({ ...place, above: since })
      const asOf = await store.loadView({ ...place, asOf: { modSeq: since, uidNext: count as Uid } })
      all.push([id, counts, view, rows, texts, modSeqs, asOf, await store.deletedBytes(place)])
      all.push(await store.changesSince({ ...place, since }))
      const changes: Change[] = []
      for (let from = since; ;) {
        const more = await store.changesSince({ account, since: from, limit: count })
        changes.push(...more.changes)
        if (more.modSeq === from) break
        from = more.modSeq
      }
      all.push(changes)
    }
  }
  return all
}

test('flags in blocks are seen as flags in rows are', async () => {
  const property = fc.asyncProperty(
    steps,
    fc.integer({ min: 1, max: 12 }),
    async (commands, flagBlockUids) => {
      await using blocks = await open({ flagBlockChanges: 1, flagBlockUids })
      await using rows = await open({ flagBlockChanges: Infinity, flagBlockUids })
      for (const command of [{ ...appendFirst, count: 8 }, ...commands]) {
        assert.deepEqual(await perform(blocks, command), await perform(rows, command))
        assert.deepEqual(await seen(blocks, command), await seen(rows, command))
        assert.deepEqual(await blocks.audit(), [])
      }
    },
  )
  await fc.assert(property, { numRuns: Number(process.env['FLAG_BLOCK_RUNS'] ?? 60) })
})

const appendFirst: Step = {
  ...{ what: 'append', mailbox: 0, uids: [[1, 1]], mode: 'add', flags: 0, word: null },
  ...{ some: false, back: 0, count: 8 },
}

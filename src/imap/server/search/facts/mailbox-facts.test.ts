// Facts grow at their end, are loaded once for all who wait, are made anew when most of their messages are gone, and keep to their limit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FactsCache, MailboxFacts } from './mailbox-facts.ts'
import type { FactKind, FactsRequest } from './mailbox-facts.ts'
import type { AccountId, MailboxId, Message, MessageText } from '../../../../store/model.ts'
import type { UidSelection } from '../../../../store/store.ts'

const account = 1 as AccountId
const mailbox = 1 as MailboxId

/** The part of a structure that is read here (`decodeSummary`). */
function structureOf(subject: string): string {
  const envelope = [null, subject, null, 0, 0, null, null, null, null, null]
  return JSON.stringify([1, 0, envelope, null, '', 0, [], null, [], [], []])
}

/** A mailbox of these UIDs that counts what is read of it. */
class Shelf {
  readonly uids: number[]
  readonly read: string[] = []
  fails = false

  constructor(uids: readonly number[]) {
    this.uids = [...uids]
  }

  readonly store = {
    messages: (request: { uids: UidSelection }) => this.#batches<Message>('rows', request.uids),
    messageTexts: (request: { uids: UidSelection }) => this.#batches<MessageText>('texts', request.uids),
  }

  async *#batches<Row>(what: string, [range]: UidSelection): AsyncGenerator<Row[]> {
    const [first = 0, last = 0] = range ?? []
    this.read.push(`${what} ${first}:${last}`)
    await Promise.resolve()
    if (this.fails) throw new Error('broken')
    for (const uid of this.uids.filter((each) => each >= first && each <= last)) {
      const row = { uid, email: uid + 100, size: 10 * uid, internalDate: uid, savedAt: null }
      // Rows with what the facts read, and no more.
      yield [{ ...row, structure: structureOf(`subject ${uid}`) } as Row]
    }
  }
}

async function load(
  facts: MailboxFacts,
  shelf: Shelf,
  kinds: readonly FactKind[],
  more: Partial<FactsRequest> = {},
): Promise<void> {
  const upTo = shelf.uids.at(-1) ?? 0
  await facts.load({ ...{ store: shelf.store, account, mailbox, kinds, upTo, onBatch: () => true }, ...more })
}

test('only what is new is read, whoever asks, and at once for all that lack it', async () => {
  const shelf = new Shelf([1, 2, 5])
  const facts = new MailboxFacts()
  await Promise.all([load(facts, shelf, ['rows']), load(facts, shelf, ['rows', 'texts', 'threads'])])
  assert.deepEqual(shelf.read, ['rows 1:5', 'texts 1:5'])
  shelf.uids.push(9)
  await load(facts, shelf, ['rows', 'texts'])
  assert.deepEqual(shelf.read.slice(2), ['rows 6:9', 'texts 6:9'])
  await load(facts, shelf, ['threads', 'texts', 'rows'])
  assert.deepEqual(shelf.read.slice(4), ['texts 6:9'])
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => facts.rows.uids.at(at)),
    [1, 2, 5, 9],
  )
  assert.deepEqual(
    [0, 3].map((at) => facts.rows.emails.at(at)),
    [101, 109],
  )
  assert.equal(facts.texts.uids.length, 4)
  assert.equal(facts.threads.uids.length, 4)
})

test('a loading that is ended early or fails goes on where it was', async () => {
  const shelf = new Shelf([1, 2, 3, 4])
  const facts = new MailboxFacts()
  let batches = 0
  await load(facts, shelf, ['rows'], { onBatch: () => ++batches < 2 })
  assert.equal(facts.rows.uids.length, 2)
  shelf.fails = true
  const failing = load(facts, shelf, ['rows'])
  const waiting = load(facts, shelf, ['rows'])
  await assert.rejects(failing, /broken/)
  await assert.rejects(waiting, /broken/)
  shelf.fails = false
  await load(facts, shelf, ['rows'])
  assert.deepEqual(shelf.read.at(-1), 'rows 3:4')
  assert.equal(facts.rows.uids.length, 4)
})

test('`imap.searchMemory`: the mailboxes that were used last stay', async () => {
  const cache = new FactsCache(12_000)
  const shelf = new Shelf(Array.from({ length: 100 }, (_, at) => at + 1))
  const used: MailboxFacts[] = []
  for (const number of [1, 2, 3]) {
    const facts = cache.of(account, number as MailboxId, 100)
    await load(facts, shelf, ['rows'])
    used.push(facts)
  }
  cache.of(account, 1 as MailboxId, 100)
  cache.trim()
  assert.equal(cache.of(account, 1 as MailboxId, 100), used[0])
  assert.equal(cache.of(account, 3 as MailboxId, 100), used[2])
  assert.notEqual(cache.of(account, 2 as MailboxId, 100), used[1])
})

test('facts of a mailbox whose messages are mostly gone are made anew', () => {
  const cache = new FactsCache(1e9)
  const facts = cache.of(account, mailbox, 0)
  assert.equal(cache.of(account, mailbox, 0), facts)
  for (let uid = 1; uid <= 10_001; uid++) facts.rows.uids.push(uid)
  assert.equal(cache.of(account, mailbox, 1), facts)
  assert.notEqual(cache.of(account, mailbox, 0), facts)
})

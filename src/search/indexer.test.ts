import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { type SearchConfig, searchSection } from '../config/sections/search.ts'
import { createEvents, type EventSink } from '../events/event.ts'
import { RealClock } from '../net/real-clock.ts'
import { ingest } from '../store/ingest.ts'
import type { AccountId, EmailId, MailboxId } from '../store/model.ts'
import { openSqliteStore } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { InlineWorkshop, type Workshop } from './index-work.ts'
import { Indexer } from './indexer.ts'
import { createSearcher } from './searcher.ts'
import { ThreadedWorkshop } from './threaded-workshop.ts'

const inbox = 1 as MailboxId
const random = (): SeededRandom => new SeededRandom(1)
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve))
}

class Bench implements AsyncDisposable {
  readonly store: Store
  readonly account: AccountId
  readonly clock: VirtualClock
  readonly indexer: Indexer
  readonly failures: string[] = []

  constructor(
    store: Store,
    account: AccountId,
    options: { config?: Partial<SearchConfig>; workshop?: Workshop },
  ) {
    this.store = store
    this.account = account
    this.clock = new VirtualClock({ settle })
    const config = { ...searchSection.parse(undefined), ...options.config }
    const record: EventSink['record'] = (event, fields) => {
      if (event.name === 'search.failed') this.failures.push(JSON.stringify(fields))
    }
    const events = createEvents([{ record }])
    const workshop = options.workshop ?? new InlineWorkshop()
    this.indexer = new Indexer({ store, workshop, clock: this.clock, events, config, holder: 'test' })
  }

  static async open(options: { config?: Partial<SearchConfig>; workshop?: Workshop } = {}): Promise<Bench> {
    const clock = new VirtualClock()
    const store = await openSqliteStore({
      folder: ':memory:',
      clock,
      random: random(),
      onListenerError: assert.ifError,
    })
    await store.addDomain({ name: 'a.test', now: 0 })
    const quota = { bytes: null, messages: null, mailboxes: null, annotations: null }
    const credentials = { argon2id: null, scramSha256: null }
    const made = await store.addAccount({ address: 'a@a.test', credentials, quota, mailboxes: [], now: 0 })
    assert.ok(made.ok)
    return new Bench(store, made.account.id, options)
  }

  async deliver(...texts: string[]): Promise<void> {
    for (const text of texts) {
      const staging = ingest({ blobs: this.store.blobs })
      await staging.write(Buffer.from(text.replaceAll('\n', '\r\n')))
      const { message } = await staging.finish()
      const targets = [{ account: this.account, prefix: 'Delivered-To: trace4711\r\n' }]
      assert.ok((await this.store.deliver({ message, internalDate: 0, targets })).ok)
    }
  }

  /** Emails from 1 to `last` for which the index says true, and those that it wants read. */
  async search(text: string, last: number): Promise<{ found: number[]; open: number[] }> {
    const searcher = createSearcher({
      store: this.store,
      cache: 1e6,
      listOctets: 1e6,
      onBehind: this.indexer.behind,
    })
    const fields = ['header', 'body', 'mime'] as const
    const { keys } = await searcher.lookUp({ account: this.account, keys: [{ fields, text }] })
    const all = Array.from({ length: last }, (_, index) => index + 1)
    const judged = (verdict: boolean | null): number[] =>
      all.filter((email) => keys[0]?.judge(email as EmailId) === verdict)
    return { found: judged(true), open: judged(null) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.indexer.stop()
    assert.deepEqual(this.failures, [])
    assert.deepEqual(await this.store.audit(), [])
    await this.store.close()
  }
}

const letter = (subject: string, body = 'hello'): string => `From: x@b.test\nSubject: ${subject}\n\n${body}\n`

describe('Indexer', () => {
  it('indexes enough mail once it has rested, and little mail after a while', async () => {
    await using bench = await Bench.open({ config: { after: 3 } })
    bench.indexer.start()
    await settle()
    await bench.deliver(letter('one'), letter('two'))
    await bench.clock.advance('1m')
    assert.deepEqual(await bench.search('one', 3), { found: [], open: [1, 2, 3] })
    await bench.deliver(letter('three'))
    await bench.clock.advance('1s')
    await bench.deliver(letter('four'))
    await bench.clock.advance('1500ms')
    assert.deepEqual((await bench.search('three', 4)).open, [1, 2, 3, 4])
    await bench.clock.advance('1s')
    assert.deepEqual(await bench.search('three', 4), { found: [3], open: [] })
    await bench.deliver(letter('five'))
    await bench.clock.advance('59m')
    assert.deepEqual(await bench.search('five', 5), { found: [], open: [5] })
    await bench.clock.advance('2m')
    assert.deepEqual(await bench.search('five', 5), { found: [5], open: [] })
  })

  it('indexes mail that comes and does not rest', async () => {
    await using bench = await Bench.open({ config: { after: 3 } })
    bench.indexer.start()
    await settle()
    for (let second = 1; second <= 35; second++) {
      await bench.deliver(letter(`mail ${second}`))
      await bench.clock.advance('1s')
    }
    const { open } = await bench.search('mail', 35)
    assert.ok(open.length > 0 && open.length < 10, `${open.length} are not indexed`)
  })

  it('indexes what a search had to read, and what came before it started', async () => {
    await using bench = await Bench.open({ config: { behind: 2 } })
    await bench.deliver(letter('one'), letter('two'))
    bench.indexer.start()
    await settle()
    await bench.clock.advance('1s')
    assert.deepEqual(await bench.search('two', 2), { found: [2], open: [] })
    await bench.deliver(letter('three'), letter('four'))
    assert.deepEqual((await bench.search('two', 4)).open, [3, 4])
    await bench.clock.advance('1s')
    assert.deepEqual((await bench.search('two', 4)).open, [])
  })

  it('merges segments, drops what was expunged, and sweeps what they replaced', async () => {
    await using bench = await Bench.open({ config: { batch: 2 } })
    const { store, account } = bench
    for (let number = 1; number <= 30; number++) await bench.deliver(letter(`mail ${number} w${number % 3}w`))
    await bench.indexer.indexNow(account)
    const before = await store.searchSegments(account)
    assert.ok(before.length < 9, `${before.length} segments`)
    assert.deepEqual((await bench.search('w0w', 30)).found, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30])
    await store.expunge({ account, mailbox: inbox, uids: [[20, 29]], which: 'regardless' })
    for (let number = 31; number <= 60; number++)
      await bench.deliver(letter(`mail ${number} w${number % 3}w`))
    const told: number[] = []
    await bench.indexer.indexNow(account, { onProgress: ({ done }) => told.push(done) })
    assert.deepEqual([told[0], told.at(-1)], [30, 60])
    const emails = (await store.searchSegments(account)).reduce((sum, each) => sum + each.emails, 0)
    assert.ok(emails < 60, `${emails} emails`)
    const { found } = await bench.search('w0w', 60)
    assert.deepEqual(
      found,
      Array.from({ length: 20 }, (_, index) => (index + 1) * 3).filter((email) => email < 20 || email > 29),
    )
  })

  it('goes over mail that is gone', async () => {
    await using bench = await Bench.open()
    const { store, account } = bench
    await bench.deliver(letter('one'), letter('two'))
    await store.expunge({ account, mailbox: inbox, which: 'regardless' })
    assert.deepEqual(await bench.indexer.indexNow(account), { done: 2, newest: 2 })
    assert.deepEqual(await store.searchSegments(account), [])
  })

  it('makes an index of another version anew', async () => {
    await using bench = await Bench.open()
    const { store, account } = bench
    await bench.deliver(letter('one'))
    const id = (await store.beginSegment(account)) ?? assert.fail()
    const range = { firstEmail: 1 as EmailId, lastEmail: 1 as EmailId, emails: 1, size: 0 }
    await store.saveSegment({
      account,
      segment: { id, ...range, version: 0 },
      replaces: [],
      cursor: 1 as EmailId,
    })
    assert.deepEqual(await bench.search('one', 1), { found: [], open: [1] })
    await bench.indexer.indexNow(account)
    assert.deepEqual(await bench.search('one', 1), { found: [1], open: [] })
  })

  it('has long texts read, and leaves the account to who has the lease', async () => {
    await using bench = await Bench.open({ config: { text: 100, header: 200 } })
    const { store, account } = bench
    const long = `From: ${'y'.repeat(300)}@b.test\nSubject: three\n\nlate\n`
    await bench.deliver(letter('one', `${'x '.repeat(200)}late`), letter('two', 'late'), long)
    const lease = { account, name: 'search-index', holder: 'other', now: 0, expiresAt: 9e15 }
    assert.ok(await store.acquireLease(lease))
    await assert.rejects(bench.indexer.indexNow(account), /another node/)
    await store.releaseLease(lease)
    await bench.indexer.indexNow(account)
    assert.deepEqual(await bench.search('late', 3), { found: [2], open: [1, 3] })
  })

  it('rests most of the time while mail arrives', async () => {
    const sleeps: number[] = []
    const time = { now: 0 }
    const clock: Clock = {
      now: () => time.now,
      monotonic: () => (time.now += 1),
      after: (milliseconds, task) => new VirtualClock().after(milliseconds, task),
      sleep: async (milliseconds) => void sleeps.push(milliseconds),
    }
    await using bench = await Bench.open()
    const { store, account } = bench
    const config = { ...searchSection.parse(undefined), share: 10 }
    const parts = { store, clock, config, holder: 'x', events: createEvents([]) }
    await using indexer = new Indexer({ ...parts, workshop: new InlineWorkshop() })
    await bench.deliver(letter('before'))
    await indexer.indexNow(account)
    assert.deepEqual(sleeps, [], 'nothing arrives')
    indexer.start()
    await bench.deliver(...Array.from({ length: 20 }, (_, number) => letter(`${number}`)))
    await indexer.indexNow(account)
    assert.ok(sleeps.length > 0 && sleeps.every((pause) => pause >= 9), sleeps.join(' '))
  })

  it('finds all that a message says: trace fields, parts, names, messages inside', async () => {
    const workshop = new ThreadedWorkshop({ clock: new RealClock(), idle: 10_000 })
    await using bench = await Bench.open({ workshop })
    const body = [
      'Content-Type: multipart/mixed; boundary=x',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      '',
      '--x\nContent-Type: text/html; charset=utf-8\n\n<p>vis<b>ible</b> <style>hidden</style>',
      '--x\nContent-Type: application/pdf; name=report7.pdf\nContent-Transfer-Encoding: base64\n\nc2VjcmV0',
      '--x\nContent-Type: message/rfc822\n\nSubject: inner\n\ninside',
      `--x\nContent-Type: text/plain\n\n${'long text '.repeat(60_000)} faraway`,
      '--x--\n',
    ]
    await bench.deliver(body.join('\n'))
    await bench.indexer.indexNow(bench.account)
    for (const text of ['trace4711', 'gru\u0308ße', 'visible', 'report7', 'inner', 'inside', 'faraway']) {
      assert.deepEqual((await bench.search(text, 1)).found, text === 'trace4711' ? [] : [1], text)
    }
    assert.deepEqual((await bench.search('trace4711', 1)).open, [1], 'a number of something')
    for (const text of ['hidden', 'secret', 'c2vjcmv0']) {
      assert.deepEqual(await bench.search(text, 1), { found: [], open: [] }, text)
    }
  })
})

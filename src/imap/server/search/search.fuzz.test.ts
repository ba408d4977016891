// A search finds the same messages by reading them all, by the columns in memory, by the full-text index, and by an index that has not
// come to the newest ones yet; and all of them find what a plain model of RFC 3501 §6.4.4 finds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold } from '../../../mail/search-text/fold.ts'
import { createEvents } from '../../../events/event.ts'
import { createSearcher } from '../../../search/searcher.ts'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { Indexer } from '../../../search/indexer.ts'
import { InlineWorkshop } from '../../../search/index-work.ts'
import { ingest } from '../../../store/ingest.ts'
import { searchSection } from '../../../config/sections/search.ts'
import { testStore } from '../../../../test/support/store.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import type { AccountId } from '../../../store/model.ts'
import type { Store } from '../../../store/store.ts'

interface Mail {
  readonly subject: string
  readonly from: string
  readonly extra: string
  readonly body: string
}

const words = fc.constantFrom(
  ...['Alpha', 'alphabet', 'BETA', 'be', 'ta', 'straße', '日本', 'x-1', '42', 'Ωmega', 'a b'],
)
const text = fc.array(words, { minLength: 1, maxLength: 4 }).map((all) => all.join(' '))
const mail: fc.Arbitrary<Mail> = fc.record({ subject: text, from: text, extra: text, body: text })

type Key =
  | { readonly key: 'SUBJECT' | 'FROM' | 'BODY' | 'TEXT' | 'HEADER X-Extra'; readonly text: string }
  | { readonly key: 'NOT'; readonly of: Key }
  | { readonly key: 'OR' | 'AND'; readonly one: Key; readonly other: Key }
  | { readonly key: 'SMALLER' | 'SET'; readonly number: number }

const needle = fc.oneof(words, fc.constantFrom('a', 'lph', 'TA ', 'ß', '本', 'nothing', 'body', 'b@c'))
const { key } = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      key: fc.constantFrom('SUBJECT', 'FROM', 'BODY', 'TEXT', 'HEADER X-Extra'),
      text: needle,
    }),
    fc.record({ key: fc.constantFrom('SMALLER', 'SET'), number: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ key: fc.constant('NOT'), of: tie('key') }),
    fc.record({ key: fc.constantFrom('OR', 'AND'), one: tie('key'), other: tie('key') }),
  ) as fc.Arbitrary<Key>,
}))

function header(name: string, value: string): string {
  return `${name}: =?utf-8?B?${Buffer.from(value).toString('base64')}?=\r\n`
}

function source({ subject, from, extra, body }: Mail): string {
  const start = `From: =?utf-8?B?${Buffer.from(from).toString('base64')}?= <b@c.test>\r\n`
  const type = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
  return `${start}${header('Subject', subject)}${header('X-Extra', extra)}${type}\r\n${body}\r\n`
}

function command(of: Key): string {
  switch (of.key) {
    case 'NOT':
      return `NOT ${command(of.of)}`
    case 'OR':
      return `OR ${command(of.one)} ${command(of.other)}`
    case 'AND':
      return `(${command(of.one)} ${command(of.other)})`
    case 'SMALLER':
      return `SMALLER ${of.number}`
    case 'SET':
      return `1:${of.number}`
    default:
      return `${of.key} "${of.text}"`
  }
}

function matches(of: Key, all: readonly Mail[], index: number): boolean {
  const each = all[index]
  assert.ok(each)
  const has = (where: string, what: string): boolean => fold(where).includes(fold(what))
  switch (of.key) {
    case 'NOT':
      return !matches(of.of, all, index)
    case 'OR':
      return matches(of.one, all, index) || matches(of.other, all, index)
    case 'AND':
      return matches(of.one, all, index) && matches(of.other, all, index)
    case 'SMALLER':
      return Buffer.byteLength(source(each)) < of.number
    case 'SET':
      return index < of.number
    case 'SUBJECT':
      return has(each.subject, of.text)
    case 'FROM':
      return has(`${each.from} <b@c.test>`, of.text)
    case 'BODY':
      return has(each.body, of.text)
    case 'HEADER X-Extra':
      return has(each.extra, of.text)
    case 'TEXT':
      return (
        has(each.body, of.text) ||
        ['subject: ' + each.subject, `from: ${each.from} <b@c.test>`, 'x-extra: ' + each.extra].some(
          (field) => has(field, of.text),
        ) ||
        has('mime-version: 1.0', of.text) ||
        has('content-type: text/plain; charset=utf-8', of.text)
      )
  }
}

async function deliver(store: Store, account: AccountId, mails: readonly Mail[]): Promise<void> {
  for (const each of mails) {
    const staging = ingest({ blobs: store.blobs })
    await staging.write(Buffer.from(source(each)))
    const { message } = await staging.finish()
    assert.ok((await store.deliver({ message, internalDate: 0, targets: [{ account, prefix: '' }] })).ok)
  }
}

test('by reading, by columns, by the index and by an index that trails: the same messages', async (context) => {
  const store = await testStore(context)
  await store.addDomain({ name: 'a.test', now: 0 })
  let user = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(mail, { minLength: 22, maxLength: 40 }),
      fc.array(key, { minLength: 3, maxLength: 10 }),
      async (mails, keys) => {
        const address = `u${++user}@a.test`
        const credentials = { argon2id: null, scramSha256: null }
        const made = await store.addAccount({
          ...{ address, credentials, quota: { bytes: null, messages: null }, mailboxes: [], now: 0 },
        })
        assert.ok(made.ok)
        const { account } = made
        const indexer = new Indexer({
          ...{ store, workshop: new InlineWorkshop(), clock: new VirtualClock(), holder: 'test' },
          ...{ events: createEvents([]), config: searchSection.parse(undefined) },
        })
        await deliver(store, account.id, mails.slice(0, -5))
        await indexer.indexNow(account.id)
        await deliver(store, account.id, mails.slice(-5))
        const searcher = createSearcher({ store, cache: 1e6, listOctets: 1e6 })
        const reading = await openSession(store, address, {})
        const trailing = await openSession(store, address, { searcher })
        // A SORT loads the columns.
        const columns = await openSession(store, address, { searcher })
        await columns.command('SORT (SUBJECT) UTF-8 1')
        const check = async (ways: readonly ImapClient[]): Promise<void> => {
          for (const each of keys) {
            const expected = mails.flatMap((_, index) =>
              matches(each, mails, index) ? [` ${index + 1}`] : [],
            )
            for (const [way, client] of ways.entries()) {
              const answer = await client.command(`SEARCH ${command(each)}`)
              assert.equal(
                answer,
                `* SEARCH${expected.join('')}\r\nOK SEARCH completed\r\n`,
                `${way}: ${command(each)}`,
              )
            }
          }
        }
        await check([reading, trailing, columns])
        await indexer.indexNow(account.id)
        await check([trailing])
        for (const client of [reading, trailing, columns]) await client.leave()
        await indexer.stop()
      },
    ),
    { numRuns: 12 },
  )
})

async function openSession(
  store: Store,
  address: string,
  options: NonNullable<Parameters<typeof imapServer>[2]>,
): Promise<ImapClient> {
  const { service } = imapServer(store, {}, options)
  const client = await new ImapClient(service).open(address)
  await client.command('SELECT INBOX')
  return client
}

// The same is found whether the full-text index answers, messages are read, or some of both (RFC 8621 §4.4.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrive } from '../../../../test/support/jmap-house.ts'
import { testStore } from '../../../../test/support/store.ts'
import { SeededRandom } from '../../../base/seeded-random.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { searchSection } from '../../../config/sections/search.ts'
import { createEvents } from '../../../events/event.ts'
import { InlineWorkshop } from '../../../search/index-work.ts'
import { Indexer } from '../../../search/indexer.ts'
import { createSearcher } from '../../../search/searcher.ts'
import type { Searcher } from '../../../search/search.ts'
import type { EmailFilter } from '../../proto/email-filter.ts'
import { emailCondition } from '../../proto/email-filter.ts'
import { filterOf } from '../../proto/standard.ts'
import { Wrong } from '../../proto/shape.ts'
import type { JsonObject } from '../../proto/json.ts'
import { MailAccess } from '../mail-access.ts'
import { findEmails } from './email-results.ts'

const words = ['alpha', 'beta', 'gamma', 'delta', 'Straße', '東京都', 're-use', 'a@b.test', '12-34']

function letterOf(random: SeededRandom): string {
  const word = (): string => words[random.below(words.length)] ?? ''
  const text = `${word()} ${word()}, ${word()}`
  const html = random.below(2) === 1
  const named = random.below(3) === 0
  const header = [
    `From: ${word().replaceAll(/[^a-z]/gi, '') || 'x'} <x@x.test>`,
    `To: to@x.test\r\nSubject: ${word()}`,
  ].join('\r\n')
  if (named) {
    const file = `Content-Disposition: attachment; filename*=UTF-8''${encodeURIComponent(word())}.doc`
    const part = `Content-Type: application/msword\r\n${file}\r\n\r\nx`
    const inside = `--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--b\r\n${part}\r\n--b--\r\n`
    return `${header}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${inside}`
  }
  return [
    `From: ${word().replaceAll(/[^a-z]/gi, '') || 'x'} <${word().replaceAll(/[^a-z]/gi, 'x')}@x.test>`,
    `To: to@x.test\r\nSubject: ${word()} ${word()}\r\nX-Word: ${word()}`,
    `Content-Type: text/${html ? 'html' : 'plain'}; charset=utf-8\r\n`,
    html ? `<p title="${word()}">${text.replace(' ', ' <b>x</b> ')}</p>` : text,
  ].join('\r\n')
}

function filterFrom(json: JsonObject): EmailFilter {
  const read = filterOf(emailCondition)(json)
  assert.ok(!(read instanceof Wrong))
  return read
}

test('index and reading find the same', async (context) => {
  const store = await testStore(context)
  const clock = new VirtualClock()
  const random = new SeededRandom(5)
  await store.addDomain({ name: 'x.test', now: 0 })
  const made = await store.addAccount({
    ...{ address: 'ann@x.test', credentials: { argon2id: null, scramSha256: null }, mailboxes: [], now: 0 },
    quota: { bytes: null, messages: null },
  })
  assert.ok(made.ok)
  const account = made.account.id
  const deliver = async (count: number): Promise<void> => {
    for (let each = 0; each < count; each++) {
      const prefix = 'Delivered-To: ann@x.test\r\n'
      await arrive(store, account, { text: letterOf(random), prefix, at: each * 1000 })
    }
  }
  await deliver(60)
  const config = searchSection.parse(undefined)
  const indexer = new Indexer({
    ...{ store, clock, config, holder: 'test', workshop: new InlineWorkshop() },
    events: createEvents([]),
  })
  await indexer.indexNow(account)
  // These are behind the index.
  await deliver(15)
  const indexed = createSearcher({ store, cache: 1e6, listOctets: 1e6 })
  const access = new MailAccess({ store, memory: 1e8, now: () => 0 })
  const rights = { account, shared: null, fingerprint: '' }
  const ask = async (searcher: Searcher | null, filter: EmailFilter): Promise<number[]> => {
    const searching = { access, searcher, limits: { header: 100_000, text: 100_000 }, rounds: 20 }
    const question = { filter, sort: [], collapseThreads: false }
    const open = async () => ({ view: await access.view(rights) })
    const found = await findEmails(searching, { rights, question, open })
    assert.ok(found && found !== 'mail-comes-too-fast')
    return Array.from(found.slots, (slot) => found.state.view.index.emails.array[slot] ?? 0)
  }
  let hits = 0
  const members = ['text', 'from', 'to', 'subject', 'body'] as const
  const asked = [
    ...words,
    'STRASSE',
    'alph',
    'x',
    '"alpha beta"',
    'alpha gamma',
    '京',
    'title',
    'nothing',
    'doc',
    'msword',
  ]
  const filters: JsonObject[] = asked.flatMap((text) => [
    ...members.map((member) => ({ [member]: text })),
    { header: ['X-Word', text] },
    { operator: 'NOT', conditions: [{ body: text }, { subject: text }] },
  ])
  for (const json of [...filters, { header: ['x-word'] }, { header: ['word'] }]) {
    const filter = filterFrom(json)
    const found = await ask(null, filter)
    hits += found.length
    assert.deepEqual(await ask(indexed, filter), found, JSON.stringify(json))
  }
  const count = async (json: JsonObject): Promise<number> => (await ask(indexed, filterFrom(json))).length
  // RFC 8621 §4.4.1: names of attachments are found by `text`, other fields of parts by nothing.
  assert.ok((await count({ text: 'doc' })) > 10)
  assert.deepEqual([await count({ body: 'doc' }), await count({ text: 'msword' })], [0, 0])
  assert.ok(hits > 1_000, `${hits} hits`)
  access.close()
  await indexer.stop()
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fold } from '../mail/search-text/fold.ts'
import type { AccountId, EmailId } from '../store/model.ts'
import type { SearchBlock } from '../store/search-index.ts'
import type { SearchAnswer, SearchField, TextKey } from './search.ts'
import { createSearcher } from './searcher.ts'
import { SegmentBuilder } from './segment-builder.ts'
import { segmentVersion } from './segment-format.ts'

const account = 1 as AccountId
const everything: readonly SearchField[] = ['header', 'body']

/** Emails from 1 on, each a list of fields and texts; one segment, with one more email behind it that is not indexed. */
function searcherOf(
  emails: readonly (readonly [SearchField, string])[][],
  listOctets = 1_000_000,
): (keys: readonly TextKey[]) => Promise<SearchAnswer> {
  const builder = new SegmentBuilder()
  for (const [index, texts] of emails.entries()) {
    builder.startEmail(index + 1)
    for (const [field, text] of texts) builder.text(field, fold(text))
  }
  const { rows, size } = builder.finish()
  const last = emails.length as EmailId
  const range = { firstEmail: 1 as EmailId, lastEmail: last, emails: emails.length, size }
  const searcher = createSearcher({
    store: {
      searchSegments: async () => [{ id: 1, ...range, version: segmentVersion }],
      searchProgress: async () => ({ account, cursor: last, newest: (last + 1) as EmailId }),
      searchBlocks: async ({ numbers }) =>
        numbers.map((number) => rows.find((row: SearchBlock) => row.number === number)?.bytes),
    },
    cache: 1_000_000,
    listOctets,
  })
  return (keys) => searcher.lookUp({ account, keys })
}

const judged = (answer: SearchAnswer, key = 0): (boolean | null)[] =>
  [1, 2, 3].map((email) => answer.keys[key]?.judge(email as EmailId) ?? null)

describe('lookUp', () => {
  const ask = searcherOf([
    [
      ['header', 'Subject: Your invoice 4711\nX-Id: <20261122.ABCDEF0123@mail.example>'],
      ['body', 'Please pay the open invoices.'],
    ],
    [['body', 'Der Aufzug fährt nach Süden: 日本語の本']],
  ])

  it('is certain of words and pieces of them', async () => {
    const texts = ['INVOICE', 'voic', 'please', '日本', 'süd', '4711']
    const answer = await ask(texts.map((text) => ({ fields: everything, text: fold(text) })))
    assert.equal(answer.indexedUpTo, 2)
    assert.deepEqual(
      texts.map((_, index) => judged(answer, index)),
      [
        [true, false, null],
        [true, false, null],
        [true, false, null],
        [false, true, null],
        [false, true, null],
        [true, false, null],
      ],
    )
  })

  it('wants phrases, numbers of something and runs of a script without spaces read', async () => {
    const texts = ['open invoices', 'abcdef0123@mail', '日本語', 'pay.', 'open elephants', '2026112299']
    const answer = await ask(texts.map((text) => ({ fields: everything, text })))
    assert.deepEqual(
      texts.map((_, index) => judged(answer, index).slice(0, 2)),
      [
        [null, false],
        [null, false],
        [false, null],
        [null, false],
        [false, false],
        [false, false],
      ],
    )
    assert.equal(answer.keys[0]?.unsure, 1)
  })

  it('looks in the fields that it is told', async () => {
    const answer = await ask([
      { fields: ['header'], text: 'please' },
      { fields: ['body'], text: 'please' },
      { fields: ['header'], text: 'invoice', header: 'subject' },
      { fields: ['header'], text: 'invoice', header: 'x-other' },
    ])
    assert.deepEqual(
      answer.keys.map((key) => key.judge(1 as EmailId)),
      [false, true, null, false],
    )
  })

  it('knows nothing of needles without letters', async () => {
    assert.deepEqual(judged(await ask([{ fields: everything, text: '---' }])), [null, null, null])
  })

  it('wants read what would take too many lists to know', async () => {
    const frugal = searcherOf(
      [[['body', 'aa ab ac ad ae af']], [['body', 'xa xb xc xd xe']], [['body', 'z']]],
      3,
    )
    const answer = await frugal([
      { fields: ['body'], text: 'a' },
      { fields: ['body'], text: 'z' },
    ])
    assert.deepEqual(judged(answer, 0), [true, null, null])
    assert.deepEqual(judged(answer, 1), [false, false, true])
  })

  it('ends with the signal', async () => {
    const searcher = createSearcher({
      store: {
        searchSegments: async () => [],
        searchProgress: async () => undefined,
        searchBlocks: async () => [],
      },
      cache: 0,
      listOctets: 0,
    })
    const signal = AbortSignal.abort(new Error('gone'))
    await assert.rejects(searcher.lookUp({ account, keys: [], signal }), /gone/)
  })
})

describe('fuzzy keys (RFC 6203)', () => {
  const ask = searcherOf([
    [
      ['subject', 'IMAP is broken'],
      ['header', 'Subject: IMAP is broken'],
      ['body', 'It breaks when IMAP starts'],
    ],
    [
      ['header', 'Subject: Hello'],
      ['subject', 'Hello'],
      ['body', 'We were breaking the imap server; see the invoice'],
    ],
    [['body', '昨日は東京に行きました']],
  ])
  const found = async (text: string, fields = everything): Promise<number[]> => {
    const answer = await ask([{ fields, text, fuzzy: true }])
    return [1, 2, 3].filter((email) => answer.keys[0]?.judge(email as EmailId) === true)
  }

  for (const [text, emails] of [
    ['IMAP break', [1, 2]],
    ['break imap', [1, 2]],
    ['Helo', [2]],
    ['invoices', [2]],
    ['invioce', [2]],
    ['東京', [3]],
    ['elephant', []],
    ['imap elephant', []],
    ['', []],
  ] as const) {
    it(`finds ${JSON.stringify(text)}`, async () => assert.deepEqual(await found(text), emails))
  }

  it('scores from 1 to 100, the subject above the body', async () => {
    const answer = await ask([{ fields: everything, text: 'imap', fuzzy: true }])
    const [first = 0, second = 0] = [1, 2].map((email) => answer.keys[0]?.score(email as EmailId))
    assert.equal(first, 100)
    assert.ok(second >= 1 && second < 100, String(second))
  })

  it('judges an email that is not indexed by its texts', async () => {
    const searcher = createSearcher({
      store: {
        searchSegments: async () => [],
        searchProgress: async () => undefined,
        searchBlocks: async () => [],
      },
      cache: 0,
      listOctets: 0,
    })
    const judge = await searcher.fuzzyJudge({ fields: everything, text: 'Helo wrold', fuzzy: true })
    assert.ok(judge([{ field: 'body', text: 'hello, world' }]) > 0)
    assert.equal(judge([{ field: 'body', text: 'hello' }]), 0)
    assert.equal(judge([{ field: 'cc', text: 'hello, world' }]), 0)
  })
})

// Queries of emails, and what their results must be by the model: which emails, and in which order.
import assert from 'node:assert/strict'
import type { JsonObject } from '../../../src/jmap/proto/json.ts'
import type { SharedModel, Shown } from './shared-model.ts'

type Test = (shown: Shown, all: readonly Shown[]) => boolean
type Order = (a: Shown, b: Shown, all: readonly Shown[]) => number

export interface Question {
  readonly asked: JsonObject
  readonly test: Test
  /** 0 where the server may choose. */
  readonly order: Order
}

const has =
  (keyword: string): Test =>
  ({ keywords }) =>
    keywords.includes(keyword)

const threadOf = ({ email }: Shown, all: readonly Shown[]): Shown[] =>
  all.filter((other) => other.email.thread === email.thread)

const some =
  (keyword: string): Test =>
  (shown, all) =>
    threadOf(shown, all).some((one) => has(keyword)(one, all))

const every =
  (keyword: string): Test =>
  (shown, all) =>
    threadOf(shown, all).every((one) => has(keyword)(one, all))

const newestFirst: Order = (a, b) => b.email.receivedAt - a.email.receivedAt
const oldestFirst: Order = (a, b) => a.email.receivedAt - b.email.receivedAt
/** Those that hold come last. */
const by =
  (test: Test): Order =>
  (a, b, all) =>
    Number(test(a, all)) - Number(test(b, all))
const falling =
  (order: Order): Order =>
  (a, b, all) =>
    -order(a, b, all)
const then =
  (first: Order, second: Order): Order =>
  (a, b, all) =>
    first(a, b, all) || second(a, b, all)
const byFrom: Order = (a, b) => compare(a.email.from, b.email.from)
const bySubject: Order = (a, b) => compare(a.email.subject, b.email.subject)

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const anything: Test = () => true

const at = (property: string, more: JsonObject = {}): JsonObject => ({ property, ...more })

/** Those that ask about keywords, of emails and of their threads. */
const ofKeywords: readonly Question[] = [
  {
    asked: {
      filter: { operator: 'AND', conditions: [{ notKeyword: '$seen' }, { notKeyword: '$draft' }] },
      sort: [at('hasKeyword', { keyword: '$flagged', isAscending: false }), at('receivedAt')],
    },
    test: (one, all) => !has('$seen')(one, all) && !has('$draft')(one, all),
    order: then(falling(by(has('$flagged'))), oldestFirst),
  },
  {
    asked: {
      filter: { noneInThreadHaveKeyword: '$seen' },
      sort: [at('someInThreadHaveKeyword', { keyword: 'word' }), at('subject')],
    },
    test: (one, all) => !some('$seen')(one, all),
    order: then(by(some('word')), bySubject),
  },
  {
    asked: {
      filter: {
        operator: 'OR',
        conditions: [{ allInThreadHaveKeyword: '$flagged' }, { someInThreadHaveKeyword: 'word' }],
      },
      sort: [at('allInThreadHaveKeyword', { keyword: '$seen', isAscending: false }), at('receivedAt')],
    },
    test: (one, all) => every('$flagged')(one, all) || some('word')(one, all),
    order: then(falling(by(every('$seen'))), oldestFirst),
  },
  {
    asked: { filter: { subject: 'Topic 1', notKeyword: '$answered' }, sort: [at('receivedAt')] },
    test: (one, all) => one.email.subject.includes('Topic 1') && !has('$answered')(one, all),
    order: oldestFirst,
  },
]

/** For the mailboxes that there are. */
export function questionsOf(model: SharedModel): Question[] {
  const [inbox = '', other = inbox] = model.mailboxes.flatMap(({ id, selectable }) =>
    selectable ? [id] : [],
  )
  const isIn =
    (id: string): Test =>
    ({ mailboxIds }) =>
      mailboxIds.includes(id)
  return [
    { asked: { filter: null }, test: anything, order: () => 0 },
    {
      asked: { filter: { inMailbox: inbox }, sort: [at('receivedAt', { isAscending: false })] },
      test: isIn(inbox),
      order: newestFirst,
    },
    {
      asked: { filter: { inMailbox: other }, sort: [at('receivedAt')] },
      test: isIn(other),
      order: oldestFirst,
    },
    {
      asked: { filter: { inMailboxOtherThan: [inbox] }, sort: [at('from'), at('receivedAt')] },
      test: ({ mailboxIds }) => mailboxIds.some((id) => id !== inbox),
      order: then(byFrom, oldestFirst),
    },
    {
      asked: {
        filter: { operator: 'NOT', conditions: [{ inMailbox: inbox }, { hasKeyword: '$flagged' }] },
        sort: [at('subject', { isAscending: false })],
      },
      test: (one, all) => !isIn(inbox)(one, all) && !has('$flagged')(one, all),
      order: falling(bySubject),
    },
    ...ofKeywords,
  ]
}

/** Holds the results of a query without collapsed threads to the model. */
export function holdResults(question: Question, ids: readonly string[], shown: readonly Shown[]): void {
  const words = JSON.stringify(question.asked)
  const wanted = shown.filter((one) => question.test(one, shown))
  assert.deepEqual(ids.toSorted(), wanted.map(({ email }) => email.id).toSorted(), `results of ${words}`)
  const byId = new Map(shown.map((one) => [one.email.id, one]))
  const list = ids.flatMap((id) => byId.get(id) ?? [])
  for (const [index, one] of list.entries()) {
    const next = list[index + 1]
    if (next) assert.ok(question.order(one, next, shown) <= 0, `order of ${words}: ${one.email.id}`)
  }
}

/** RFC 8621 §4.4.3: of each thread the first that matches. */
export function collapsed(ids: readonly string[], shown: readonly Shown[]): string[] {
  const threads = new Map(shown.map(({ email }) => [email.id, email.thread]))
  const seen = new Set<unknown>()
  return ids.filter((id) => {
    const thread = threads.get(id)
    if (seen.has(thread)) return false
    seen.add(thread)
    return true
  })
}

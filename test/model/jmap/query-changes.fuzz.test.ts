// Random changes, and after each of them: do the results of an earlier query with what Email/queryChanges tells give those of the query now
// (RFC 8620 §5.6)? For filters and sorts of what changes and of what does not, with threads collapsed and not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RealRandom } from '../../../src/base/real-random.ts'
import { jmapSection } from '../../../src/config/sections/jmap.ts'
import type { Json, JsonObject } from '../../../src/jmap/proto/json.ts'
import { MailAccess } from '../../../src/jmap/server/mail-access.ts'
import { emailQuery, emailQueryChanges } from '../../../src/jmap/server/emails/email-query.ts'
import type { CallContext, Method } from '../../../src/jmap/server/module.ts'
import { RealClock } from '../../../src/net/real-clock.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import type { Account } from '../../../src/store/model.ts'
import { House } from '../../contracts/house.ts'
import { steps, take, type Step } from './mail-history.ts'

/** `F` is INBOX's id. */
const questions = (inbox: string): JsonObject[] => [
  { filter: null },
  { filter: { inMailbox: inbox }, sort: [{ property: 'receivedAt' }] },
  { filter: { inMailbox: inbox }, collapseThreads: true },
  { filter: { inMailboxOtherThan: [inbox] }, sort: [{ property: 'size' }], collapseThreads: true },
  { filter: { operator: 'NOT', conditions: [{ inMailbox: inbox }, { hasKeyword: '$flagged' }] } },
  { filter: { notKeyword: '$seen' }, sort: [{ property: 'subject' }, { property: 'receivedAt' }] },
  { filter: { noneInThreadHaveKeyword: '$seen' }, collapseThreads: true },
  { filter: { operator: 'OR', conditions: [{ allInThreadHaveKeyword: 'word' }, { subject: '1' }] } },
  { filter: null, sort: [{ property: 'someInThreadHaveKeyword', keyword: '$seen', isAscending: false }] },
  { filter: null, sort: [{ property: 'hasKeyword', keyword: '$flagged' }], collapseThreads: true },
]

interface Told {
  readonly ids: readonly string[]
  readonly queryState: string
}

function contextOf(account: Account): CallContext {
  const place = { id: `A${account.id}`, account, viewer: account, isPersonal: true, isReadOnly: false }
  const context: Pick<CallContext, 'limits' | 'findAccount' | 'supports' | 'now'> = {
    limits: jmapSection.parse({}),
    findAccount: async () => place,
    supports: () => true,
    now: () => 0,
  }
  // No caller and no creation ids are asked for by these methods.
  return context as CallContext
}

async function run(store: House['store'], changes: readonly Step[]): Promise<void> {
  const house = new House({ store, end: async () => undefined })
  await store.addDomain({ name: house.domain, now: house.now })
  const id = await house.account('ann')
  for (const name of ['one', 'two']) await house.create(id, name)
  const account = await house.accountOf(id)
  const access = new MailAccess({ store, memory: 1e9, now: () => 0 })
  const searching = { access, searcher: null, limits: { header: 10_000, text: 10_000 }, rounds: 20 }
  const [query, queryChanges] = [emailQuery(searching), emailQueryChanges(searching)]
  const call = async (method: Method, args: JsonObject): Promise<JsonObject> => {
    const answer = await method.call(contextOf(account), { accountId: `A${id}`, ...args })
    assert.ok('arguments' in answer, JSON.stringify([method.name, args, answer]))
    return answer.arguments
  }
  const ask = async (question: JsonObject): Promise<Told> => {
    const { ids, queryState } = await call(query, question)
    // As RFC 8620 §5.5 has them.
    return { ids, queryState } as unknown as Told
  }
  const asked = questions(`F${id}_1`)
  const before = asked.map((): Told[] => [])
  let serial = 0
  for (const step of changes) {
    if (step.do !== 'look') {
      await take(house, { account: id, step, serial: serial++ })
      continue
    }
    for (const [at, question] of asked.entries()) {
      const now = await ask(question)
      for (const old of before[at] ?? []) {
        const told = await call(queryChanges, {
          ...question,
          sinceQueryState: old.queryState,
          calculateTotal: true,
        })
        assert.deepEqual(applied(old.ids, told), now.ids, JSON.stringify([question, old, told]))
        assert.deepEqual([told['total'], told['newQueryState']], [now.ids.length, now.queryState])
      }
      before[at]?.push(now)
    }
  }
  access.close()
}

/** As a client does it. */
function applied(ids: readonly string[], told: JsonObject): readonly string[] {
  const removed = new Set(told['removed'] as readonly Json[])
  const list = ids.filter((id) => !removed.has(id))
  for (const { id, index } of told['added'] as unknown as { id: string; index: number }[]) {
    assert.ok(index <= list.length, 'there is no gap')
    list.splice(index, 0, id)
  }
  return list
}

test('what a client makes of queryChanges is what query tells', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (changes) => {
      const store = await openSqliteStore({
        ...{ folder: ':memory:', clock: new RealClock(), random: new RealRandom() },
        onListenerError: () => undefined,
      })
      try {
        await run(store, [...changes, { do: 'look' }])
      } finally {
        await store.close()
      }
    }),
    { numRuns: 40 },
  )
})

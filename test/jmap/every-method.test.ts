// What RFC 8620 demands of each method alike: the account is named, and the caller's; nothing unknown is let through; arguments with
// defaults may be left out or null; the numbers of objects that the Session tells are the limits.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Answer, type JmapHouse, standardUsing } from '../support/jmap-house.ts'
import { mailHouse, mailUsing } from '../support/mail-house.ts'

const most = 3
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `x${index}`)
const objects = (count: number): object => Object.fromEntries(ids(count).map((id) => [id, {}]))

interface Method {
  readonly name: string
  /** Beside accountId. */
  readonly wanted: object
  /** What may be null, or left out. */
  readonly nullable: readonly string[]
  /** More than one call may name. */
  readonly tooMany: (count: number) => object | null
}

const get = (type: string): Method => ({
  ...{ name: `${type}/get`, wanted: {}, nullable: ['ids', 'properties'] },
  tooMany: (count) => ({ ids: ids(count) }),
})
const set = (type: string): Method => ({
  ...{ name: `${type}/set`, wanted: {}, nullable: ['ifInState', 'create', 'update', 'destroy'] },
  // All of it counts together (RFC 8620 §2 maxObjectsInSet).
  tooMany: (count) => ({ create: { c: {} }, update: { u: {} }, destroy: ids(count - 2) }),
})
const changes = (type: string, sinceState: string): Method => ({
  ...{ name: `${type}/changes`, wanted: { sinceState }, nullable: ['maxChanges'], tooMany: () => null },
})
const query = (type: string): Method => ({
  ...{
    name: `${type}/query`,
    wanted: {},
    nullable: ['filter', 'sort', 'anchor', 'limit'],
    tooMany: () => null,
  },
})
const queryChanges = (type: string, sinceQueryState: string): Method => ({
  ...{ name: `${type}/queryChanges`, wanted: { sinceQueryState }, tooMany: () => null },
  nullable: ['filter', 'sort', 'maxChanges', 'upToId'],
})
const other = (
  name: string,
  member: string,
  many: (count: number) => unknown,
  more: object = {},
): Method => ({
  ...{ name, wanted: { [member]: many(0), ...more }, nullable: [] },
  tooMany: (count) => ({ [member]: many(count) }),
})

const methods: readonly Method[] = [
  ...['Mailbox', 'Thread', 'Email', 'Identity', 'EmailSubmission', 'VacationResponse', 'Quota'].map(get),
  ...['Mailbox', 'Email', 'Identity', 'EmailSubmission', 'VacationResponse'].map(set),
  ...['Mailbox', 'Thread', 'Email', 'Identity', 'EmailSubmission'].map((type) => changes(type, '0')),
  ...['Mailbox', 'Email', 'EmailSubmission', 'Quota'].map(query),
  ...['Mailbox', 'Email', 'EmailSubmission'].map((type) => queryChanges(type, '0')),
  ...[changes('Quota', 'none'), queryChanges('Quota', 'none')],
  other('Email/import', 'emails', objects),
  other('Email/parse', 'blobIds', ids),
  other('SearchSnippet/get', 'emailIds', ids),
  other('Blob/get', 'ids', ids),
  other('Blob/lookup', 'ids', ids, { typeNames: [] }),
  other('Blob/upload', 'create', objects),
]

interface Scene {
  readonly house: JmapHouse
  ask(name: string, args: object): Promise<Answer>
}

async function open(context: TestContext): Promise<Scene> {
  const { house, ann } = await mailHouse(context, {
    config: { maxObjectsInGet: most, maxObjectsInSet: most },
  })
  await house.account('bob')
  return {
    house,
    async ask(name, args) {
      const [answer] = await house.calls(ann, [[name, args, '0']], [...standardUsing, ...mailUsing])
      return answer ?? assert.fail()
    },
  }
}

for (const { name, wanted, nullable, tooMany } of methods) {
  test(name, async (context) => {
    const { ask } = await open(context)
    const full = { accountId: 'A1', ...wanted }
    const refused = async (args: object): Promise<unknown> => {
      const [told, { type }] = await ask(name, args)
      return told === 'error' ? type : told
    }
    const [told, { accountId }] = await ask(name, full)
    assert.deepEqual([told, accountId], [name, 'A1'])
    // RFC 8620 §3.5: "null is the default value for any argument […] where this is allowed by the type signature".
    const nulls = Object.fromEntries(nullable.map((argument) => [argument, null]))
    assert.equal((await ask(name, { ...full, ...nulls }))[0], name)
    // RFC 8620 §3.6.2.
    assert.equal(await refused(wanted), 'invalidArguments')
    for (const none of [null, 1, ['A1']]) {
      assert.equal(await refused({ ...full, accountId: none }), 'invalidArguments')
    }
    for (const stranger of ['A2', 'A9', 'nobody', 'a1', '']) {
      assert.equal(await refused({ ...full, accountId: stranger }), 'accountNotFound', stranger)
    }
    // RFC 8620 §3.9.
    assert.equal(await refused({ ...full, more: true }), 'invalidArguments')
    for (const argument of [...Object.keys(wanted), ...nullable]) {
      assert.equal(await refused({ ...full, [argument]: true }), 'invalidArguments', argument)
    }
    for (const argument of Object.keys(wanted)) {
      assert.equal(await refused({ ...full, [argument]: null }), 'invalidArguments', argument)
    }
    const beyond = tooMany(most + 1)
    if (beyond !== null) assert.equal(await refused({ ...full, ...beyond }), 'requestTooLarge')
    const within = tooMany(most)
    if (within !== null) assert.equal(await refused({ ...full, ...within }), name)
  })
}

test('of /changes and /queryChanges no state that was never told is taken', async (context) => {
  const { ask } = await open(context)
  for (const { name, wanted } of methods) {
    for (const since of Object.keys(wanted).filter((argument) => argument.startsWith('since'))) {
      for (const state of ['', 'bogus', '-1', '1.', '999999999', '0 ']) {
        const [told, { type }] = await ask(name, { accountId: 'A1', [since]: state })
        assert.deepEqual([told, type], ['error', 'cannotCalculateChanges'], `${name} ${state}`)
      }
    }
    if (!name.endsWith('/changes')) continue
    for (const maxChanges of [0, -1, 1.5, '1', 2 ** 53]) {
      const [, { type }] = await ask(name, { accountId: 'A1', ...wanted, maxChanges })
      assert.equal(type, 'invalidArguments', `${name} ${maxChanges}`)
    }
  }
})

test('windows, operators and sorts of each /query', async (context) => {
  const { ask } = await open(context)
  const cases: readonly [args: object, type: string | undefined][] = [
    [{ filter: {} }, undefined],
    [{ filter: { operator: 'AND', conditions: [] } }, undefined],
    [{ filter: { operator: 'NOT', conditions: [{ operator: 'OR', conditions: [{}] }] } }, undefined],
    [{ filter: { operator: 'XOR', conditions: [] } }, 'invalidArguments'],
    [{ filter: { operator: 'and', conditions: [] } }, 'invalidArguments'],
    [{ filter: { operator: 'AND' } }, 'invalidArguments'],
    [{ filter: [] }, 'invalidArguments'],
    [{ filter: { colour: 'red' } }, 'unsupportedFilter'],
    [{ filter: { operator: 'AND', conditions: [{}, { colour: 'red' }] } }, 'unsupportedFilter'],
    [{ sort: [] }, undefined],
    [{ sort: [{ property: 'colour' }] }, 'unsupportedSort'],
    [{ sort: [{}] }, 'invalidArguments'],
    [{ sort: [{ property: 7 }] }, 'invalidArguments'],
    [{ sort: {} }, 'invalidArguments'],
    [{ position: 99 }, undefined],
    [{ position: -99 }, undefined],
    [{ position: 0.5 }, 'invalidArguments'],
    [{ anchor: 'nothing', position: 0 }, 'anchorNotFound'],
    [{ anchor: null, anchorOffset: 7 }, undefined],
    [{ anchor: 5 }, 'invalidArguments'],
    [{ limit: 0 }, undefined],
    [{ limit: -1 }, 'invalidArguments'],
    [{ limit: 10_000_000 }, undefined],
    [{ calculateTotal: 'yes' }, 'invalidArguments'],
  ]
  for (const type of ['Mailbox', 'Email', 'EmailSubmission', 'Quota']) {
    for (const [args, wanted] of cases) {
      const [, answer] = await ask(`${type}/query`, { accountId: 'A1', ...args })
      assert.equal(answer['type'], wanted, `${type} ${JSON.stringify(args)}`)
      if (wanted !== undefined) continue
      // RFC 8620 §5.5: "MUST be omitted if the "calculateTotal" request argument is not true".
      assert.ok(!Object.hasOwn(answer, 'total'))
      const { limit } = args as { limit?: number }
      assert.equal(answer['limit'], limit === 0 ? undefined : 5000)
    }
    const [, { total }] = await ask(`${type}/query`, { accountId: 'A1', limit: 0, calculateTotal: true })
    assert.equal(total, type === 'Mailbox' ? 2 : 0)
  }
})

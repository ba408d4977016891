// The standard methods over the type of RFC 8620 §5.7, kept in memory.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { at, JmapHouse, mailAlone, textAt } from '../../../test/support/jmap-house.ts'
import { core } from '../proto/capabilities.ts'
import { MethodError, SetError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'
import { optional, record, string } from '../proto/shape.ts'
import type { Account } from '../../store/model.ts'
import type { JmapModule } from './module.ts'
import { queryChangesMethod, queryMethod, resultList } from './query-methods.ts'
import { copyMethod } from './copy-method.ts'
import { applyOneByOne, changesMethod, getMethod, setMethod } from './standard-methods.ts'

class Todos {
  readonly all = new Map<string, JsonObject>()
  readonly states: { created: string[]; updated: string[]; destroyed: string[] }[] = []
  #next = 1

  get state(): string {
    return String(this.states.length)
  }

  note(what: 'created' | 'updated' | 'destroyed', id: string): void {
    this.states.push({ created: [], updated: [], destroyed: [], [what]: [id] })
  }

  create(object: JsonObject): JsonObject | SetError {
    const { title } = object
    if (typeof title !== 'string') return new SetError('invalidProperties', null, { properties: ['title'] })
    const id = `t${this.#next++}`
    this.all.set(id, { id, ...object })
    this.note('created', id)
    return { id }
  }

  update(id: string, patch: JsonObject): null | SetError {
    const known = this.all.get(id)
    if (known === undefined) return new SetError('notFound')
    this.all.set(id, { ...known, ...patch })
    this.note('updated', id)
    return null
  }

  destroy(id: string): null | SetError {
    if (!this.all.delete(id)) return new SetError('notFound')
    this.note('destroyed', id)
    return null
  }
}

const type = 'Todo'
const capability = core

function todoModule(todos: Todos): JmapModule {
  const condition = record({ title: optional(string) })
  const query = { type, capability, condition, sortable: ['title'], extra: {} }
  const select = (title: string | undefined, descends: boolean): string[] => {
    const ids = [...todos.all]
      .filter(([, todo]) => title === undefined || todo['title'] === title)
      .map(([id]) => id)
    return descends ? ids.toReversed() : ids
  }
  return {
    capabilities: [],
    types: [],
    methods: [
      getMethod({
        ...{ type, capability, properties: ['id', 'title', 'more'], extra: {} },
        isProperty: (name) => name.startsWith('x:'),
        defaultProperties: ['id', 'title'],
        load: async (_call, { ids }) => ({
          state: todos.state,
          list:
            ids === null
              ? [...todos.all.values()]
              : ids.flatMap((id) => [todos.all.get(id)].filter((todo) => todo !== undefined)),
        }),
      }),
      changesMethod({
        ...{ type, capability },
        load: async (_call, { sinceState, maxChanges }) => {
          const since = Number(sinceState)
          if (!Number.isInteger(since)) return new MethodError('cannotCalculateChanges')
          const steps = todos.states.slice(since, since + maxChanges)
          const gather = (what: 'created' | 'updated' | 'destroyed') => steps.flatMap((step) => step[what])
          const newState = String(since + steps.length)
          return {
            ...{ created: gather('created'), updated: gather('updated'), destroyed: gather('destroyed') },
            ...{ newState, hasMoreChanges: newState !== todos.state },
          }
        },
      }),
      setMethod({
        ...{ type, capability, extra: {} },
        state: async () => todos.state,
        apply: (call, work, { done }) =>
          applyOneByOne(call, work, {
            done,
            each: {
              create: async (_creationId, object) => todos.create(object),
              update: async (id, patch) => todos.update(id, patch),
              destroy: async (id) => todos.destroy(id),
            },
          }),
      }),
      copyMethod({
        ...{ type, capability, extra: {} },
        state: async () => todos.state,
        async apply(_call, { create }, done) {
          for (const [creationId, object] of create) {
            const id = textAt(object, 'id')
            const original = todos.all.get(id)
            if (original === undefined) done.notCreated.set(creationId, new SetError('notFound'))
            else done.created.set(creationId, { id: `copy-${id}` })
          }
        },
      }),
      queryMethod({
        ...query,
        run: async (_call, { filter, sort }) => {
          const title = filter?.operator === null ? filter.condition.title : undefined
          return {
            results: resultList(select(title, sort[0]?.isAscending === false)),
            ...{ queryState: todos.state, canCalculateChanges: true },
          }
        },
      }),
      queryChangesMethod({
        ...query,
        run: async (_call, { sinceQueryState }) =>
          sinceQueryState === 'old'
            ? new MethodError('cannotCalculateChanges')
            : { newQueryState: todos.state, removed: ['t1'], added: [{ id: 't2', index: 0 }], total: 7 },
      }),
    ],
  }
}

interface Scene {
  readonly house: JmapHouse
  readonly ann: Account
  readonly todos: Todos
  call(name: string, args?: object): Promise<JsonObject>
  refusal(name: string, args?: object): Promise<unknown>
}

async function open(context: TestContext, config: object = {}): Promise<Scene> {
  const todos = new Todos()
  const house = await JmapHouse.open(context, { config, modules: () => [todoModule(todos), mailAlone] })
  const ann = await house.account('ann')
  return {
    ...{ house, ann, todos },
    call: (name, args) => house.call(ann, name, { accountId: 'A1', ...args }),
    refusal: (name, args) => house.refusal(ann, name, { accountId: 'A1', ...args }),
  }
}

test('/get tells each object once, the properties asked for, and what is not there', async (context) => {
  const { call, refusal, todos } = await open(context, { maxObjectsInGet: 3 })
  for (const title of ['a', 'b']) todos.create({ title, more: 1 })
  const full = { accountId: 'A1', state: '2' }
  assert.deepEqual(await call('Todo/get', { ids: ['t2', 'no', 't2'] }), {
    ...{ ...full, list: [{ id: 't2', title: 'b' }], notFound: ['no'] },
  })
  assert.deepEqual(await call('Todo/get', { ids: [], properties: [] }), { ...full, list: [], notFound: [] })
  assert.deepEqual(await call('Todo/get', { properties: ['more', 'x:any'] }), {
    ...full,
    list: [
      { id: 't1', more: 1 },
      { id: 't2', more: 1 },
    ],
    notFound: [],
  })
  assert.equal(await refusal('Todo/get', { properties: ['colour'] }), 'invalidArguments')
  assert.equal(await refusal('Todo/get', { ids: ['a', 'b', 'c', 'd'] }), 'requestTooLarge')
  for (const wrong of [
    { ids: 't1' },
    { ids: ['€'] },
    { properties: 'title' },
    { colour: 1 },
    { ids: [null] },
  ]) {
    assert.equal(await refusal('Todo/get', wrong), 'invalidArguments', JSON.stringify(wrong))
  }
  for (const title of ['c', 'd']) todos.create({ title })
  assert.equal(await refusal('Todo/get', { ids: null }), 'requestTooLarge')
})

test('accounts that are not there, and arguments that are missing', async (context) => {
  const { house, ann } = await open(context)
  assert.equal(await house.refusal(ann, 'Todo/get', { ids: null }), 'invalidArguments')
  assert.equal(await house.refusal(ann, 'Todo/get', { accountId: null, ids: null }), 'invalidArguments')
  for (const accountId of ['A2', 'A01', 'nobody', '', 'A1 ']) {
    assert.equal(await house.refusal(ann, 'Todo/get', { accountId, ids: null }), 'accountNotFound')
  }
})

test('/changes goes by steps, and wants a maxChanges from 1', async (context) => {
  const { call, refusal, todos } = await open(context)
  todos.create({ title: 'a' })
  todos.update('t1', { title: 'b' })
  assert.deepEqual(await call('Todo/changes', { sinceState: '0', maxChanges: 1 }), {
    ...{ accountId: 'A1', oldState: '0', newState: '1', hasMoreChanges: true },
    ...{ created: ['t1'], updated: [], destroyed: [] },
  })
  assert.equal((await call('Todo/changes', { sinceState: '0' }))['hasMoreChanges'], false)
  assert.equal(await refusal('Todo/changes', { sinceState: 'x' }), 'cannotCalculateChanges')
  for (const wrong of [
    {},
    { sinceState: 1 },
    { sinceState: '0', maxChanges: 0 },
    { sinceState: '0', maxChanges: 1.5 },
  ]) {
    assert.equal(await refusal('Todo/changes', wrong), 'invalidArguments', JSON.stringify(wrong))
  }
})

test('/set makes, changes and destroys, each by itself, and knows creation ids', async (context) => {
  const { house, ann, call, refusal, todos } = await open(context, { maxObjectsInSet: 4 })
  todos.create({ title: 'old' })
  const set = {
    create: { k1: { title: 'new' }, k2: {} },
    update: { '#k1': { title: 'newer' }, no: { title: 'x' } },
  }
  assert.deepEqual(await call('Todo/set', set), {
    ...{ accountId: 'A1', oldState: '1', newState: '3' },
    ...{ created: { k1: { id: 't2' } }, updated: { t2: null }, destroyed: null },
    notCreated: { k2: { type: 'invalidProperties', properties: ['title'] } },
    notUpdated: { no: { type: 'notFound' } },
    notDestroyed: null,
  })
  const gone = await call('Todo/set', { update: { t1: { title: 'x' } }, destroy: ['t1', '#nothing', 't1'] })
  assert.deepEqual(
    [gone['destroyed'], gone['notUpdated'], gone['notDestroyed']],
    [['t1'], { t1: { type: 'willDestroy' } }, { '#nothing': { type: 'notFound' } }],
  )
  assert.equal(await refusal('Todo/set', { ifInState: '0' }), 'stateMismatch')
  assert.equal((await call('Todo/set', { ifInState: todos.state }))['created'], null)
  assert.equal(await refusal('Todo/set', { destroy: ['a', 'b', 'c', 'd', 'e'] }), 'requestTooLarge')
  for (const wrong of [
    { create: [] },
    { create: { 'k 1': {} } },
    { update: { a: null } },
    { destroy: 'a' },
  ]) {
    assert.equal(await refusal('Todo/set', wrong), 'invalidArguments', JSON.stringify(wrong))
  }
  const chained = await house.calls(ann, [
    ['Todo/set', { accountId: 'A1', create: { k: { title: 'c' } } }, '1'],
    ['Todo/get', { accountId: 'A1', ids: ['#k', '#never'] }, '2'],
    ['Todo/set', { accountId: 'A1', destroy: ['#k'] }, '3'],
  ])
  assert.deepEqual(chained[1]?.[1]['list'], [{ id: 't3', title: 'c' }])
  assert.deepEqual(chained[1]?.[1]['notFound'], ['#never'])
  assert.deepEqual(chained[2]?.[1]['destroyed'], ['t3'])
})

test('/copy names both accounts, and destroys the originals by a call of its own', async (context) => {
  const { house, ann, todos } = await open(context)
  const ben = await house.account('ben')
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  const share = {
    account: ben.id,
    mailbox: inbox.id,
    grantee: ann.id,
    negative: false,
    mode: 'replace' as const,
  }
  await house.store.setAccess({ ...share, rights: 'lri' })
  todos.create({ title: 'a' })
  const copy = {
    ...{ fromAccountId: 'A1', accountId: 'A2', onSuccessDestroyOriginal: true },
    create: { k: { id: 't1' }, l: { id: 't9' } },
  }
  const answers = await house.calls(ann, [['Todo/copy', copy, 'c']])
  assert.deepEqual(
    answers.map(([name, , callId]) => [name, callId]),
    [
      ['Todo/copy', 'c'],
      ['Todo/set', 'c'],
    ],
  )
  assert.deepEqual(answers[0]?.[1], {
    ...{ fromAccountId: 'A1', accountId: 'A2', oldState: '1', newState: '1' },
    ...{ created: { k: { id: 'copy-t1' } }, notCreated: { l: { type: 'notFound' } } },
  })
  assert.deepEqual(answers[1]?.[1]['destroyed'], ['t1'])
  const { notCreated } = await house.call(ann, 'Todo/copy', { ...copy, create: { k: {}, l: { id: 7 } } })
  assert.deepEqual([at(notCreated, 'k', 'properties'), at(notCreated, 'l', 'properties')], [['id'], ['id']])
  const cases: [string, object][] = [
    ['fromAccountNotFound', { fromAccountId: 'A9' }],
    ['accountNotFound', { accountId: 'A9' }],
    ['invalidArguments', { accountId: 'A1' }],
    ['invalidArguments', { create: { k: [] } }],
    ['stateMismatch', { ifFromInState: 'x' }],
    ['stateMismatch', { ifInState: 'x' }],
  ]
  for (const [error, change] of cases) {
    assert.equal(await house.refusal(ann, 'Todo/copy', { ...copy, ...change }), error, JSON.stringify(change))
  }
  await house.store.setAccess({ ...share, rights: 'lr' })
  assert.equal(await house.refusal(ann, 'Todo/copy', copy), 'accountReadOnly')
})

test('/query tells the window that was asked for', async (context) => {
  const { call, refusal, todos } = await open(context, { maxQueryResults: 3 })
  for (const title of ['a', 'b', 'c', 'd', 'e']) todos.create({ title })
  const query = async (args: object): Promise<[unknown, unknown]> => {
    const { position, ids } = await call('Todo/query', args)
    return [position, ids]
  }
  assert.deepEqual(await call('Todo/query', { calculateTotal: true }), {
    ...{ accountId: 'A1', queryState: '5', canCalculateChanges: true },
    ...{ position: 0, ids: ['t1', 't2', 't3'], total: 5, limit: 3 },
  })
  assert.deepEqual(
    await call('Todo/query', { limit: 2, sort: [{ property: 'title', isAscending: false }] }),
    {
      ...{ accountId: 'A1', queryState: '5', canCalculateChanges: true, position: 0, ids: ['t5', 't4'] },
    },
  )
  assert.deepEqual(await query({ position: 1, limit: 2 }), [1, ['t2', 't3']])
  assert.deepEqual(await query({ position: -2 }), [3, ['t4', 't5']])
  assert.deepEqual(await query({ position: -9, limit: 1 }), [0, ['t1']])
  assert.deepEqual(await query({ position: 9 }), [9, []])
  assert.deepEqual(await query({ limit: 0 }), [0, []])
  assert.deepEqual(await query({ anchor: 't3', anchorOffset: -1, limit: 2, position: 4 }), [1, ['t2', 't3']])
  assert.deepEqual(await query({ anchor: 't1', anchorOffset: -5, limit: 1 }), [0, ['t1']])
  assert.deepEqual(await query({ anchor: 't5', anchorOffset: 3 }), [7, []])
  assert.deepEqual(await query({ anchorOffset: 3, limit: 1 }), [0, ['t1']])
  assert.deepEqual(await query({ filter: { title: 'b' } }), [0, ['t2']])
  assert.equal((await call('Todo/query', { limit: 4 }))['limit'], 3)
  assert.equal(await refusal('Todo/query', { anchor: 't9' }), 'anchorNotFound')
  assert.equal(await refusal('Todo/query', { sort: [{ property: 'colour' }] }), 'unsupportedSort')
  assert.equal(
    await refusal('Todo/query', { sort: [{ property: 'title', collation: 'x' }] }),
    'unsupportedSort',
  )
  assert.equal(await refusal('Todo/query', { filter: { colour: 'b' } }), 'unsupportedFilter')
  for (const wrong of [
    { limit: -1 },
    { position: 0.5 },
    { sort: {} },
    { sort: [{}] },
    { filter: [] },
    { filter: { title: 1 } },
    { filter: { operator: 'XOR', conditions: [] } },
    { filter: { operator: 'AND' } },
    { calculateTotal: null },
  ]) {
    assert.equal(await refusal('Todo/query', wrong), 'invalidArguments', JSON.stringify(wrong))
  }
})

test('/queryChanges counts what it tells against maxChanges', async (context) => {
  const { call, refusal } = await open(context)
  assert.deepEqual(await call('Todo/queryChanges', { sinceQueryState: '0', calculateTotal: true }), {
    ...{ accountId: 'A1', oldQueryState: '0', newQueryState: '0', total: 7 },
    ...{ removed: ['t1'], added: [{ id: 't2', index: 0 }] },
  })
  assert.equal(await refusal('Todo/queryChanges', { sinceQueryState: '0', maxChanges: 1 }), 'tooManyChanges')
  assert.equal(await refusal('Todo/queryChanges', { sinceQueryState: 'old' }), 'cannotCalculateChanges')
  assert.equal(await refusal('Todo/queryChanges', {}), 'invalidArguments')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MethodError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import { type Answered, resolveReferences } from './references.ts'

const responses: Answered[] = [
  { name: 'Foo/changes', arguments: { created: ['f1', 'f4'], oldState: 'abcdef' }, callId: 't0' },
  {
    name: 'Thread/get',
    arguments: { list: [{ emailIds: ['a', 'b'] }, { emailIds: [] }, { emailIds: ['c'] }] },
    callId: 't2',
  },
  { name: 'Email/get', arguments: { list: [{ threadId: 'x' }, { threadId: 'y' }], empty: [] }, callId: 't1' },
  { name: 'error', arguments: { type: 'forbidden' }, callId: 't1' },
]

function resolve(reference: Json, more: JsonObject = {}): JsonObject | string {
  const args = resolveReferences({ ...more, '#ids': reference }, responses, { room: 1000 })
  return args instanceof MethodError ? args.type : args
}

const at = (resultOf: string, name: string, path: string) => ({ resultOf, name, path })

test('the examples of RFC 8620 §3.7 resolve', () => {
  assert.deepEqual(resolve(at('t0', 'Foo/changes', '/created'), { accountId: 'A1' }), {
    accountId: 'A1',
    ids: ['f1', 'f4'],
  })
  assert.deepEqual(resolve(at('t1', 'Email/get', '/list/*/threadId')), { ids: ['x', 'y'] })
  assert.deepEqual(resolve(at('t2', 'Thread/get', '/list/*/emailIds')), { ids: ['a', 'b', 'c'] })
})

test('pointers find members, elements, the whole, and nothing in an empty array', () => {
  assert.deepEqual(resolve(at('t0', 'Foo/changes', '/oldState')), { ids: 'abcdef' })
  assert.deepEqual(resolve(at('t2', 'Thread/get', '/list/0/emailIds/1')), { ids: 'b' })
  assert.deepEqual(resolve(at('t0', 'Foo/changes', '')), { ids: responses[0]?.arguments })
  assert.deepEqual(resolve(at('t1', 'Email/get', '/empty/*/id')), { ids: [] })
})

test('what does not resolve is invalidResultReference', () => {
  for (const reference of [
    at('nope', 'Foo/changes', '/created'),
    at('t0', 'Foo/get', '/created'),
    at('t1', 'error', '/type'),
    at('t0', 'Foo/changes', '/destroyed'),
    at('t0', 'Foo/changes', 'created'),
    at('t0', 'Foo/changes', '/created/2'),
    at('t0', 'Foo/changes', '/created/00'),
    at('t0', 'Foo/changes', '/created/-'),
    at('t0', 'Foo/changes', '/created/~2'),
    at('t0', 'Foo/changes', '/*'),
    at('t2', 'Thread/get', '/list/*/ids'),
    at('t0', 'Foo/changes', '/__proto__'),
    at('t0', 'Foo/changes', '/created/length'),
    'created',
    { resultOf: 't0', name: 'Foo/changes' },
    null,
  ]) {
    assert.equal(resolve(reference), 'invalidResultReference', JSON.stringify(reference))
  }
})

test('an argument in both forms is invalidArguments', () => {
  assert.equal(resolve(at('t0', 'Foo/changes', '/created'), { ids: null }), 'invalidArguments')
})

test('references that double what they refer to come to an end', () => {
  const all: Answered[] = [{ name: 'Core/echo', arguments: { a: 'x'.repeat(50) }, callId: '0' }]
  const sizes = Array.from({ length: 40 }, (_, index) => {
    const reference = at(String(index), 'Core/echo', '')
    const args = resolveReferences({ '#a': reference, '#b': reference }, all, { room: 5000 })
    all.push({
      name: 'Core/echo',
      arguments: args instanceof MethodError ? {} : args,
      callId: String(index + 1),
    })
    return args instanceof MethodError ? args.type : 'ok'
  })
  assert.ok(sizes.includes('requestTooLarge'))
})

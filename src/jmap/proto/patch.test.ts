import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SetError } from './errors.ts'
import type { JsonObject } from './json.ts'
import { applyPatch } from './patch.ts'

const todo: JsonObject = {
  id: 'a',
  title: 'Practise Piano',
  keywords: { music: true, 'a/b': true },
  alerts: { 1: { offset: 5 } },
  subTodoIds: ['x', 'y'],
}
const rules = {
  mutable: ['title', 'keywords', 'alerts', 'subTodoIds'],
  fixed: ['id'],
  defaults: { keywords: {}, subTodoIds: null },
}

const patched = (patch: JsonObject): JsonObject | string => {
  const done = applyPatch(todo, patch, rules)
  const refused = done instanceof SetError ? done : done.refused
  return refused?.type ?? (done instanceof SetError ? {} : done.object)
}

test('a patch sets, adds and removes by path', () => {
  assert.deepEqual(patched({ 'keywords/music': null, 'keywords/video': true, title: 'Other' }), {
    ...todo,
    title: 'Other',
    keywords: { 'a/b': true, video: true },
  })
  assert.deepEqual(patched({ 'keywords/a~1b': null }), { ...todo, keywords: { music: true } })
  assert.deepEqual(patched({ 'keywords/nothing': null }), todo)
})

test('null sets a default where there is one, else the property goes', () => {
  assert.deepEqual(patched({ keywords: null }), { ...todo, keywords: {} })
  const { title: _, ...untitled } = todo
  assert.deepEqual(patched({ title: null }), untitled)
})

test('a whole record is a patch, and what the server sets may come along unchanged', () => {
  assert.deepEqual(patched(todo), todo)
  assert.equal(patched({ id: 'b' }), 'invalidProperties')
  assert.equal(patched({ unheard: 1 }), 'invalidProperties')
})

test('what the RFC forbids in paths is invalidPatch', () => {
  for (const patch of [
    { 'subTodoIds/0': 'z' },
    { 'alerts/2/offset': 1 },
    { 'title/x': 1 },
    { alerts: {}, 'alerts/1/offset': 3 },
    { 'alerts/1': {}, 'alerts/1/offset': 3 },
    { 'keywords/~2': true },
    { 'nothing/here': 1 },
  ]) {
    assert.equal(patched(patch), 'invalidPatch', JSON.stringify(patch))
  }
})

test('a name of the language’s own is a name as any other', () => {
  const done = applyPatch({ keywords: {} }, JSON.parse('{"keywords/__proto__":true}'), rules)
  assert.ok(!(done instanceof SetError))
  assert.deepEqual(Object.keys(done.object['keywords'] ?? {}), ['__proto__'])
  assert.equal(patched({ '__proto__/x': 1 }), 'invalidPatch')
})

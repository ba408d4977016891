import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TriedHosts } from './tried-hosts.ts'

const hosts = (text: string) => [...text].map((host) => ({ host }))
const text = (named: readonly { host: string }[]) => named.map(({ host }) => host).join('')

/** Passes of so many tries each, all in vain. */
function passes(tried: TriedHosts, request: { all: string; most: number; count: number }): string[] {
  return Array.from({ length: request.count }, () => {
    const order = text(tried.order('mx example.org', hosts(request.all)))
    const asked = order.slice(0, request.most)
    const left = hosts(order.slice(request.most))
    tried.cutShort('mx example.org', { tried: new Set(asked), left })
    return asked
  })
}

test('the best host is asked each time, the others in turn, and then the round begins anew', () => {
  assert.deepEqual(passes(new TriedHosts(), { all: 'abcdefg', most: 3, count: 4 }), [
    'abc',
    'ade',
    'afg',
    'abc',
  ])
})

test('with one try a pass there is only the best host', () => {
  assert.deepEqual(passes(new TriedHosts(), { all: 'abc', most: 1, count: 2 }), ['a', 'a'])
})

test('a destination that is forgotten begins at the top, and others have orders of their own', () => {
  const tried = new TriedHosts()
  passes(tried, { all: 'abcde', most: 2, count: 1 })
  assert.equal(text(tried.order('mx example.net', hosts('abcde'))), 'abcde')
  assert.equal(text(tried.order('mx example.org', hosts('abcde'))), 'acdeb')
  tried.forget('mx example.org')
  assert.equal(text(tried.order('mx example.org', hosts('abcde'))), 'abcde')
})

test('what it keeps is bounded', () => {
  const tried = new TriedHosts()
  for (let index = 0; index < 1001; index++) {
    tried.cutShort(`mx d${index}.example`, { tried: new Set(['a', 'b']), left: hosts('c') })
  }
  assert.equal(text(tried.order('mx d0.example', hosts('abc'))), 'abc')
  assert.equal(text(tried.order('mx d1000.example', hosts('abc'))), 'acb')
})

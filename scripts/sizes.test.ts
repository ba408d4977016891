import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSizes } from './sizes.ts'

const body = (lines: number): string => '  f()\n'.repeat(lines)
const messages = (path: string, text: string, allow = ''): string[] =>
  checkSizes([{ path, text }], allow).map(({ line, message }) => `${line ?? 0}: ${message}`)

test('a function of 60 lines passes, one of 61 does not', () => {
  assert.deepEqual(messages('src/a.ts', `\nfunction f() {\n${body(58)}}\n`), [])
  assert.deepEqual(messages('src/a.ts', `\nfunction f() {\n${body(59)}}\n`), [
    '2: f has 61 lines, at most 60',
  ])
})

test('a component may have 90', () => {
  assert.deepEqual(messages('web/a.tsx', `\nfunction F() {\n${body(88)}}\n`), [])
  assert.deepEqual(messages('web/a.tsx', `\nfunction F() {\n${body(89)}}\n`), [
    '2: F has 91 lines, at most 90',
  ])
})

test('methods and arrow functions count, under their names', () => {
  assert.match(
    messages('src/a.ts', `class A {\n  run() {\n${body(70)}  }\n}\n`).join(),
    /2: run has 72 lines/,
  )
  assert.match(messages('src/a.ts', `const g = () => {\n${body(70)}}\n`).join(), /1: g has 72 lines/)
})

test('a file of 701 lines does not pass, test or not', () => {
  const text = 'a()\n'.repeat(701)
  assert.deepEqual(messages('src/a.ts', text), ['1: the file has 701 lines, at most 700'])
  assert.deepEqual(messages('src/a.test.ts', text), ['1: the file has 701 lines, at most 700'])
})

test('in a test only the file counts', () => {
  assert.deepEqual(messages('src/a.test.ts', `test('x', () => {\n${body(100)}})\n`), [])
})

test('what is allowed may not grow, and leaves the list when it has shrunk', () => {
  const text = `function f() {\n${body(70)}}\n`
  assert.deepEqual(messages('src/a.ts', text, 'src/a.ts\tf\t72\n'), [])
  assert.deepEqual(messages('src/a.ts', text, 'src/a.ts\tf\t71\n'), ['1: f has 72 lines, at most 71'])
  assert.deepEqual(messages('src/a.ts', 'f()\n', 'src/a.ts\tf\t72\n'), ['0: no longer needed: src/a.ts f'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepestJson, parseIJson, parseIJsonText, toIJsonText } from './i-json.ts'

const isJson = (text: string): boolean => parseIJsonText(text).ok

test('JSON is read as it is', () => {
  const text = '{"a":[1,-2.5e3,"x:\\"{\\\\"],"b":{"a":null,"":true}}'
  assert.deepEqual(parseIJsonText(text), { ok: true, value: JSON.parse(text) })
})

test('what I-JSON forbids is refused', () => {
  for (const text of [
    '',
    '{',
    '{"a":1,"a":1}',
    '{"a":{"b":1,"\\u0062":2}}',
    '"\\ud800"',
    '{"\\udc00":1}',
    '"\\uffff"',
    '"\ufdd0"',
    '{"\\ud83f\\udffe":1}',
    '"\u{10ffff}"',
    '1e999',
    '\ufeff{}',
    '[1,]',
    '{"a":1}}',
    "{'a':1}",
  ]) {
    assert.equal(isJson(text), false, text)
  }
  assert.equal(parseIJson(Uint8Array.of(0x22, 0xff, 0x22)).ok, false)
  assert.equal(parseIJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)).ok, false)
})

test('depth is bounded, and long strings of backslashes take linear time', () => {
  assert.ok(isJson('['.repeat(deepestJson) + ']'.repeat(deepestJson)))
  assert.ok(!isJson('['.repeat(deepestJson + 1) + ']'.repeat(deepestJson + 1)))
  assert.ok(isJson(`"${'\\\\'.repeat(500_000)}"`))
  assert.ok(isJson(`"${'\\"'.repeat(500_000)}"`))
})

test('what is told is I-JSON, whatever stands in mail', () => {
  const told = { a: ['\uffff x\u{1fffe}', '😀'], '\ufdd0': 1 }
  assert.deepEqual(JSON.parse(toIJsonText(told)), { a: ['\ufffd x\ufffd', '😀'], '\ufffd': 1 })
  const halves = { half: '\ud83d\ud83d x\udc00', text: '\\ud800 \\\\ud83d', '\\': '\\\ud800' }
  assert.deepEqual(JSON.parse(toIJsonText(halves)), {
    ...{ half: '\ufffd\ufffd x\ufffd', text: '\\ud800 \\\\ud83d', '\\': '\\\ufffd' },
  })
  assert.ok(parseIJsonText(toIJsonText({ ...told, ...halves })).ok)
})

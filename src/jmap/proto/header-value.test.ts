import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerList, headerValue, rawFields } from './header-value.ts'
import { tryHeaderProperty } from './header-property.ts'

function value(header: string, property: string): unknown {
  const wanted = tryHeaderProperty(property)
  assert.ok(wanted)
  return headerValue(rawFields(Buffer.from(header)), wanted)
}

const smythe =
  'To: "  James Smythe" <james@example.com>, Friends:\r\n  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n  <john@example.com>;\r\n\r\n'

test('RFC 8621 §4.1.2.3 and §4.1.2.4: the example', () => {
  const [james, jane, john] = [
    { name: 'James Smythe', email: 'james@example.com' },
    { name: null, email: 'jane@example.com' },
    { name: 'John Smîth', email: 'john@example.com' },
  ]
  assert.deepEqual(value(smythe, 'header:To:asAddresses'), [james, jane, john])
  assert.deepEqual(value(smythe, 'header:to:asGroupedAddresses'), [
    { name: null, addresses: [james] },
    { name: 'Friends', addresses: [jane, john] },
  ])
})

test('the last field counts, or all of them', () => {
  const header = 'X-A: 1\r\nx-a:2\r\nX-B: 3\r\n\r\n'
  assert.equal(value(header, 'header:X-A'), '2')
  assert.deepEqual(value(header, 'header:X-A:all'), [' 1', '2'])
  assert.equal(value(header, 'header:none'), null)
  assert.deepEqual(value(header, 'header:none:asText:all'), [])
  assert.deepEqual(headerList(rawFields(Buffer.from(header))), [
    { name: 'X-A', value: ' 1' },
    { name: 'x-a', value: '2' },
    { name: 'X-B', value: ' 3' },
  ])
})

test('raw keeps folds and makes what is no UTF-8 visible', () => {
  assert.equal(value('S: a\r\n b\0\r\n\r\n', 'header:S'), ' a\r\n b')
  assert.equal(
    headerValue(rawFields(Buffer.from('S: a\xff\r\n', 'latin1')), { field: 's', form: 'Raw', all: false }),
    ' a\ufffd',
  )
})

test('text: unfolded, decoded where it stands right, composed', () => {
  const cases: readonly [string, string][] = [
    ['=?utf-8?q?caf=C3=A9?= =?utf-8?q?_x?=\r\n end', 'café x end'],
    ['a=?utf-8?q?b?=', 'a=?utf-8?q?b?='],
    ['=?utf-8?q?a b?=', '=?utf-8?q?a b?='],
    ['=?nonsense?q?a?= b', '=?nonsense?q?a?= b'],
    ['=?utf-8?q?a=00=07b?=', 'ab'],
    ['=?utf-8?q?a?= =?utf-8?q?b?=  =?nonsense?q?c?= =?utf-8?q?d?= =?utf-8?q?e?=', 'ab  =?nonsense?q?c?= de'],
    ['=?utf-8?b?ZcyB?=', 'é'],
    ['  two spaces', 'two spaces'],
  ]
  for (const [raw, expected] of cases)
    assert.equal(value(`Subject: ${raw}\r\n\r\n`, 'header:Subject:asText'), expected)
})

test('message ids, dates and URLs, null where there is none', () => {
  const header =
    'Message-ID: <a@b>\r\nReferences: <a@b> (c)\r\n <d@e>\r\nDate: Tue, 10 Jul 2018 11:03:11 +1000\r\n' +
    'List-Post: <mailto:a@b> (open), <https://x/\r\n y>\r\nX-Id: none\r\n\r\n'
  assert.deepEqual(value(header, 'header:References:asMessageIds'), ['a@b', 'd@e'])
  assert.equal(value(header, 'header:X-Id:asMessageIds'), null)
  assert.equal(value(header, 'header:Date:asDate'), '2018-07-10T11:03:11+10:00')
  assert.equal(value(header, 'header:X-Id:asDate'), null)
  assert.deepEqual(value(header, 'header:List-Post:asURLs'), ['mailto:a@b', 'https://x/y'])
  assert.equal(value(header, 'header:X-Id:asURLs'), null)
})

test('addresses that are none', () => {
  assert.deepEqual(value('From: nobody\r\n\r\n', 'header:From:asAddresses'), [
    { name: null, email: 'nobody' },
  ])
  assert.deepEqual(value('From: "a b"@x (C D)\r\n\r\n', 'header:From:asAddresses'), [
    { name: 'C D', email: '"a b"@x' },
  ])
  assert.deepEqual(value('To: none:;\r\n\r\n', 'header:To:asGroupedAddresses'), [
    { name: 'none', addresses: [] },
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { LineEndings } from './content.ts'

interface Found {
  readonly text: string
  readonly bare: boolean
  readonly atLineStart: boolean
}

function run(content: string, method: 'stuff' | 'scan'): Found {
  return feedEveryWay(Buffer.from(content, 'latin1'), (chunks) => {
    const endings = new LineEndings()
    const pieces: Uint8Array[] = []
    for (const chunk of chunks) {
      if (method === 'stuff') pieces.push(...endings.stuff(chunk))
      else endings.scan(chunk)
    }
    endings.finish()
    const text = Buffer.concat(pieces).toString('latin1')
    return { text, bare: endings.hasBareNewline, atLineStart: endings.atLineStart }
  })
}

test('a dot that begins a line is doubled, and no other', () => {
  for (const [content, stuffed] of [
    ['', ''],
    ['.', '..'],
    ['a.b\r\n', 'a.b\r\n'],
    ['.\r\n', '..\r\n'],
    ['..\r\n.a\r\n', '...\r\n..a\r\n'],
    ['a\r\n.\r\n.\r\nb.', 'a\r\n..\r\n..\r\nb.'],
    ['\r\n\r\n.', '\r\n\r\n..'],
  ] as const) {
    assert.deepEqual(run(content, 'stuff'), {
      text: stuffed,
      bare: false,
      atLineStart: content === '' || content.endsWith('\n'),
    })
  }
})

test('a CR or LF alone is found wherever it stands', () => {
  for (const content of [
    '\n',
    '\r',
    'a\nb',
    'a\rb',
    '\n.\r\n',
    'a\n.\r\nMAIL FROM:<>\r\n',
    'a\r.\r\n',
    'a\r\n\n.b',
    'a\r\r\n',
    'a\r\n\r',
    'a\n\r\n',
    '\r\n.\n',
  ]) {
    assert.equal(run(content, 'stuff').bare, true, JSON.stringify(content))
    assert.equal(run(content, 'scan').bare, true, JSON.stringify(content))
  }
  assert.equal(run('a\r\n.b\r\n\r\n', 'scan').bare, false)
})

test('pieces longer than a window are seen whole', () => {
  const line = `.${'x'.repeat(61)}\r\n`
  const content = Buffer.from(line.repeat(20_000))
  const endings = new LineEndings()
  const stuffed = Buffer.concat(endings.stuff(content))
  assert.equal(stuffed.toString('latin1'), `.${line}`.repeat(20_000))
  assert.equal(endings.hasBareNewline, false)
})

// Content of DATA and BDAT, fed in every way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { ChunkScanner, DataReader } from './content.ts'

interface Read {
  readonly status: string
  readonly content: string
  readonly rest: string
  readonly nul: boolean
  readonly longLine: boolean
}

function read(chunks: readonly Uint8Array[], maxLineSize = 0): Read {
  const reader = new DataReader(maxLineSize)
  let content = ''
  let status = 'more'
  let rest = ''
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk)
    if (status !== 'more') {
      rest += bytes.toString('latin1')
      continue
    }
    const piece = reader.read(bytes)
    status = piece.status
    if (status !== 'bare-newline') content += Buffer.from(piece.content).toString('latin1')
    if (status === 'end') rest += bytes.subarray(piece.used).toString('latin1')
  }
  // What came before a bare newline depends on the cuts, and nobody looks at it.
  if (status === 'bare-newline') return { status, content: '', rest: '', nul: false, longLine: false }
  return { status, content, rest, nul: reader.hasNul, longLine: reader.hasLongLine }
}

function readEveryWay(text: string, maxLineSize = 0): Read {
  return feedEveryWay(Buffer.from(text, 'latin1'), (chunks) => read(chunks, maxLineSize))
}

test('dots are unstuffed and the end is found, with what follows left alone', () => {
  const cases: [sent: string, content: string][] = [
    ['.\r\n', ''],
    ['a\r\n.\r\n', 'a\r\n'],
    ['..\r\n.\r\n', '.\r\n'],
    ['.a\r\n..b\r\n...c\r\n.\r\n', 'a\r\n.b\r\n..c\r\n'],
    ['a.\r\nb.c\r\n.\r\n', 'a.\r\nb.c\r\n'],
    ['\r\n\r\n.\r\n', '\r\n\r\n'],
    ['x\r\n..\r\n..\r\n.\r\n', 'x\r\n.\r\n.\r\n'],
  ]
  for (const [sent, content] of cases) {
    const result = readEveryWay(`${sent}QUIT\r\n`)
    assert.deepEqual(result, { status: 'end', content, rest: 'QUIT\r\n', nul: false, longLine: false }, sent)
  }
})

// Nasty input 1: end-of-data variants that some server somewhere takes for the end (RFC 5321 §4.1.1.4 allows one only).
const smuggling = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r\n.\r',
  '\r.\r\n',
  '\r\r\n.\r\r\n',
  '\r\n.\rMAIL',
  '\n\n.\n\n',
  '\r\n\r.\r\n',
  '\0\n.\n',
]

for (const ending of smuggling) {
  test(`smuggling by ${JSON.stringify(ending)} ends the session`, () => {
    assert.equal(readEveryWay(`Subject: a\r\n\r\nhello${ending}MAIL FROM:<x@y>\r\n`).status, 'bare-newline')
  })
}

test('a dot beside NUL or other text is no end', () => {
  assert.deepEqual(readEveryWay('a\r\n.\0\r\n.\r\n'), {
    ...{ status: 'end', content: 'a\r\n\0\r\n', rest: '', nul: true, longLine: false },
  })
  assert.equal(readEveryWay('a\r\n. \r\n.x\r\n.\r\n').content, 'a\r\n \r\nx\r\n')
})

test('lines beyond 998 octets pass by default, and are found where there is a limit', () => {
  const long = 'é'.repeat(5000)
  assert.equal(readEveryWay(`${long}\r\n.\r\n`).content, `${long}\r\n`)
  assert.equal(readEveryWay(`${'x'.repeat(98)}\r\n.\r\n`, 100).longLine, false)
  assert.equal(readEveryWay(`a\r\n${'x'.repeat(99)}\r\n.\r\n`, 100).longLine, true)
})

test('content that needs no unstuffing is not copied', () => {
  const bytes = Buffer.from('Subject: a\r\n\r\nhello\r\n.\r\n')
  const { content } = new DataReader(0).read(bytes)
  assert.equal(content.buffer, bytes.buffer)
})

test('content beyond one search window', () => {
  const body = `${'x'.repeat(60)}\r\n..${'y'.repeat(50)}\r\n`.repeat(2000)
  const result = read([Buffer.from(`${body}.\r\n`)])
  assert.equal(result.status, 'end')
  assert.equal(result.content, body.replaceAll('\r\n..', '\r\n.'))
})

function scan(text: string): string {
  return feedEveryWay(Buffer.from(text, 'latin1'), (chunks) => {
    const scanner = new ChunkScanner(0)
    for (const chunk of chunks) scanner.scan(Buffer.from(chunk))
    scanner.finish()
    return `${scanner.hasBareNewline ? 'bare' : ''}${scanner.hasNul && !scanner.hasBareNewline ? 'nul' : ''}`
  })
}

test('chunks of text are looked through for bare newlines and NUL', () => {
  assert.equal(scan('a\r\n.\r\n..\r\n'), '')
  assert.equal(scan('a\nb'), 'bare')
  assert.equal(scan('a\rb'), 'bare')
  assert.equal(scan('a\r'), 'bare')
  assert.equal(scan('a\0b\r\n'), 'nul')
})

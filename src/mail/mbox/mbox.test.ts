// mbox files as programs have written them, in every dialect, however they are cut.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromLineTime, isFromLine } from './from-line.ts'
import { MboxQuoter } from './quoter.ts'
import { type MboxOptions, MboxSplitter } from './splitter.ts'
import { formatStatusFields, takeStatusFields, tryKeyword } from './status-fields.ts'

/** The messages of a file, cut at the given places. */
function split(text: string, cuts: readonly number[] = [], options: MboxOptions = {}): string[] {
  const splitter = new MboxSplitter(options)
  const bytes = Buffer.from(text, 'latin1')
  const found: string[] = []
  const take = (events: ReturnType<MboxSplitter['push']>): void => {
    for (const event of events) {
      if (event.type === 'begin') found.push('')
      else if (event.type === 'data')
        found.push((found.pop() ?? '') + Buffer.from(event.bytes).toString('latin1'))
    }
  }
  let at = 0
  for (const cut of [...cuts, bytes.length].toSorted((a, b) => a - b)) {
    if (cut > at) take(splitter.push(bytes.subarray(at, cut)))
    at = Math.max(at, cut)
  }
  take(splitter.finish())
  return found
}

function splitEveryWay(text: string, options: MboxOptions = {}): string[] {
  const whole = split(text, [], options)
  const single = split(
    text,
    Array.from({ length: text.length }, (_, at) => at),
    options,
  )
  assert.deepEqual(single, whole)
  return whole
}

const from = 'From ann@example.org Sat Nov 21 10:05:09 2026\n'

test('From_ lines of many programs, and sentences that are none', () => {
  const lines = [
    'From ann@example.org Sat Nov 21 10:05:09 2026',
    'From ann@example.org  Sat Nov  1 10:05:09 +0100 2026',
    'From - Sat Nov 21 10:05:09 2026',
    'From MAILER-DAEMON Sat Nov 21 10:05 2026',
    'From ann@example.org Sat, 21 Nov 2026 10:05:09 +0000',
    'From 1234567890@xxx Sat Nov 21 10:05:09 +0000 2026',
    'From "ann b"@example.org Sat Nov 21 10:05:09 2026 remote from host',
  ]
  for (const line of lines) {
    assert.ok(isFromLine(line), line)
    assert.equal(new Date(fromLineTime(line) ?? 0).toISOString().slice(0, 7), '2026-11', line)
  }
  for (const line of [
    'From the mountains we came',
    'From here on, at 10:05',
    'From',
    'from a b',
    '>From x',
  ]) {
    assert.ok(!isFromLine(line), line)
  }
  assert.equal(fromLineTime('From - Thu Jan  1 00:00:00 1970'), undefined)
})

test('messages part at From_ lines behind an empty line, quoting is undone, text about From stays', () => {
  const file = `${from}Subject: a\n\n>From one\n>>From two\n> From three\nFrom the mountains\n\n${from}Subject: b\n\nno line end`
  assert.deepEqual(splitEveryWay(file), [
    'Subject: a\n\nFrom one\n>From two\n> From three\nFrom the mountains\n',
    'Subject: b\n\nno line end',
  ])
  assert.equal(split(file, [], { quoting: 'mboxo' })[0]?.includes('\n>>From two\n'), true)
  assert.equal(split(file, [], { quoting: 'none' })[0]?.includes('\n>From one\n'), true)
})

test('mboxcl2: what Content-Length proves to be text begins no message, and nothing is unquoted', () => {
  const body = `hello\n\n${from}inner\n>From quoted\n`
  const file = `${from}Content-Length: ${body.length}\n\n${body}\n${from}Subject: b\n\nx\n`
  assert.deepEqual(splitEveryWay(file), [`Content-Length: ${body.length}\n\n${body}`, 'Subject: b\n\nx\n'])
})

test('a wrong Content-Length swallows no message', () => {
  for (const length of [0, 1, 5, 60, 100, 1_000, 999_999]) {
    const file = `${from}Content-Length: ${length}\n\none\n\n${from}Subject: b\n\ntwo\n\n${from}Subject: c\n\nthree\n`
    const found = splitEveryWay(file)
    assert.equal(found.length, 3, `Content-Length: ${length}`)
    assert.equal(found[2], 'Subject: c\n\nthree\n')
  }
  const long = `${from}Content-Length: 999999\n\none\n\n${from}\n${'x\n'.repeat(400)}`
  assert.equal(split(long, [], { held: 100 }).length, 2)
})

test('CRLF files, long lines, no empty line at the end, octets before the first message', () => {
  const crlf = `${from}Subject: a\n\nx\n\n${from}\ny\n`.replaceAll('\n', '\r\n')
  assert.deepEqual(splitEveryWay(crlf), ['Subject: a\r\n\r\nx\r\n', '\r\ny\r\n'])
  const line = 'z'.repeat(10_000)
  assert.deepEqual(split(`${from}X: ${line}\n\n${line}\n${from}`, [5_000, 5_001, 12_000]), [
    `X: ${line}\n\n${line}\n${from}`,
  ])
  const splitter = new MboxSplitter()
  splitter.push(Buffer.from('garbage\n'))
  splitter.push(Buffer.from(from))
  assert.equal(splitter.lostOctets, 8)
  assert.deepEqual(split('no mbox at all\n'), [])
})

test('property: what is quoted and joined comes apart the same', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '',
      'From a@b Sat Nov 21 10:05:09 2026',
      '>From x',
      '>>>From ',
      'From ',
      '\r',
      'Content-Length: 3',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 20 }).map((text) => text.replaceAll('\n', '')),
  )
  const message = fc.array(line, { maxLength: 12 }).map((lines) => lines.map((one) => `${one}\n`).join(''))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(800)), (messages, cuts) => {
      const file = messages.map((one) => {
        const quoter = new MboxQuoter()
        const half = Math.floor(one.length / 2)
        const quoted = [one.slice(0, half), one.slice(half)].map((part) =>
          quoter.push(Buffer.from(part)).toString(),
        )
        return `${from}${quoted.join('')}${quoter.finish().toString()}\n`
      })
      // Of a message that is a header alone, nobody knows whose the empty line behind it is.
      const expected = messages.map((one) => (/^\r?\n|\n\r?\n/.test(one) ? one : `${one}\n`))
      assert.deepEqual(split(file.join(''), cuts, { quoting: 'mboxrd' }), expected)
    }),
    { numRuns: 300 },
  )
})

test('fields of state are read, taken out, and written again', () => {
  const header = Buffer.from(
    'Status: RO\r\nSubject: x\r\nX-Status: AF\r\nX-Keywords: $Label1 work\r\nX-Mozilla-Status: 1008\r\nX-Mozilla-Keys: later\r\nX-UID: 7\r\n\r\n',
  )
  const taken = takeStatusFields(header)
  assert.equal(taken.header.toString(), 'Subject: x\r\n\r\n')
  assert.deepEqual([...taken.state.flags].toSorted(), ['answered', 'deleted', 'flagged', 'seen'])
  assert.deepEqual([...taken.state.keywords].toSorted(), ['$Forwarded', '$Label1', 'later', 'work'])
  const again = takeStatusFields(Buffer.from(`${formatStatusFields(taken.state)}\r\n`))
  assert.deepEqual([...again.state.flags].toSorted(), [...taken.state.flags].toSorted())
  assert.deepEqual([...again.state.keywords].toSorted(), [...taken.state.keywords].toSorted())
  const plain = Buffer.from('Subject: x\r\n\r\n')
  assert.equal(takeStatusFields(plain).header, plain)
  assert.equal(tryKeyword('wei\u00df(x)'), 'wei__x_')
  assert.equal(tryKeyword('\\'), undefined)
})

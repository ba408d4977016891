import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTranscript, type Action } from './transcript-parser.ts'

function parse(text: string): Action[] {
  return parseTranscript(text, 'x.txt').steps.map(({ line: _, ...action }) => action)
}

function sent(text: string): string[] {
  return parse(text).flatMap((action) =>
    action.type === 'send-raw' ? [Buffer.from(action.bytes).toString('latin1')] : [],
  )
}

test('comments, in prose and behind a step, are passed over', () => {
  assert.deepEqual(parse('# prose\n\n  # indented\n1 C: NOOP    # why\n'), [
    { type: 'send', connection: '1', lines: [[{ type: 'text', text: 'NOOP' }]] },
  ])
})

test('steps keep their line of the file', () => {
  assert.deepEqual(
    parseTranscript('# a\nuse: x; y\n\n1 C: NOOP', 'x.txt').steps.map(({ line }) => line),
    [2, 2, 4],
  )
})

test('several lines stand on one line, empty ones and indented ones too', () => {
  const [action] = parse('C: a / / b /  c')
  assert.deepEqual(action, {
    type: 'send',
    connection: '1',
    lines: [[{ type: 'text', text: 'a' }], [], [{ type: 'text', text: 'b' }], [{ type: 'text', text: ' c' }]],
  })
})

test('a slash inside quotes or words separates nothing', () => {
  const [action] = parse('S: * LIST (\\Noselect) "/" a/b')
  assert.equal(action?.type === 'receive' && action.expectations.length, 1)
})

test('the star that opens an IMAP response is itself; others are wildcards', () => {
  const [action] = parse('S: * LIST *')
  assert.deepEqual(action?.type === 'receive' && action.expectations[0], {
    type: 'line',
    source: '* LIST *',
    pieces: [{ type: 'text', text: '* LIST ' }, { type: 'any' }],
  })
})

test('... passes over lines, and names what they may not contain', () => {
  const [action] = parse('S: 250-* ...-STARTTLS,AUTH 250 * / <closed>')
  assert.deepEqual(
    action?.type === 'receive' && action.expectations.map((e) => (e.type === 'skip' ? e.without : e.type)),
    ['line', ['STARTTLS', 'AUTH'], 'line', 'closed'],
  )
})

test('variables begin with a small letter, so that $Forwarded stays a keyword', () => {
  const [action] = parse('C: a STORE $uid +FLAGS ($Forwarded)')
  assert.deepEqual(action?.type === 'send' && action.lines[0], [
    { type: 'text', text: 'a STORE ' },
    { type: 'variable', name: 'uid' },
    { type: 'text', text: ' +FLAGS ($Forwarded)' },
  ])
})

test('raw bytes: escapes, octets, repetition, several strings', () => {
  assert.deepEqual(sent('C| "a\\r\\n\\0\\x80é" "b" * 3 "\\"\\\\"'), ['a\r\n\0\x80Ã©bbb"\\'])
  assert.deepEqual(sent('C| "a # b"   # comment'), ['a # b'])
})

test('base64 is written in clear', () => {
  const [action] = parse('C: AUTH PLAIN <base64 "\\0ann\\0secret">')
  const token = Buffer.from('\0ann\0secret').toString('base64')
  assert.deepEqual(action?.type === 'send' && action.lines[0], [
    { type: 'text', text: `AUTH PLAIN ${token}` },
  ])
})

test('connections, handshakes, endings, time', () => {
  assert.deepEqual(parse('2 connect submission\n2 starttls\n2 end\nann drop\nafter: 1h 5m 30s'), [
    { type: 'connect', connection: '2', port: 'submission' },
    { type: 'starttls', connection: '2' },
    { type: 'end', connection: '2' },
    { type: 'drop', connection: 'ann' },
    { type: 'after', milliseconds: 3_930_000 },
  ])
})

test('what is not a step is refused with file and line', () => {
  for (const [bad, why] of [
    ['1 X: hello', /x\.txt:2: not a transcript line/],
    ['hello', /x\.txt:2: not a transcript line/],
    ['1 starttls now', /x\.txt:2: not a transcript line/],
    ['1 S: 250-* ...', /x\.txt:2: \.\.\. needs something after it/],
    ['1 S~: a ... b', /x\.txt:2: S~ takes plain lines only/],
    ['1 C| hello', /x\.txt:2: expected "text"/],
    ['1 C| "\\q"', /x\.txt:2: unknown escape \\q/],
    ['after: soon', /x\.txt:2: not a duration/],
    ['use: a;;b', /x\.txt:2: an empty clause/],
  ] as const) {
    assert.throws(() => parseTranscript(`\n${bad}`, 'x.txt'), why, bad)
  }
})

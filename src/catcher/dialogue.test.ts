// The dialogue: what is kept of a session, however its octets are cut.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { feedEveryWay } from '../../test/support/feed.ts'
import { Dialogue } from './dialogue.ts'

const limits = { lines: 100, size: 10_000 }

/** The lines of a client's octets, with what the server says behind each of these. */
function linesOf(bytes: Uint8Array, server: Readonly<Record<string, string>> = {}): string[] {
  const dialogue = new Dialogue(limits, () => 0)
  let seen = ''
  for (const octet of bytes) {
    dialogue.fromClient(Uint8Array.of(octet))
    seen += String.fromCharCode(octet)
    const line = /([^\n]*)\r\n$/.exec(seen)?.[1]
    const reply = line === undefined ? undefined : server[line]
    if (reply !== undefined) dialogue.fromServer(`${reply}\r\n`)
  }
  return dialogue.lines.map(({ side, text }) => `${side[0]} ${text}`)
}

test('content is counted, dots and all, and commands go on behind it', () => {
  const bytes = Buffer.from('DATA\r\nSubject: x\r\n\r\n..\r\n.x\r\n.\r\nQUIT\r\n')
  const replies = { DATA: '354 go on', QUIT: '221 bye' }
  assert.deepEqual(linesOf(bytes, replies), [
    ...['c DATA', 's 354 go on', 'n 22 octets of the message', 'c .', 'c QUIT', 's 221 bye'],
  ])
  assert.deepEqual(linesOf(Buffer.from('DATA\r\n.\r\nNOOP\r\n'), replies), [
    ...['c DATA', 's 354 go on', 'n 0 octets of the message', 'c .', 'c NOOP'],
  ])
})

test('chunks are passed over, whatever is in them, however they are cut', () => {
  const bytes = Buffer.from('BDAT 9\r\nQUIT\r\n\r\n.BDAT 0 LAST\r\nNOOP\r\n')
  feedEveryWay(bytes, (pieces) => {
    const dialogue = new Dialogue(limits, () => 0)
    for (const piece of pieces) dialogue.fromClient(piece)
    const lines = dialogue.lines.map(({ text }) => text)
    assert.deepEqual(lines, ['BDAT 9', '9 octets of the message', 'BDAT 0 LAST', 'NOOP'])
    return lines
  })
})

test('no credential is kept', () => {
  const bytes = Buffer.from(
    'AUTH PLAIN AGFubgBzZWNyZXQ=\r\nauth login\r\nYW5u\r\nc2VjcmV0\r\nAUTH LOGIN YW5u\r\n',
  )
  const lines = linesOf(bytes, { 'auth login': '334 VXNlcm5hbWU6', YW5u: '334 UGFzc3dvcmQ6' })
  assert.deepEqual(lines, [
    ...['c AUTH PLAIN [secret]', 'c auth login', 's 334 VXNlcm5hbWU6', 'c [secret]', 's 334 UGFzc3dvcmQ6'],
    ...['c [secret]', 'c AUTH LOGIN [secret]'],
  ])
})

test('it is bounded in lines and octets, and says so; the next message has room again', () => {
  const dialogue = new Dialogue({ lines: 4, size: 1_000 }, () => 0)
  dialogue.fromServer('220 hello\r\n')
  dialogue.fromClient(
    Buffer.from('EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@f.example>\r\n'),
  )
  assert.equal(dialogue.lines.length, 4)
  assert.equal(dialogue.truncated, true)
  dialogue.nextMessage()
  assert.equal(dialogue.truncated, false)
  assert.deepEqual(
    dialogue.lines.map(({ text }) => text),
    ['220 hello', 'EHLO x'],
  )
  dialogue.fromClient(Buffer.from(`NOOP ${'x'.repeat(5_000)}\r\n`))
  assert.ok((dialogue.lines.at(-1)?.text.length ?? 0) <= 1_000)
})

test('control characters are shown, not kept', () => {
  assert.deepEqual(linesOf(Buffer.from('NOOP \x1b[31m\u202e\r\n')), ['c NOOP \\u{1b}[31m\\u{202e}'])
})

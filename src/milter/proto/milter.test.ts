// The milter protocol's frames, negotiation, commands and replies, octet by octet where others depend on the octets.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { encodeCommand } from './commands.ts'
import { encodeFrame, type Frame, FrameReader, MilterProtocolError } from './frames.ts'
import { actionBits, encodeAgreement, offeredActions, parseAgreement, stepBits } from './negotiation.ts'
import { encodeReply, type MilterReply, parseReply } from './replies.ts'

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

test('frames come out whole, however the stream is cut', () => {
  const stream = Buffer.concat([
    encodeFrame('c', new Uint8Array(0)),
    encodeFrame('h', Buffer.from('X-Spam\0yes\0')),
    encodeFrame('b', Buffer.alloc(3000, 65)),
  ])
  const frames = feedEveryWay(stream, (chunks) => {
    const reader = new FrameReader()
    return chunks
      .flatMap((chunk) => reader.read(chunk))
      .map(({ letter, data }): [string, string] => [letter, latin1(data)])
  })
  assert.deepEqual(frames, [
    ['c', ''],
    ['h', 'X-Spam\0yes\0'],
    ['b', 'A'.repeat(3000)],
  ])
})

test('a frame without a letter, or beyond the limit, is refused before it is read', () => {
  assert.throws(() => new FrameReader().read(Uint8Array.of(0, 0, 0, 0)), MilterProtocolError)
  assert.throws(() => new FrameReader(100).read(Uint8Array.of(0, 0, 0, 101)), MilterProtocolError)
  assert.deepEqual(new FrameReader(100).read(Uint8Array.of(0, 0, 0, 100)), [])
})

test('commands have the octets of libmilter', () => {
  const cases: [Parameters<typeof encodeCommand>[0], string][] = [
    [
      { type: 'connect', hostname: 'a.example', address: '192.0.2.1', port: 0x1234 },
      'Ca.example\x004\x12\x34192.0.2.1\0',
    ],
    [
      { type: 'connect', hostname: '[2001:db8::1]', address: '2001:db8::1', port: 25 },
      'C[2001:db8::1]\x006\0\x192001:db8::1\0',
    ],
    [{ type: 'mail', path: '<ann@a.example>', parameters: ['SIZE=10'] }, 'M<ann@a.example>\0SIZE=10\0'],
    [{ type: 'rcpt', path: '<bob@b.example>', parameters: [] }, 'R<bob@b.example>\0'],
    [{ type: 'header', name: 'Subject', value: ' a\n b' }, 'LSubject\0 a\n b\0'],
    [
      {
        type: 'macros',
        for: 'mail',
        values: [
          ['i', '7'],
          ['{auth_type}', 'x'],
        ],
      },
      'DMi\x007\0{auth_type}\0x\0',
    ],
    [{ type: 'body', bytes: Buffer.from('hi\r\n') }, 'Bhi\r\n'],
    [{ type: 'end-of-message' }, 'E'],
    [{ type: 'quit' }, 'Q'],
  ]
  for (const [command, expected] of cases) {
    const frame = encodeCommand(command)
    assert.equal(new DataView(frame.buffer, frame.byteOffset).getUint32(0), expected.length)
    assert.equal(latin1(frame.subarray(4)), expected)
  }
})

test('the offer says version 6, and a milter is granted no more than it', () => {
  const offer = encodeCommand({ type: 'negotiate' })
  assert.equal(offer.length, 17)
  assert.equal(offer[8], 6)
  const all = encodeAgreement({ version: 6, actions: 0x1ff, steps: 0x1f_ffff, macros: new Map() })
  const granted = parseAgreement(all)
  assert.equal(granted.actions, offeredActions)
  assert.equal(granted.actions & actionBits.addRecipientsWithParameters, 0)
  assert.equal(granted.steps & stepBits.refusedRecipients, 0)
})

test('versions from 2 to 6 are spoken', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    const data = encodeAgreement({ version, actions: 1, steps: 0, macros: new Map() })
    assert.equal(parseAgreement(data).version, version)
  }
  for (const version of [0, 1, 7]) {
    const data = encodeAgreement({ version, actions: 1, steps: 0, macros: new Map() })
    assert.throws(() => parseAgreement(data), MilterProtocolError)
  }
})

test('the macros that a milter chooses are kept by stage', () => {
  const macros = new Map([
    ['connect', ['j', '{client_addr}']],
    ['end-of-message', ['i']],
  ] as const)
  assert.deepEqual(
    parseAgreement(encodeAgreement({ version: 6, actions: 0, steps: 0, macros })).macros,
    macros,
  )
})

test('each reply is read back as it was written', () => {
  const replies: MilterReply[] = [
    { type: 'continue' },
    { type: 'skip' },
    { type: 'accept' },
    { type: 'reject' },
    { type: 'tempfail' },
    { type: 'discard' },
    { type: 'shutdown' },
    { type: 'progress' },
    { type: 'reply-code', code: 550, status: '5.7.1', text: 'No' },
    { type: 'reply-code', code: 451, status: null, text: 'Later' },
    { type: 'add-header', name: 'X', value: ' y' },
    { type: 'insert-header', index: 1, name: 'X', value: '' },
    { type: 'change-header', index: 2, name: 'Subject', value: 'other' },
    { type: 'add-recipient', address: '<bob@b.example>' },
    { type: 'delete-recipient', address: '<bob@b.example>' },
    { type: 'change-sender', address: '<>', parameters: '' },
    { type: 'change-sender', address: '<a@b.example>', parameters: 'SIZE=1' },
    { type: 'replace-body', bytes: Buffer.from('new') },
    { type: 'quarantine', reason: 'virus' },
  ]
  for (const reply of replies) {
    const frames: Frame[] = new FrameReader().read(encodeReply(reply))
    assert.equal(frames.length, 1)
    for (const frame of frames) {
      const read = parseReply(frame)
      assert.deepEqual(
        read.type === 'replace-body' ? { ...read, bytes: Buffer.from(read.bytes) } : read,
        reply,
      )
    }
  }
})

test('a reply code of several lines is joined; one of another class, or of two codes, is refused', () => {
  const frame = (text: string): Frame => ({ letter: 'y', data: Buffer.from(`${text}\0`) })
  assert.deepEqual(parseReply(frame('550-5.7.1 One\r\n550 5.7.1 two')), {
    type: 'reply-code',
    code: 550,
    status: '5.7.1',
    text: 'One two',
  })
  for (const wrong of ['250 fine', '354 go', 'abc', '550-a\r\n551 b', '450 5.7.1 x', '5500 x']) {
    assert.throws(() => parseReply(frame(wrong)), MilterProtocolError, wrong)
  }
})

test('what is cut off, or is more than it should be, is refused', () => {
  const wrong: Frame[] = [
    { letter: 'Z', data: Buffer.alloc(0) },
    { letter: 'c', data: Buffer.from('x') },
    { letter: 'h', data: Buffer.from('X\0') },
    { letter: 'h', data: Buffer.from('X\0y') },
    { letter: 'h', data: Buffer.from('X\0y\0z\0') },
    { letter: 'm', data: Buffer.from('ab') },
    { letter: '+', data: Buffer.alloc(0) },
    { letter: 'O', data: Buffer.alloc(11) },
  ]
  for (const frame of wrong) assert.throws(() => parseReply(frame), MilterProtocolError, frame.letter)
})

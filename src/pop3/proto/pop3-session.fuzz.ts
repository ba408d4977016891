// Fuzz target: a whole POP3 session, from the greeting on, for which any password is right and three messages are there. Whatever the
// client sends, the core does not throw, writes whole lines, asks for no message that is not there, and does not care where a
// chunk ends.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Output } from '../../base/core.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { Pop3Core } from './core.ts'
import type { Pop3Answer, Pop3Question } from './questions.ts'

const uids = Uint32Array.of(1, 2, 9)
const message = Buffer.from('Subject: x\r\n\r\nbody\r\n')

function answer(question: Pop3Question): Pop3Answer {
  switch (question.type) {
    case 'log-in':
    case 'finish-sasl':
      return { type: 'opened', maildrop: { uidValidity: 7, uids, sizes: Float64Array.of(20, 20, 20) } }
    case 'sasl':
      return question.question.type === 'need-credentials'
        ? { type: 'sasl', answer: { type: 'credentials', verifier: null } }
        : { type: 'sasl', answer: { type: 'refused', reason: 'bad-credentials' } }
    case 'retrieve':
      assert.ok(uids.includes(question.uid))
      return question.uid === 2 ? { type: 'gone' } : { type: 'message', bytes: message }
    case 'update':
      for (const [first, last] of question.uids) assert.ok(first <= last)
      return { type: 'done' }
    default:
      return { type: 'done' }
  }
}

function converse(chunks: readonly Uint8Array[]): string {
  const core = new Pop3Core({
    hostname: 'mx.example.org',
    stls: true,
    clearTextAllowed: true,
    sasl: { scram: true, serverSecret: new Uint8Array(32), scramIterations: 4096 },
    random: new SeededRandom(1),
    limits: {
      lineBytes: 255,
      saslResponseBytes: 4096,
      loginTimeout: 60_000,
      idleTimeout: 600_000,
      badCommands: 20,
      failedLogins: 3,
      loginDelay: 0,
      writeBatch: 65_536,
    },
  })
  let written = ''
  let closed = false
  const take = (outputs: readonly Output<Pop3Question>[]): void => {
    for (const output of outputs) {
      assert.equal(closed, false, 'nothing follows close')
      if (output.type === 'write') written += Buffer.from(output.bytes).toString('latin1')
      else if (output.type === 'close') closed = true
      else if (output.type === 'ask') take(core.answer(answer(output.question)))
    }
  }
  take(core.open(null))
  for (const chunk of chunks) if (!closed) take(core.receive(chunk))
  return written
}

export function target(bytes: Uint8Array): void {
  const whole = converse([bytes])
  assert.match(whole, /^\+OK [^\r\n]*\r\n(?:[^\r\n]*\r\n)*$/)
  // Bytes behind STLS are an attack when they come with it, and the beginning of a handshake when they come later.
  if (/stls/i.test(Buffer.from(bytes).toString('latin1'))) return
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  assert.equal(converse([bytes.subarray(0, cut), bytes.subarray(cut)]), whole)
}

export const seeds: readonly string[] = [
  'CAPA\r\nUSER ann\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nTOP 3 0\r\nDELE 3\r\nRSET\r\nNOOP\r\nQUIT\r\n',
  'AUTH PLAIN AGFubgBzZWNyZXQ=\r\nUTF8\r\nLANG *\r\nLIST 2\r\nRETR 2\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n',
  'AUTH\r\nAUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\nUIDL\r\nLAST\r\n',
  'AUTH SCRAM-SHA-256 biwsbj1hbm4scj1yT3ByTkdmd0ViZVJXZ2JO\r\n*\r\nSTLS\r\n',
]

export const dictionary: readonly string[] = [
  '\r\n',
  'USER a\r\nPASS b\r\n',
  'RETR ',
  'TOP 1 ',
  'DELE ',
  'LIST ',
  'UIDL ',
  'LANG en\r\n',
  'AUTH PLAIN\r\n',
  '4294967296',
  '*\r\n',
  'STLS\r\n',
]

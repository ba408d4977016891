// The core alone: what it asks, how it gathers replies, and that segments make no difference.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { Secret } from '../../base/secret.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { makeScramVerifier } from '../../sasl/scram-keys.ts'
import { scramClient } from '../../sasl/scram-client.ts'
import { commandTable } from './commands/table.ts'
import { Pop3Core } from './core.ts'
import type { Output, TlsState } from '../../base/core.ts'
import type { ScramVerifier } from '../../sasl/mechanism.ts'
import type { Pop3Answer, Pop3Question } from './questions.ts'
import type { Pop3Settings } from './session.ts'

const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: null,
  exporter: new Uint8Array(32).fill(7),
  serverEndPoint: null,
  peerCertificate: null,
}

function settingsWith(given: Partial<Pop3Settings> = {}, writeBatch = 65_536): Pop3Settings {
  return {
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
      badCommands: 0,
      failedLogins: 0,
      loginDelay: 0,
      writeBatch,
    },
    ...given,
  }
}

const message = Buffer.from('Subject: x\r\n\r\nbody\r\n')

/** A handler in a few lines: any password is right, three messages, the second has gone. */
function answerOf(question: Pop3Question, verifier: ScramVerifier | null = null): Pop3Answer {
  switch (question.type) {
    case 'log-in':
    case 'finish-sasl':
      return {
        type: 'opened',
        maildrop: { uidValidity: 7, uids: Uint32Array.of(1, 2, 9), sizes: Float64Array.of(20, 20, 20) },
      }
    case 'sasl':
      return { type: 'sasl', answer: { type: 'credentials', verifier } }
    case 'retrieve':
      return question.uid === 2 ? { type: 'gone' } : { type: 'message', bytes: message }
    default:
      return { type: 'done' }
  }
}

interface Heard {
  text: string
  writes: number
  questions: string[]
  ending: 'close' | 'start-tls' | null
}

/** Carries outputs as a pump would. */
function carry(
  core: Pop3Core,
  outputs: Output<Pop3Question>[],
  heard: Heard,
  verifier?: ScramVerifier,
): void {
  for (const output of outputs) {
    if (output.type === 'write') {
      heard.text += Buffer.from(output.bytes).toString()
      heard.writes++
    } else if (output.type === 'ask') {
      heard.questions.push(output.question.type)
      carry(core, core.answer(answerOf(output.question, verifier ?? null)), heard, verifier)
    } else if (output.type === 'close' || output.type === 'start-tls') heard.ending = output.type
  }
}

function play(chunks: readonly Uint8Array[], settings = settingsWith()): Heard {
  const core = new Pop3Core(settings)
  const heard: Heard = { text: '', writes: 0, questions: [], ending: null }
  carry(core, core.open(null), heard)
  for (const chunk of chunks) if (heard.ending === null) carry(core, core.receive(chunk), heard)
  return heard
}

test('A pipelined session is the same in any segments', () => {
  const bytes =
    'USER ann\r\nPASS x\r\nSTAT\r\nRETR 1\r\nRETR 2\r\nDELE 1\r\nLIST\r\nUIDL\r\nRSET\r\nTOP 3 0\r\nDELE 3\r\nBAD\nQUIT\r\nNOOP\r\n'
  const { text, questions, ending } = feedEveryWay(bytes, (chunks) => ({ ...play(chunks), writes: 0 }))
  assert.equal(ending, 'close')
  assert.deepEqual(questions, ['log-in', 'retrieve', 'retrieve', 'retrieve', 'update'])
  assert.match(
    text,
    /\+OK 3 60\r\n\+OK 20 octets\r\nSubject: x\r\n\r\nbody\r\n\.\r\n-ERR Message was removed/,
  )
  assert.match(text, /\r\n2 20\r\n3 20\r\n\.\r\n/)
  assert.match(text, /\r\n2 7\.2\r\n3 7\.9\r\n\.\r\n/)
  assert.match(text, /\+OK Goodbye, 2 messages left\r\n$/)
})

test('Replies to commands that came together leave together, in bounded batches', () => {
  const login = 'USER ann\r\nPASS x\r\n'
  const many = play([Buffer.from(login), Buffer.from('RETR 1\r\n'.repeat(100))])
  assert.equal(many.writes, 1 + 2 + 1)
  const batched = play([Buffer.from(login), Buffer.from('RETR 1\r\n'.repeat(100))], settingsWith({}, 400))
  assert.equal(batched.text, many.text)
  assert.ok(batched.writes > 10)
  assert.ok(batched.questions.includes('drain'))
})

test('A thousand LISTs cost one listing at a time', () => {
  const core = new Pop3Core(settingsWith())
  core.open(null)
  core.receive(Buffer.from('USER ann\r\nPASS x\r\n'))
  const uids = Uint32Array.from({ length: 100_000 }, (_, at) => at + 1)
  core.answer({
    type: 'opened',
    maildrop: { uidValidity: 1, uids, sizes: new Float64Array(100_000).fill(4096) },
  })
  let outputs = core.receive(Buffer.from('LIST\r\n'.repeat(1000)))
  for (let round = 0; round < 20; round++) {
    const bytes = outputs.reduce(
      (sum, output) => sum + (output.type === 'write' ? output.bytes.length : 0),
      0,
    )
    assert.ok(bytes > 0 && bytes < 200_000, `${bytes} octets at once`)
    assert.deepEqual(outputs.at(-1), { type: 'ask', question: { type: 'drain' } })
    outputs = core.answer({ type: 'done' })
  }
})

test('nasty input 4: octets behind STLS are never interpreted, and the session ends', () => {
  const { text, questions, ending } = play([Buffer.from('STLS\r\nUSER ann\r\nPASS x\r\n')])
  assert.equal(ending, 'close')
  assert.deepEqual(questions, [])
  assert.match(text, /-ERR Nothing may follow STLS before the handshake, closing\r\n$/)
  const part = play([Buffer.from('STLS\r\nU')])
  assert.equal(part.ending, 'close')
  assert.equal(play([Buffer.from('STLS\r\n')]).ending, 'start-tls')
})

test('After STLS nothing is known from before, and SCRAM with channel binding is offered', () => {
  const core = new Pop3Core(settingsWith())
  const heard: Heard = { text: '', writes: 0, questions: [], ending: null }
  carry(core, core.open(null), heard)
  carry(core, core.receive(Buffer.from('USER ann\r\nSTLS\r\n')), heard)
  heard.text = ''
  carry(core, core.secured(tls), heard)
  carry(core, core.receive(Buffer.from('PASS x\r\nCAPA\r\nUTF8\r\nSTLS\r\n')), heard)
  assert.match(heard.text, /^-ERR Send USER first\r\n\+OK/)
  assert.match(
    heard.text,
    /SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN\r\n/,
  )
  assert.doesNotMatch(heard.text, /\r\nSTLS\r\n/)
  assert.match(heard.text, /-ERR TLS is active already\r\n$/)
})

test('SCRAM over POP3: the final words are one more challenge, and a wrong proof is told to the handler', async () => {
  const verifier = await makeScramVerifier({
    scramHash: 'sha256',
    password: 'pencil',
    salt: new Uint8Array(16),
    iterations: 4096,
  })
  assert.ok(verifier)
  const logIn = (password: string): Heard => {
    const core = new Pop3Core(settingsWith())
    const heard: Heard = { text: '', writes: 0, questions: [], ending: null }
    const client = scramClient({ username: 'ann', password: new Secret(password), nonce: 'abc' })
    const respond = (challenge: string | null) => {
      const response = client.respond(challenge === null ? null : Buffer.from(challenge, 'base64'))
      return response.type === 'response' ? Buffer.from(response.bytes).toString('base64') : '*'
    }
    carry(core, core.open(null), heard)
    let line = `AUTH SCRAM-SHA-256 ${respond(null)}`
    for (let round = 0; round < 3; round++) {
      heard.text = ''
      carry(core, core.receive(Buffer.from(`${line}\r\n`)), heard, verifier)
      if (!heard.text.startsWith('+ ')) break
      line = respond(heard.text.slice(2).trimEnd())
    }
    return heard
  }
  const good = logIn('pencil')
  assert.match(good.text, /^\+OK Maildrop has 3 messages/)
  assert.deepEqual(good.questions, ['sasl', 'finish-sasl'])
  const bad = logIn('wrong')
  assert.match(bad.text, /^-ERR \[AUTH\]/)
  assert.deepEqual(bad.questions, ['sasl', 'abandon-sasl'])
})

test('Silence, the end of the connection and a stop remove nothing and say nothing', () => {
  for (const end of ['expire', 'ended', 'shutdown'] as const) {
    const core = new Pop3Core(settingsWith())
    const heard: Heard = { text: '', writes: 0, questions: [], ending: null }
    carry(core, core.open(null), heard)
    carry(core, core.receive(Buffer.from('USER ann\r\nPASS x\r\nDELE 1\r\n')), heard)
    assert.deepEqual(core[end](), [{ type: 'close' }])
    assert.deepEqual(core.receive(Buffer.from('QUIT\r\n')), [])
  }
})

test('A message that breaks off has no final dot, and the connection ends', () => {
  const core = new Pop3Core(settingsWith())
  const heard: Heard = { text: '', writes: 0, questions: [], ending: null }
  carry(core, core.open(null), heard)
  carry(core, core.receive(Buffer.from('USER ann\r\nPASS x\r\n')), heard)
  core.receive(Buffer.from('RETR 1\r\nNOOP\r\n'))
  const asked = core.answer({ type: 'stream' })
  assert.deepEqual(asked, [
    { type: 'write', bytes: '+OK 20 octets\r\n' },
    { type: 'ask', question: { type: 'stream' } },
  ])
  assert.deepEqual(core.answer({ type: 'broken' }), [{ type: 'close' }])
})

test('No octets make the core throw, and every whole line is answered', () => {
  const words = [
    ...commandTable.keys(),
    '1',
    '0',
    'ann',
    '\r\n',
    '\r\n',
    '\r\n',
    ' ',
    '\n',
    '\0',
    '\u00ff',
    'PLAIN',
    '*',
    '=',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 40 }), (input) => {
      play([Buffer.from(input.join(''), 'latin1')])
    }),
    { numRuns: 300 },
  )
})

test('Every reply fits into 512 octets (RFC 2449 §4) and is plain ASCII', () => {
  for (const command of commandTable.values()) {
    assert.match(`-ERR Syntax: ${command.syntax}\r\n`, /^[\x20-\x7e]{1,510}\r\n$/)
    assert.match(command.name, /^[A-Z0-9]{3,4}$/)
  }
})

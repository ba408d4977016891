// The core of a session, with answers given by the test: states, tags, literals, log-in, APPEND, IDLE, STARTTLS.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import { capabilityData } from './capabilities.ts'
import { ImapSession } from './session.ts'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { imapLimits } from '../../../test/support/imap-limits.ts'
import type { ImapAnswer, ImapQuestion } from './commands/command.ts'
import type { ImapLimits } from './limits.ts'
import type { ImapSessionOptions } from './session-options.ts'
import type { Output, TlsState } from '../../base/core.ts'

const tls: TlsState = {
  version: 'TLSv1.3',
  cipher: 'x',
  serverName: null,
  exporter: null,
  serverEndPoint: null,
  peerCertificate: null,
}

function options(
  changes: Partial<ImapSessionOptions> = {},
  limits: Partial<ImapLimits> = {},
): ImapSessionOptions {
  return {
    limits: imapLimits(limits),
    hostname: 'mail.example',
    startTls: true,
    clearTextAllowed: true,
    scram: false,
    random: { bytes: (length) => new Uint8Array(length), below: () => 0, id: () => 'x' },
    serverSecret: new Uint8Array(16),
    scramIterations: 4096,
    ...changes,
  }
}

/** Runs a session over the chunks with a handler; returns everything it wrote and what it was asked. */
class Run {
  readonly session: ImapSession
  readonly asked: ImapQuestion[] = []
  written = ''
  closed = false
  startTls = 0
  timeOut = 0
  readonly #handler: (question: ImapQuestion) => ImapAnswer

  constructor(made: ImapSessionOptions, handler: (question: ImapQuestion) => ImapAnswer = obliging) {
    this.session = new ImapSession(made)
    this.#handler = handler
  }

  open(state: TlsState | null = null): this {
    return this.take(this.session.open(state))
  }

  take(outputs: Output<ImapQuestion>[]): this {
    for (const output of outputs) {
      assert.equal(this.closed, false, 'nothing follows close')
      if (output.type === 'write') this.written += output.bytes
      else if (output.type === 'time-out') this.timeOut = output.milliseconds
      else if (output.type === 'close') this.closed = true
      else if (output.type === 'start-tls') this.startTls++
      else if (output.type === 'ask') {
        this.asked.push(output.question)
        this.take(this.session.answer(this.#handler(output.question)))
      }
    }
    return this
  }

  feed(bytes: Uint8Array | string): this {
    return this.take(this.session.receive(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes))
  }

  /** The lines written since the last call. */
  lines(): string[] {
    const lines = this.written.split('\r\n').slice(0, -1)
    this.written = ''
    return lines
  }
}

function obliging(question: ImapQuestion): ImapAnswer {
  switch (question.type) {
    case 'sasl':
      return question.question.type === 'check-password' && question.question.password.reveal() === 'secret'
        ? { type: 'sasl', answer: { type: 'accepted' } }
        : { type: 'sasl', answer: { type: 'refused', reason: 'bad-credentials' } }
    case 'login-failed':
    case 'append':
    case 'append-chunk':
    case 'append-abort':
    case 'idle':
      return { type: 'proceed' }
    case 'request': {
      const { request } = question
      if (request.name !== 'SELECT') return { type: 'done', status: 'OK', text: `${request.name} done` }
      return {
        type: 'done',
        status: 'OK',
        code: 'READ-WRITE',
        text: 'done',
        state: { name: 'selected', readOnly: false },
      }
    }
    default:
      return { type: 'done', status: 'OK', text: `${question.type} done` }
  }
}

function dialogue(bytes: string, limits: Partial<ImapLimits> = {}): string[] {
  return feedEveryWay(Buffer.from(bytes, 'latin1'), (chunks) => {
    const run = new Run(options({}, limits)).open()
    run.lines()
    for (const chunk of chunks) if (!run.closed) run.feed(chunk)
    return [...run.lines(), ...(run.closed ? ['<closed>'] : [])]
  })
}

const capabilities = 'IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE'
const after = capabilityData({
  ...{ loggedIn: true, startTlsOffered: false, loginAllowed: true, compressed: false },
  ...{ mechanisms: [], messageSize: imapLimits({}).messageSize, hidden: [] },
  ...{ messageLimit: 0, saveLimit: 0, jmapAccess: false },
})
const loggedIn = `OK [CAPABILITY ${after}] log-in done`
const login = 'l LOGIN ann secret\r\n'

test('the greeting carries the capabilities', () => {
  const clear = new Run(options()).open()
  assert.deepEqual(clear.lines(), [
    `* OK [CAPABILITY ${capabilities} STARTTLS AUTH=PLAIN AUTH=LOGIN] mail.example IMAP4rev1 ready`,
  ])
  assert.equal(clear.timeOut, 180_000)
  const strict = new Run(options({ clearTextAllowed: false })).open()
  assert.match(strict.written, /STARTTLS LOGINDISABLED\]/)
  assert.match(
    new Run(options({ clearTextAllowed: false, scram: true })).open(tls).written,
    /AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN/,
  )
})

test('LOGIN with atoms, quoted strings and literals; the time-out grows', () => {
  for (const command of [
    'l LOGIN ann secret',
    'l login "ann" "secret"',
    'l LOGIN {3+}\r\nann {6+}\r\nsecret',
  ]) {
    assert.deepEqual(dialogue(`${command}\r\n`), [`l ${loggedIn}`])
  }
  const ready = '+ Ready for the literal'
  assert.deepEqual(dialogue('l LOGIN {3}\r\nann {6}\r\nsecret\r\n'), [ready, ready, `l ${loggedIn}`])
  assert.equal(new Run(options()).open().feed(login).timeOut, 1_800_000)
})

test('wrong passwords are refused with a code, and after some the session ends', () => {
  const wrong = 'NO [AUTHENTICATIONFAILED] Wrong user name or password'
  assert.deepEqual(dialogue('a LOGIN ann x\r\nb LOGIN ann y\r\n', { loginFailures: 2 }), [
    `a ${wrong}`,
    `b ${wrong}`,
    '* BYE Too many failed log-ins',
    '<closed>',
  ])
})

test('without TLS, passwords are not taken where that is forbidden', () => {
  const run = new Run(options({ clearTextAllowed: false })).open()
  run.lines()
  run.feed('a LOGIN ann secret\r\nb AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=\r\n')
  assert.deepEqual(run.lines(), [
    'a NO [PRIVACYREQUIRED] Use STARTTLS first',
    'b NO [PRIVACYREQUIRED] Use STARTTLS first',
  ])
  assert.deepEqual(run.asked, [])
})

test('AUTHENTICATE with and without initial response, cancelled, malformed', () => {
  assert.deepEqual(dialogue('a AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=\r\n'), [`a ${loggedIn}`])
  assert.deepEqual(dialogue('a authenticate plain\r\nAGFubgBzZWNyZXQ=\r\n'), ['+ ', `a ${loggedIn}`])
  assert.deepEqual(dialogue('a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n'), [
    '+ ',
    'a BAD AUTHENTICATE was cancelled',
    'b OK Nothing done',
  ])
  assert.match(dialogue('a AUTHENTICATE PLAIN\r\n!!!\r\n').join(), /a BAD The response/)
  assert.match(
    dialogue('a AUTHENTICATE PLAIN\r\n{5+}\r\nhello\r\nb NOOP\r\n').join(),
    /a BAD The response.*,b OK/,
  )
  assert.deepEqual(dialogue('a AUTHENTICATE X-NONE\r\n'), ['a NO This mechanism is not offered'])
})

test('commands outside their state are BAD', () => {
  assert.deepEqual(dialogue('a SELECT INBOX\r\n'), ['a BAD SELECT is not allowed before log-in'])
  assert.match(dialogue(`${login}b FETCH 1 FLAGS\r\nc LOGIN x y\r\n`).join(), /b BAD FETCH.*,c BAD LOGIN/)
})

test('pipelined commands are answered in order', () => {
  assert.deepEqual(dialogue(`${login}a SELECT INBOX\r\nb FETCH 1 FLAGS\r\nc CAPABILITY\r\nd LOGOUT\r\n`), [
    `l ${loggedIn}`,
    'a OK [READ-WRITE] done',
    'b OK FETCH done',
    `* CAPABILITY ${after}`,
    'c OK That is all',
    '* BYE Logging out',
    'd OK Bye',
    '<closed>',
  ])
})

test('literals before log-in: absurd sizes are refused without reading', () => {
  for (const size of ['2147483647', '9999999999', '5000']) {
    assert.deepEqual(dialogue(`a LOGIN {${size}}\r\nb NOOP\r\n`), [
      'a BAD [TOOBIG] The literal is too big',
      'b OK Nothing done',
    ])
    const end = dialogue(`a LOGIN {${size}+}\r\n`)
    if (size !== '5000')
      assert.deepEqual(end, ['* BYE [TOOBIG] Too much data that cannot be used', '<closed>'])
  }
  for (const none of ['{-1}', '{}', '{x}']) {
    assert.match(dialogue(`a LOGIN ${none}\r\nb NOOP\r\n`).join('\n'), /^a BAD Syntax error.*\nb OK/)
  }
})

test('ID with non-synchronizing literals before log-in', () => {
  assert.deepEqual(dialogue('a ID ({4+}\r\nname {7+}\r\nOutlook)\r\nb ID NIL\r\n'), [
    'a OK ID done',
    'b OK ID done',
  ])
})

test('a literal where none belongs is refused before it is read', () => {
  assert.match(dialogue('a NOOP {3}\r\nb NOOP\r\n').join('\n'), /^a BAD Syntax error.*\nb OK/)
  assert.match(dialogue('a NONSENSE {3+}\r\nxyz\r\nb NOOP\r\n').join('\n'), /^a BAD Unknown command.*\nb OK/)
})

test('APPEND streams its message and never collects it', () => {
  const message = 'x'.repeat(200_000)
  const run = new Run(options()).open().feed(login)
  run.lines()
  run.feed(`a APPEND INBOX (\\Seen $Work) "01-Feb-2026 10:00:00 +0100" {${message.length}}\r\n`)
  assert.deepEqual(run.lines(), ['+ Ready for the message'])
  for (let at = 0; at < message.length; at += 50_000) run.feed(message.slice(at, at + 50_000))
  run.feed('\r\n')
  assert.deepEqual(run.lines(), ['a OK append-more done'])
  const [opened] = run.asked.filter((question) => question.type === 'append')
  assert.ok(opened)
  assert.equal(opened.mailbox, 'INBOX')
  assert.equal(opened.octets, message.length)
  assert.deepEqual(opened.steps, [
    { step: 'message', flags: { flags: 1, keywords: ['$Work'] }, date: Date.UTC(2026, 1, 1, 9) },
    { step: 'octets' },
  ])
  assert.equal(run.asked.filter((question) => question.type === 'append-chunk').length, 4)
})

test('APPEND with a literal for its mailbox, an empty message, one too big, one with a tail', () => {
  const text = dialogue(
    `${login}a APPEND {5+}\r\nINBOX {0+}\r\n\r\nb APPEND INBOX {5+}\r\nhello\r\nc APPEND INBOX {300}\r\nd APPEND INBOX {2+}\r\nhi there\r\ne APPEND INBOX "x"\r\nf NOOP\r\n`,
    { messageSize: 200 },
  )
  assert.deepEqual(text.slice(1), [
    'a OK append-more done',
    'b OK append-more done',
    'c NO [TOOBIG] The message is too big',
    'd BAD Syntax error: expected a single space',
    'e BAD Syntax error: expected 2 digits',
    'f OK NOOP done',
  ])
})

test('a refused APPEND drops its octets', () => {
  const bytes = `${login}a APPEND Nowhere {14+}\r\nb NOOP\r\nc NOOP\r\nd NOOP\r\n`
  const lines = feedEveryWay(bytes, (chunks) => {
    const run = new Run(options(), (question) =>
      question.type === 'append'
        ? { type: 'done', status: 'NO', code: 'TRYCREATE', text: 'No' }
        : obliging(question),
    ).open()
    run.lines()
    for (const chunk of chunks) run.feed(chunk)
    return run.lines()
  })
  assert.deepEqual(lines.slice(1), ['a NO [TRYCREATE] No', 'd OK NOOP done'])
})

test('IDLE goes on until DONE', () => {
  assert.deepEqual(dialogue(`${login}a IDLE\r\ndone\r\nb IDLE\r\nNOOP\r\nc NOOP\r\n`).slice(1), [
    '+ Idling',
    'a OK idle-done done',
    '+ Idling',
    'b BAD Expected DONE',
    'c OK NOOP done',
  ])
})

test('STARTTLS: bytes behind it end the session, however they are cut', () => {
  for (const behind of ['b NOOP\r\n', ' ']) {
    feedEveryWay(`a STARTTLS\r\n${behind}`, (chunks) => {
      const run = new Run(options()).open()
      for (const chunk of chunks) if (!run.closed) run.feed(chunk)
      assert.ok(run.closed)
      assert.match(run.written, /\* BYE Plain text after STARTTLS\r\n$/)
      assert.doesNotMatch(run.written, /b OK/)
      return null
    })
  }
  const run = new Run(options({ clearTextAllowed: false })).open().feed('a STARTTLS\r\n')
  assert.equal(run.startTls, 1)
  run.take(run.session.secured(tls))
  run.lines()
  run.feed('b CAPABILITY\r\nc STARTTLS\r\n')
  assert.deepEqual(run.lines(), [
    `* CAPABILITY ${capabilities} AUTH=PLAIN AUTH=LOGIN`,
    'b OK That is all',
    'c BAD TLS is already active',
  ])
})

test('bad commands are counted, the session ends', () => {
  const lines = dialogue('GET / HTTP/1.1\r\nHost: x\r\n\r\n', { badCommandsBeforeLogin: 3 })
  assert.deepEqual(lines.slice(-2), ['* BYE Too many commands that make no sense', '<closed>'])
})

test('NUL and 8-bit are refused where they may not stand', () => {
  assert.match(dialogue('a LOGIN "an\0n" x\r\n').join(), /^a BAD/)
  assert.match(dialogue('a LOGIN {3+}\r\na\0n x\r\n').join(), /^a BAD/)
  assert.match(dialogue('a LOGIN \xe9 x\r\n').join(), /^a BAD/)
})

test('nested search keys are bounded', () => {
  const deep = `${login}s SELECT x\r\na SEARCH ${'('.repeat(10_000)}ALL${')'.repeat(10_000)}\r\nb SEARCH ${'NOT '.repeat(5_000)}ALL\r\n`
  assert.match(
    dialogue(deep).join('\n'),
    /a BAD Syntax error: search keys nested.*\nb BAD Syntax error: search keys nested/,
  )
})

test('mailbox names that cannot be are NO, not BAD', () => {
  assert.deepEqual(dialogue(`${login}a CREATE "&bad"\r\nb CREATE a//b\r\nc CREATE "x*"\r\n`).slice(1), [
    'a NO [CANNOT] No mailbox can have this name',
    'b NO [CANNOT] No mailbox can have this name',
    'c NO [CANNOT] No mailbox can have this name',
  ])
})

test('silence, shutdown and the end of the stream', () => {
  const idle = new Run(options()).open().feed(`${login}i IDLE\r\n`)
  idle.lines()
  idle.take(idle.session.expire())
  assert.deepEqual(idle.lines(), ['* BYE Autologout; idle for too long'])
  assert.ok(idle.closed)
  const stopped = new Run(options()).open()
  stopped.lines()
  stopped.take(stopped.session.shutdown())
  assert.deepEqual(stopped.lines(), ['* BYE [UNAVAILABLE] The server is stopping'])
  const ended = new Run(options()).open()
  ended.take(ended.session.ended())
  assert.ok(ended.closed)
})

test('what is sent ahead of an answer is bounded; one large read is not', () => {
  const session = new ImapSession(options({}, { pipelined: 1000 }))
  const run = (outputs: Output<ImapQuestion>[]): string =>
    outputs.map((output) => (output.type === 'write' ? String(output.bytes) : `<${output.type}>`)).join('')
  run(session.open(null))
  run(session.receive(Buffer.from('a LOGIN ann secret\r\n')))
  run(session.receive(Buffer.from('b NOOP\r\n'.repeat(100))))
  assert.equal(run(session.receive(Buffer.from('b NOOP\r\n'.repeat(100)))), '')
  assert.match(run(session.answer({ type: 'sasl', answer: { type: 'accepted' } })), /^<ask>$/)
  const ended = run(session.answer({ type: 'done', status: 'OK', text: 'in' }))
  assert.match(ended, /a OK .*\r\n\* BYE Too much was sent ahead\r\n<close>$/)
  assert.match(dialogue(`${login}${'b NOOP\r\n'.repeat(500)}`, { pipelined: 1000 }).at(-1) ?? '', /b OK/)
})

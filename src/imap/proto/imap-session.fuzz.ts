// Fuzz target: a whole IMAP session, from the greeting on, with a handler that always agrees. Whatever the client sends, the core does
// not throw, writes whole lines, and says nothing after it has closed; nor does it matter where a chunk ends.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { imapLimits } from '../../../test/support/imap-limits.ts'
import type { Output } from '../../base/core.ts'
import type { ImapAnswer, ImapQuestion } from './commands/command.ts'
import { ImapSession } from './session.ts'

function answer(question: ImapQuestion): ImapAnswer {
  switch (question.type) {
    case 'sasl': {
      const { type } = question.question
      if (type === 'check-password') return { type: 'sasl', answer: { type: 'accepted' } }
      if (type === 'need-credentials')
        return { type: 'sasl', answer: { type: 'credentials', verifier: null } }
      return { type: 'sasl', answer: { type: 'refused', reason: 'bad-credentials' } }
    }
    case 'login-failed':
    case 'append':
    case 'append-chunk':
    case 'append-abort':
    case 'idle':
      return { type: 'proceed' }
    case 'request': {
      const selects = question.request.name === 'SELECT'
      const done: ImapAnswer = { type: 'done', status: 'OK', text: 'done' }
      return selects ? { ...done, state: { name: 'selected', readOnly: false } } : done
    }
    default:
      return { type: 'done', status: 'OK', text: 'done' }
  }
}

/** What the core writes, and each question but the pieces of a message. */
function converse(chunks: readonly Uint8Array[]): string {
  const session = new ImapSession({
    limits: imapLimits(),
    hostname: 'mail.example',
    startTls: true,
    clearTextAllowed: true,
    scram: true,
    random: { bytes: (length) => new Uint8Array(length), below: () => 0, id: () => 'x' },
    serverSecret: new Uint8Array(16),
    scramIterations: 4096,
  })
  let written = ''
  let closed = false
  const take = (outputs: readonly Output<ImapQuestion>[]): void => {
    for (const output of outputs) {
      assert.equal(closed, false, 'nothing follows close')
      if (output.type === 'write') written += Buffer.from(output.bytes).toString('latin1')
      else if (output.type === 'close') closed = true
      else if (output.type === 'ask') {
        if (output.question.type !== 'append-chunk') written += `<${output.question.type}>`
        take(session.answer(answer(output.question)))
      }
    }
  }
  take(session.open(null))
  for (const chunk of chunks) if (!closed) take(session.receive(chunk))
  assert.match(written.replaceAll(/<[a-z-]+>/g, ''), /\r\n$/)
  return written
}

export function target(bytes: Uint8Array): void {
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  const whole = converse([bytes])
  // Bytes behind STARTTLS are an attack when they come with it, and the beginning of a handshake when they come later.
  if (whole.includes('Begin TLS')) return
  assert.equal(converse([bytes.subarray(0, cut), bytes.subarray(cut)]), whole)
}

export const seeds: readonly string[] = [
  'a LOGIN ann secret\r\nb SELECT INBOX\r\nc FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]<0.10>)\r\nd LOGOUT\r\n',
  'a LOGIN {3}\r\nann {6+}\r\nsecret\r\nb APPEND INBOX (\\Seen) "21-Nov-2026 10:00:00 +0000" {5}\r\nhello\r\nc IDLE\r\nDONE\r\n',
  'a AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=\r\nb SELECT a\r\nc UID SEARCH OR (NOT SEEN) HEADER Subject x 1:3,5\r\n',
  'a LOGIN ann x\r\nb LIST "" (% "*")\r\nc STATUS INBOX (MESSAGES UIDNEXT)\r\nd STORE 1 +FLAGS.SILENT ($Forwarded)\r\n',
  'a LOGIN ann x\r\nb LIST (SUBSCRIBED RECURSIVEMATCH) "" (a% "*") RETURN (STATUS (SIZE) METADATA (/shared/a) MYRIGHTS)\r\nc CREATE x (USE (\\Sent))\r\n',
  'a LOGIN ann x\r\nb ENABLE QRESYNC\r\nc SELECT INBOX (QRESYNC (1 2 3:4,7 (1,3 5:6)) CONDSTORE)\r\nd SETACL x -bob +lrs\r\n',
  'a LOGIN ann x\r\nb SETMETADATA "" (/private/a ~{2+}\r\nab /private/b NIL)\r\nc GETMETADATA (DEPTH 1) x (MAXSIZE 3) /private\r\n',
]

export const dictionary: readonly string[] = [
  '\r\n',
  '{5}\r\n',
  '{5+}\r\n',
  '{0}\r\n',
  'a ',
  'UID ',
  'FETCH ',
  'BODY[',
  'BINARY[1]',
  'SEARCH CHARSET UTF-8 ',
  'AUTHENTICATE SCRAM-SHA-256\r\n',
  'ENABLE ',
  'NAMESPACE\r\n',
  'ID ("name" NIL)\r\n',
  'IDLE\r\n',
  'DONE\r\n',
  'STARTTLS\r\n',
  'LIST () "" ',
  ' RETURN (',
  'SETMETADATA ',
  '~{2+}\r\n',
  'SETACL ',
  'SETQUOTA x (STORAGE 1)\r\n',
  'COPY 1:* ',
  '*',
]

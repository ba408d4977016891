// RETR, TOP, DELE and RSET (RFC 1939 §5 and §7): reading messages and marking them.
import { replies } from '../replies.ts'
import { reply, unexpected } from '../session.ts'
import { maildropOf, parseMessageNumber, syntaxError } from './command.ts'
import type { Pop3Answer } from '../questions.ts'
import type { Session, Step } from '../session.ts'
import type { Command } from './command.ts'

export const retr: Command = {
  name: 'RETR',
  states: ['transaction'],
  syntax: 'RETR message',
  help: 'Sends a message.',
  run(session, argument) {
    const maildrop = maildropOf(session)
    const number = parseMessageNumber(retr, maildrop, argument)
    if (typeof number !== 'number') return number
    return retrieve(session, {
      uid: maildrop.uid(number),
      bodyLines: null,
      first: replies.messageFollows(maildrop.size(number)),
    })
  },
}

export const top: Command = {
  name: 'TOP',
  states: ['transaction'],
  syntax: 'TOP message lines',
  help: 'Sends the header and so many lines of the body.',
  run(session, argument) {
    const [first = '', lines = '', ...rest] = argument.split(' ')
    if (rest.length > 0 || !/^[0-9]{1,10}$/.test(lines)) return syntaxError(top)
    const maildrop = maildropOf(session)
    const number = parseMessageNumber(top, maildrop, first)
    if (typeof number !== 'number') return number
    return retrieve(session, {
      uid: maildrop.uid(number),
      bodyLines: Number(lines),
      first: replies.topFollows,
    })
  },
}

interface Retrieval {
  readonly uid: number
  readonly bodyLines: number | null
  /** The line before the message. */
  readonly first: string
}

function retrieve(session: Session, { uid, bodyLines, first }: Retrieval): Step {
  return {
    type: 'ask',
    question: { type: 'retrieve', uid, bodyLines, utf8: session.utf8 },
    then: (answer) => deliver(answer, first),
  }
}

function deliver(answer: Pop3Answer, first: string): Step {
  switch (answer.type) {
    case 'message':
      return { type: 'message', first, bytes: answer.bytes }
    case 'stream':
      return {
        type: 'ask',
        text: first,
        question: { type: 'stream' },
        // A message that breaks off must not look complete: no final dot, and the connection ends.
        then: ({ type }) => (type === 'done' ? reply(replies.end) : { type: 'close', text: '' }),
      }
    case 'gone':
      return reply(replies.messageGone)
    case 'needs-utf8':
      return reply(replies.messageNeedsUtf8)
    case 'unavailable':
      return reply(replies.messageUnavailable)
    default:
      return unexpected(answer)
  }
}

export const dele: Command = {
  name: 'DELE',
  states: ['transaction'],
  syntax: 'DELE message',
  help: 'Marks a message; QUIT removes it.',
  run(session, argument) {
    const maildrop = maildropOf(session)
    const number = parseMessageNumber(dele, maildrop, argument)
    if (typeof number !== 'number') return number
    maildrop.markDeleted(number)
    return reply(replies.deleted(number))
  },
}

export const rset: Command = {
  name: 'RSET',
  states: ['transaction'],
  syntax: 'RSET',
  help: 'Takes back all marks.',
  run(session, argument) {
    if (argument !== '') return syntaxError(rset)
    const maildrop = maildropOf(session)
    maildrop.unmarkAll()
    return reply(replies.opened(maildrop.count, maildrop.octets))
  },
}

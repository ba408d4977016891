// STAT, LIST and UIDL (RFC 1939 §5 and §7): what is in the maildrop. Long listings are made while they are sent.
import { replies } from '../replies.ts'
import { reply } from '../session.ts'
import { maildropOf, parseMessageNumber, syntaxError } from './command.ts'
import type { Maildrop } from '../maildrop.ts'
import type { Session, Step } from '../session.ts'
import type { Command } from './command.ts'

/** Lines of a listing that are made at once. */
const linesPerPiece = 2000

export const stat: Command = {
  name: 'STAT',
  states: ['transaction'],
  syntax: 'STAT',
  help: 'Counts messages and octets.',
  run(session, argument) {
    if (argument !== '') return syntaxError(stat)
    const { count, octets } = maildropOf(session)
    return reply(replies.stat(count, octets))
  },
}

export const list: Command = {
  name: 'LIST',
  states: ['transaction'],
  syntax: 'LIST [message]',
  help: 'Gives the size of one message or of all.',
  run: (session, argument) =>
    answerListing(session, argument, list, (maildrop, number) => String(maildrop.size(number))),
}

export const uidl: Command = {
  name: 'UIDL',
  states: ['transaction'],
  syntax: 'UIDL [message]',
  help: 'Gives the unique-id of one message or of all.',
  run: (session, argument) =>
    answerListing(session, argument, uidl, (maildrop, number) => maildrop.uniqueId(number)),
}

type Describe = (maildrop: Maildrop, number: number) => string

function answerListing(session: Session, argument: string, command: Command, describe: Describe): Step {
  const maildrop = maildropOf(session)
  if (argument === '') return { type: 'listing', pieces: listingPieces(maildrop, describe) }
  const number = parseMessageNumber(command, maildrop, argument)
  if (typeof number !== 'number') return number
  return reply(replies.listing(`${number} ${describe(maildrop, number)}`))
}

function* listingPieces(maildrop: Maildrop, describe: Describe): Generator<string, undefined> {
  let piece = replies.listingFollows(maildrop.count, maildrop.octets)
  let lines = 0
  for (let number = 1; number <= maildrop.highest; number++) {
    // RFC 1939 §5: messages marked as deleted are not listed.
    if (maildrop.state(number) !== 'here') continue
    piece += `${number} ${describe(maildrop, number)}\r\n`
    if (++lines % linesPerPiece === 0) {
      yield piece
      piece = ''
    }
  }
  yield piece + replies.end
  return undefined
}

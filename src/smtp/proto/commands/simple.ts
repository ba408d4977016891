// RSET, NOOP and QUIT (RFC 5321 §4.1.1.5, §4.1.1.9, §4.1.1.10).
import { replies } from '../reply.ts'
import { ask, closedMode, dropTransaction } from '../session.ts'
import { anyState, type Command } from './command.ts'

export const rset: Command = {
  name: 'RSET',
  states: anyState,
  syntax: 'RSET',
  help: 'Forgets the message that was begun.',
  needs: 'nothing',
  run: (session, argument) => {
    if (argument !== '') return replies.noArgument('RSET')
    return dropTransaction(session, () => replies.ok)
  },
}

export const noop: Command = {
  name: 'NOOP',
  states: anyState,
  syntax: 'NOOP [anything]',
  help: 'Does nothing.',
  needs: 'nothing',
  // RFC 5321 §4.1.1.9: a parameter is ignored.
  run: () => replies.ok,
}

export const quit: Command = {
  name: 'QUIT',
  states: anyState,
  syntax: 'QUIT',
  help: 'Ends the session.',
  needs: 'nothing',
  run: (session, argument) => {
    if (argument !== '') return replies.noArgument('QUIT')
    return dropTransaction(session, () => {
      session.mode = closedMode
      if (session.settings.consults?.has('quit') !== true) return replies.goodbye
      return ask({ type: 'quit', client: session.client }, (reply) => reply ?? replies.goodbye)
    })
  },
}

// NOOP and QUIT (RFC 1939 §5 and §6).
import { replies } from '../replies.ts'
import { reply } from '../session.ts'
import { syntaxError } from './command.ts'
import type { Command } from './command.ts'

export const noop: Command = {
  name: 'NOOP',
  states: ['transaction'],
  syntax: 'NOOP',
  help: 'Does nothing, and keeps the session alive.',
  run: (_session, argument) => (argument === '' ? reply(replies.noop) : syntaxError(noop)),
}

export const quit: Command = {
  name: 'QUIT',
  states: ['authorization', 'transaction'],
  syntax: 'QUIT',
  help: 'Removes what was marked, and ends the session.',
  run(session, argument) {
    if (argument !== '') return syntaxError(quit)
    const { state } = session
    if (state.name !== 'transaction') return { type: 'close', text: replies.goodbye }
    const { maildrop } = state
    // RFC 1939 §6: the UPDATE state. All marked messages go in one commit, or none does.
    return {
      type: 'ask',
      question: { type: 'update', uids: maildrop.markedRanges() },
      then: ({ type }) => ({
        type: 'close',
        text: type === 'done' ? replies.goodbyeLeft(maildrop.count) : replies.notRemoved,
      }),
    }
  },
}

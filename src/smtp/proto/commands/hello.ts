// HELO and EHLO (RFC 5321 §4.1.1.1), and LHLO, which stands for both of them in LMTP (RFC 2033 §4.1): the client's name, and what
// this server can do. Each drops an open transaction (RFC 5321 §4.1.4). A bad argument, or a refusal by the handler, leaves
// the session as it was.
import { extensionLines } from '../extensions.ts'
import { tryHelloName } from '../grammar.ts'
import { replies } from '../reply.ts'
import { ask, dropTransaction, refusalIn, type Session, type Step } from '../session.ts'
import { anyState, type Command } from './command.ts'

export const helo: Command = helloCommand('HELO', 'Opens a session without extensions.')
export const ehlo: Command = helloCommand('EHLO', 'Opens a session and lists the extensions.')
export const lhlo: Command = helloCommand('LHLO', 'Opens a session and lists the extensions.')

function helloCommand(name: 'HELO' | 'EHLO' | 'LHLO', help: string): Command {
  const dialect = name === 'LHLO' ? 'lmtp' : 'smtp'
  const syntax = `${name} host-name`
  return {
    ...{ name, syntax, help },
    states: anyState,
    needs: 'nothing',
    // RFC 2033 §4.1: HELO and EHLO are not present in LMTP; "the 500 reply code is recommended".
    absent: ({ settings }) => (settings.dialect === dialect ? null : replies.unknownCommand),
    run: (session, argument) => {
      if (argument === '') return replies.syntax(syntax)
      return greet(session, argument, name === 'HELO' ? 'plain' : 'extended')
    },
  }
}

function greet(session: Session, argument: string, form: 'plain' | 'extended'): Step {
  const name = tryHelloName(argument)
  if (name === undefined) return replies.badHello
  const { client } = session
  const before = { name: client.name, extended: client.extended }
  client.name = name
  client.extended = form === 'extended'
  return ask({ type: 'hello', client }, (reply) => {
    if (refusalIn(reply) !== null) {
      // RFC 5321 §4.1.4: after a failure reply the server "MUST stay in the same state".
      Object.assign(client, before)
      return reply
    }
    return dropTransaction(session, () => {
      const { hostName } = session.settings
      // RFC 5321 §4.1.1.1: ehlo-ok-rsp = "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) …
      return form === 'extended'
        ? replies.extensions([`${hostName} greets ${name}`, ...extensionLines(session)])
        : replies.helloAgain(hostName, name)
    })
  })
}

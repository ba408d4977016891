// HELO and EHLO (RFC 5321 §4.1.1.1): the client's name, and for EHLO what this server can do. Both drop an open
// transaction (RFC 5321 §4.1.4). A bad argument leaves the session as it was.
import { extensionLines } from '../extensions.ts'
import { tryHelloName } from '../grammar.ts'
import { replies } from '../reply.ts'
import { dropTransaction, type Session, type Step } from '../session.ts'
import { anyState, type Command } from './command.ts'

export const helo: Command = {
  name: 'HELO',
  states: anyState,
  syntax: 'HELO host-name',
  help: 'Opens a session without extensions.',
  needs: 'nothing',
  run: (session, argument) => {
    if (argument === '') return replies.syntax(helo.syntax)
    return greet(session, argument, false)
  },
}

export const ehlo: Command = {
  name: 'EHLO',
  states: anyState,
  syntax: 'EHLO host-name',
  help: 'Opens a session and lists the extensions.',
  needs: 'nothing',
  run: (session, argument) => {
    if (argument === '') return replies.syntax(ehlo.syntax)
    return greet(session, argument, true)
  },
}

function greet(session: Session, argument: string, extended: boolean): Step {
  const name = tryHelloName(argument)
  if (name === undefined) return replies.badHello
  return dropTransaction(session, () => {
    session.client.name = name
    session.client.extended = extended
    const { hostName } = session.settings
    // RFC 5321 §4.1.1.1: ehlo-ok-rsp = "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) …
    if (extended) return replies.extensions([`${hostName} greets ${name}`, ...extensionLines(session)])
    return replies.helloAgain(hostName, name)
  })
}

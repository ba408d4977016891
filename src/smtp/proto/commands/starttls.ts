// STARTTLS (RFC 3207). Octets that came in the same flight would be taken as if they were protected; they end the session.
import { replies } from '../reply.ts'
import { ask, closedMode, handshakeMode, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const starttls: Command = {
  name: 'STARTTLS',
  states: ['new', 'ready'],
  syntax: 'STARTTLS',
  help: 'Goes on under TLS.',
  needs: 'nothing',
  absent: ({ settings, client }) => {
    if (client.tls !== null) return replies.tlsAlready
    return settings.startTls ? null : replies.tlsNotOffered
  },
  run: runStartTls,
}

function runStartTls(session: Session, argument: string): Step {
  if (argument !== '') return replies.noArgument('STARTTLS')
  // RFC 3207 §4: the client MUST NOT send anything before the handshake; §4.2 says what an attacker gains otherwise.
  if (session.inputWaiting()) {
    session.mode = closedMode
    return ask(
      { type: 'note', note: 'injected-plaintext', client: session.client },
      () => replies.plaintextBehindTls,
    )
  }
  if (session.settings.consults?.has('starttls') !== true) return goSecure(session)
  return ask({ type: 'starttls', client: session.client }, (reply) => refusalIn(reply) ?? goSecure(session))
}

function goSecure(session: Session): Step {
  session.mode = handshakeMode
  return replies.startTls
}

// VRFY and EXPN (RFC 5321 §3.5, §4.1.1.6, §4.1.1.7). The handler knows whom to tell what; without its word the answer is
// 252, which says neither yes nor no (RFC 5321 §7.3).
import { replies } from '../reply.ts'
import { ask, type Session, type Step } from '../session.ts'
import { anyState, type Command } from './command.ts'

export const vrfy: Command = {
  name: 'VRFY',
  states: anyState,
  syntax: 'VRFY address',
  help: 'Asks whether an address is known.',
  needs: 'admission',
  run: (session, argument) => inquire(session, 'verify', argument),
}

export const expn: Command = {
  name: 'EXPN',
  states: anyState,
  syntax: 'EXPN list',
  help: 'Asks for the members of a mailing list.',
  needs: 'admission',
  run: (session, argument) => inquire(session, 'expand', argument),
}

function inquire(session: Session, type: 'verify' | 'expand', argument: string): Step {
  // RFC 6531 §3.7.4.2: a client that can read UTF-8 replies says so.
  const text = argument.replace(/ +SMTPUTF8$/i, '')
  if (text === '') return replies.syntax(type === 'verify' ? vrfy.syntax : expn.syntax)
  const utf8 = text !== argument
  return ask({ type, client: session.client, text, utf8 }, (reply) => reply ?? replies.verifyNot)
}

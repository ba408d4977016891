// USER and PASS (RFC 1939 §7), APOP, and what follows every log-in.
//
// APOP (RFC 1939 §7) is refused with its reason: it can be checked only by a server that keeps passwords in clear text. The
// greeting has no time stamp, so no client is led to try.
import { Secret } from '../../../base/secret.ts'
import { tryPrepare } from '../../../sasl/prepare.ts'
import { Maildrop } from '../maildrop.ts'
import { replies } from '../replies.ts'
import { reply, unexpected } from '../session.ts'
import { syntaxError } from './command.ts'
import type { Pop3Answer } from '../questions.ts'
import type { Session, Step } from '../session.ts'
import type { Command } from './command.ts'

/** RFC 4616 §6, RFC 2595 §2.2: no password in clear text unless the operator says so. */
export function passwordsAllowed(session: Session): boolean {
  return session.tls !== null || session.settings.clearTextAllowed
}

export const user: Command = {
  name: 'USER',
  states: ['authorization'],
  syntax: 'USER name',
  help: 'Names the maildrop; PASS follows.',
  run(session, argument) {
    if (!passwordsAllowed(session)) return reply(replies.clearTextRefused)
    if (argument === '') return syntaxError(user)
    // Whether the name exists is not told here (RFC 3206 §5, RFC 2449 §8.1.1).
    session.state = { name: 'authorization', username: argument }
    return reply(replies.userAccepted)
  },
}

export const pass: Command = {
  name: 'PASS',
  states: ['authorization'],
  syntax: 'PASS string',
  help: 'Logs in with a password; spaces belong to it.',
  run(session, argument) {
    if (!passwordsAllowed(session)) return reply(replies.clearTextRefused)
    const { state } = session
    if (state.name !== 'authorization' || state.username === null) {
      return { type: 'bad', text: replies.passWithoutUser }
    }
    session.state = { name: 'authorization', username: null }
    // RFC 6856 §2.2: both arguments are prepared; what cannot be is rejected.
    const username = tryPrepare(state.username)
    const password = tryPrepare(argument)
    if (username === undefined || password === undefined) {
      return { type: 'login-failed', text: replies.refused('bad-credentials') }
    }
    return {
      type: 'ask',
      question: { type: 'log-in', username, authorizationId: null, password: new Secret(password) },
      then: (answer) => enter(session, answer),
    }
  },
}

export const apop: Command = {
  name: 'APOP',
  states: ['authorization'],
  syntax: 'APOP name digest',
  help: 'Refused: it would need passwords stored in clear text.',
  run: () => reply(replies.apopUnavailable),
}

/** Into TRANSACTION with an open maildrop, or back with a refusal. */
export function enter(session: Session, answer: Pop3Answer): Step {
  if (answer.type === 'refused') {
    session.state = { name: 'authorization', username: null }
    return { type: 'login-failed', text: replies.refused(answer.reason) }
  }
  if (answer.type !== 'opened') return unexpected(answer)
  const maildrop = new Maildrop(answer.maildrop)
  session.state = { name: 'transaction', maildrop }
  return reply(replies.opened(maildrop.count, maildrop.octets))
}

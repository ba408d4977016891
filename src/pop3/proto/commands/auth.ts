// AUTH (RFC 5034): a SASL exchange over `+ ` challenges and base64 lines.
import { SaslDialogue } from '../../../sasl/dialogue.ts'
import { offerMechanisms, tryFindMechanism } from '../../../sasl/mechanisms.ts'
import { replies } from '../replies.ts'
import { reply, unexpected } from '../session.ts'
import { enter } from './log-in.ts'
import { syntaxError } from './command.ts'
import type { DialogueStep } from '../../../sasl/dialogue.ts'
import type { SaslFailure, SaslMechanismName } from '../../../sasl/mechanism.ts'
import type { Exchange, Session, Step } from '../session.ts'
import type { Command } from './command.ts'

/** What CAPA lists behind SASL, strongest first. */
export function offeredMechanisms({ settings, tls }: Session): SaslMechanismName[] {
  return offerMechanisms({ ...settings.sasl, tls, clearTextAllowed: settings.clearTextAllowed })
}

export const auth: Command = {
  name: 'AUTH',
  states: ['authorization'],
  syntax: 'AUTH mechanism [initial-response]',
  help: 'Logs in by SASL; `*` gives up.',
  run(session, argument) {
    const [name = '', initialResponse, ...rest] = argument.split(' ')
    if (name === '' || rest.length > 0) return syntaxError(auth)
    const offered = offeredMechanisms(session)
    const mechanism = tryFindMechanism(name, offered)
    // RFC 5034 §4: a mechanism that is not supported, or not without TLS, is rejected.
    if (mechanism === undefined) return reply(replies.mechanismUnknown)
    const { sasl, random, hostname } = session.settings
    const dialogue = new SaslDialogue(mechanism, { tls: session.tls, offered, random, hostname, ...sasl })
    return carry(session, { dialogue, asked: false }, dialogue.begin(initialResponse ?? null))
  },
}

/** A line of the client within the exchange. */
export function continueAuth(session: Session, exchange: Exchange, line: string): Step {
  return carry(session, exchange, exchange.dialogue.line(line))
}

function carry(session: Session, exchange: Exchange, step: DialogueStep): Step {
  switch (step.type) {
    case 'challenge':
      session.state = { name: 'authenticating', exchange }
      return reply(replies.challenge(step.text))
    case 'check-password':
      return {
        type: 'ask',
        question: { ...step, type: 'log-in' },
        then: (answer) => enter(session, answer),
      }
    case 'need-credentials':
    case 'need-cram':
    case 'check-token':
    case 'check-certificate':
      return {
        type: 'ask',
        question: { type: 'sasl', question: step },
        then: (answer) => {
          if (answer.type !== 'sasl') return unexpected(answer)
          exchange.asked = true
          return carry(session, exchange, exchange.dialogue.resume(answer.answer))
        },
      }
    case 'success':
      return {
        type: 'ask',
        question: { type: 'finish-sasl', authorizationId: step.authorizationId },
        then: (answer) => enter(session, answer),
      }
    case 'failure':
      return giveUp(session, exchange, failureStep(step.reason))
    case 'cancelled':
      // RFC 5034 §4: `*` MUST be answered with -ERR.
      return giveUp(session, exchange, reply(replies.authCancelled))
  }
}

function giveUp(session: Session, exchange: Exchange, outcome: Step): Step {
  session.state = { name: 'authorization', username: null }
  if (!exchange.asked) return outcome
  return { type: 'ask', question: { type: 'abandon-sasl' }, then: () => outcome }
}

function failureStep(reason: SaslFailure): Step {
  if (reason === 'malformed') return { type: 'bad', text: replies.authMalformed }
  // A channel binding that does not fit is somebody in the middle, or a password tried through one.
  const refusal = reason === 'channel-binding' ? 'bad-credentials' : reason
  return { type: 'login-failed', text: replies.refused(refusal) }
}

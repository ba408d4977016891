// AUTH (RFC 4954 §4): carries a SASL exchange over 334 challenges and base64 lines.
import { SaslDialogue, type DialogueStep } from '../../../sasl/dialogue.ts'
import type { SaslAnswer, SaslFailure, SaslMechanismName } from '../../../sasl/mechanism.ts'
import { offerMechanisms, tryFindMechanism } from '../../../sasl/mechanisms.ts'
import { offeredMechanisms } from '../extensions.ts'
import type { SmtpAnswer } from '../questions.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, commandMode, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const auth: Command = {
  name: 'AUTH',
  states: ['ready'],
  syntax: 'AUTH mechanism [initial-response]',
  help: 'Logs in.',
  needs: 'tls',
  absent: ({ settings, client }) => {
    if (settings.sasl === null) return replies.authNotOffered
    // RFC 4954 §4: after success every further AUTH is rejected with 503.
    return client.username === null ? null : replies.authAlready
  },
  run: runAuth,
}

function runAuth(session: Session, argument: string): Step {
  const { sasl } = session.settings
  if (sasl === null) return replies.authNotOffered
  const [name = '', initialResponse, ...more] = argument.split(' ').filter((word) => word !== '')
  if (name === '' || more.length > 0) return replies.syntax(auth.syntax)
  const offered = offeredMechanisms(session)
  const mechanism = tryFindMechanism(name, offered)
  if (mechanism === undefined) return refuseMechanism(session, name)
  const dialogue = new SaslDialogue(mechanism, {
    tls: session.client.tls,
    offered,
    random: sasl.random,
    serverSecret: sasl.serverSecret,
    hostname: session.settings.hostName,
    scramIterations: sasl.scramIterations,
  })
  return carryOn(session, { dialogue, mechanism: mechanism.name }, dialogue.begin(initialResponse ?? null))
}

/** RFC 4954 §4: 504 for an unknown mechanism; §6: 538 for one that wants encryption first. */
function refuseMechanism({ settings: { sasl }, client: { tls } }: Session, name: string): Reply {
  if (sasl === null || tls !== null) return replies.authUnknownMechanism
  const inTheClear = offerMechanisms({ ...sasl, tls, clearTextAllowed: true })
  // RFC 7628 §3: bearer tokens never travel without TLS.
  const isToken = sasl.tokens === true && /^(?:OAUTHBEARER|XOAUTH2)$/i.test(name)
  const needsTls = isToken || tryFindMechanism(name, inTheClear) !== undefined
  return needsTls ? replies.authNeedsTls : replies.authUnknownMechanism
}

interface Exchange {
  readonly dialogue: SaslDialogue
  readonly mechanism: SaslMechanismName
}

/** The client's next line inside the exchange. */
export function receiveAuthLine(session: Session, exchange: Exchange, line: string): Step {
  return carryOn(session, exchange, exchange.dialogue.line(line))
}

function carryOn(session: Session, exchange: Exchange, step: DialogueStep): Step {
  const { dialogue, mechanism } = exchange
  switch (step.type) {
    case 'challenge':
      session.mode = { type: 'auth', dialogue, mechanism }
      return replies.challenge(step.text)
    case 'success':
      session.mode = commandMode
      return ask({ ...step, type: 'authenticated', mechanism }, (reply) => {
        if (refusalIn(reply) !== null) return reply
        session.client.username = step.username
        return reply ?? replies.authenticated
      })
    case 'failure':
      session.mode = commandMode
      return ask({ type: 'auth-failed', mechanism, reason: step.reason, username: step.username }, () =>
        failureReply(step.reason),
      )
    case 'cancelled':
      session.mode = commandMode
      // RFC 4954 §4: `*` is answered with 501.
      return replies.authCancelled
    default:
      return {
        type: 'ask',
        question: { ...step, mechanism },
        then: (answer) => carryOn(session, exchange, dialogue.resume(saslAnswer(answer))),
      }
  }
}

function saslAnswer(answer: SmtpAnswer): SaslAnswer {
  switch (answer.type) {
    case 'go-on':
    case 'reply':
    case 'replies':
    case 'octets':
      // A handler in trouble has only replies to give; to SASL that is "unavailable".
      return { type: 'refused', reason: 'unavailable' }
    default:
      return answer
  }
}

function failureReply(reason: SaslFailure): Reply {
  switch (reason) {
    case 'malformed':
      return replies.authMalformed
    case 'bad-credentials':
    case 'channel-binding':
    case 'disabled':
      return replies.authFailed
    case 'throttled':
      return replies.authThrottled
    case 'unavailable':
      return replies.authUnavailable
  }
}

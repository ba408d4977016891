// MAIL (RFC 5321 §4.1.1.2): begins a transaction. Parameters: SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC
// 6531), AUTH (RFC 4954 §5); any other is refused with 555, as RFC 5321 §4.1.1.11 wants it.
import {
  parseParameters,
  parseReversePath,
  tryAuthParameter,
  tryBodyType,
  trySize,
  type Parameters,
} from '../grammar.ts'
import type { Sender } from '../questions.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, closedMode, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const mail: Command = {
  name: 'MAIL',
  states: ['ready'],
  syntax: 'MAIL FROM:<address> [SIZE=n] [BODY=7BIT|8BITMIME|BINARYMIME] [SMTPUTF8] [AUTH=address]',
  help: 'Begins a message; <> is the null sender.',
  needs: 'admission',
  run: runMail,
}

function runMail(session: Session, argument: string): Step {
  const { limits } = session.settings
  if (limits.maxMessagesPerConnection > 0 && session.messages >= limits.maxMessagesPerConnection) {
    session.mode = closedMode
    return replies.tooManyMessages
  }
  session.messages++
  const sender = parseSender(session, argument)
  if ('wire' in sender) return sender
  // RFC 1870 §6.1 (3): a declared size beyond the limit is refused here, before anything is sent.
  if (limits.maxMessageSize > 0 && (sender.size ?? 0) > limits.maxMessageSize) return replies.tooBig
  return ask({ type: 'mail', client: session.client, sender }, (reply) => {
    if (refusalIn(reply) !== null) return reply
    session.transaction = { sender, recipients: [], octets: 0, failed: null, chunks: null }
    return reply ?? replies.senderOk
  })
}

function parseSender(session: Session, argument: string): Sender | Reply {
  const path = parseReversePath(argument)
  if ('wire' in path) return path
  const parameters = parseParameters(path.parameters)
  if ('wire' in parameters) return parameters
  const sender = readParameters(session, parameters)
  if ('wire' in sender) return sender
  // RFC 6531 §3.5: a non-ASCII address without the SMTPUTF8 parameter.
  if (path.reversePath?.utf8 === true && !sender.smtpUtf8) return replies.needsSmtpUtf8
  return { command: 'MAIL', reversePath: path.reversePath, ...sender }
}

/** What the parameters ask for. */
type Asked = Omit<Sender, 'command' | 'reversePath'>

const plain: Asked = {
  size: null,
  body: '7BIT',
  smtpUtf8: false,
  auth: null,
  ret: null,
  envId: null,
  requireTls: false,
  hold: null,
  by: null,
  priority: 0,
  solicitation: [],
}

function readParameters(session: Session, parameters: Parameters): Asked | Reply {
  if (parameters.size === 0) return plain
  let { size, body, smtpUtf8, auth } = plain
  for (const [keyword, value] of parameters) {
    switch (keyword) {
      case 'SIZE':
        size = trySize(value) ?? null
        if (size === null) return replies.badParameter(keyword)
        break
      case 'BODY': {
        const wanted = tryBodyType(value)
        if (wanted === undefined) return replies.badParameter(keyword)
        body = wanted
        break
      }
      case 'SMTPUTF8':
        // RFC 6531 §3.4: without a value.
        if (value !== null) return replies.badParameter(keyword)
        smtpUtf8 = true
        break
      case 'AUTH':
        if (session.settings.sasl === null) return replies.unknownParameter(keyword)
        auth = tryAuthParameter(value) ?? null
        if (auth === null) return replies.badParameter(keyword)
        break
      default:
        return replies.unknownParameter(keyword)
    }
  }
  return { ...plain, size, body, smtpUtf8, auth }
}

// RCPT (RFC 5321 §4.1.1.3): one recipient. It has no parameters here, so that each is refused with 555.
import { parseForwardPath, parseParameters } from '../grammar.ts'
import { replies } from '../reply.ts'
import { ask, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const rcpt: Command = {
  name: 'RCPT',
  states: ['mail'],
  syntax: 'RCPT TO:<address>',
  help: 'Adds a recipient.',
  needs: 'admission',
  run: runRcpt,
}

function runRcpt(session: Session, argument: string): Step {
  const { transaction } = session
  if (transaction === null) return replies.mailFirst
  const path = parseForwardPath(argument)
  if ('wire' in path) return path
  const parameters = parseParameters(path.parameters)
  if ('wire' in parameters) return parameters
  const [unknown] = parameters.keys()
  if (unknown !== undefined) return replies.unknownParameter(unknown)
  const { recipient } = path
  // RFC 6531 §3.5: SMTPUTF8 is asked for by MAIL.
  if (recipient.address?.utf8 === true && !transaction.sender.smtpUtf8) return replies.needsSmtpUtf8
  // RFC 5321 §4.5.3.1.10: the others are kept, this one is to come in another message.
  if (transaction.recipients.length >= session.settings.limits.maxRecipients) return replies.tooManyRecipients
  return ask({ type: 'rcpt', client: session.client, envelope: transaction, recipient }, (reply) => {
    if (refusalIn(reply) !== null) return reply
    transaction.recipients.push(recipient)
    return reply ?? replies.recipientOk
  })
}

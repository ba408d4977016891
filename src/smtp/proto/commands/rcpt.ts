// RCPT (RFC 5321 §4.1.1.3): one recipient. Its parameters all belong to extensions that a listener may offer: NOTIFY and ORCPT
// (RFC 3461), RRVS (RFC 7293).
import { plainRecipientOptions, type RecipientOptions } from '../../../mail/delivery-options.ts'
import { parseForwardPath, parseParameters } from '../grammar.ts'
import { tryNotify, tryOriginalRecipient, tryRequireValidSince } from '../parameter-values.ts'
import type { Recipient } from '../questions.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'
import {
  field,
  offeredParameters,
  readParameters,
  type ParameterRow,
  type ParameterTable,
} from './parameters.ts'

export const rcpt: Command = {
  name: 'RCPT',
  states: ['mail'],
  syntax: 'RCPT TO:<address> [parameters]',
  help: 'Adds a recipient.',
  needs: 'admission',
  parameters: (session) => offeredParameters(table, session),
  run: runRcpt,
}

function runRcpt(session: Session, argument: string): Step {
  const { transaction } = session
  if (transaction === null) return replies.mailFirst
  const recipient = parseRecipient(session, argument)
  if ('wire' in recipient) return recipient
  // RFC 6531 §3.5: SMTPUTF8 is asked for by MAIL.
  if (recipient.address?.utf8 === true && !transaction.sender.smtpUtf8) return replies.needsSmtpUtf8
  // RFC 5321 §4.5.3.1.10: the others are kept, this one is to come in another message.
  if (transaction.recipients.length >= session.settings.limits.maxRecipients) return replies.tooManyRecipients
  if (isDomainTooMany(session, recipient)) return replies.tooManyDomains
  return ask({ type: 'rcpt', client: session.client, envelope: transaction, recipient }, (reply) => {
    if (refusalIn(reply) !== null) return reply
    transaction.recipients.push(recipient)
    if (session.settings.limits.maxRecipientDomains > 0) session.domains.add(domainKey(recipient))
    return reply ?? replies.recipientOk
  })
}

function parseRecipient(session: Session, argument: string): Recipient | Reply {
  const path = parseForwardPath(argument)
  if ('wire' in path) return path
  if (path.parameters === '') return path.recipient
  const parameters = parseParameters(path.parameters)
  if ('wire' in parameters) return parameters
  const draft = { ...plainRecipientOptions }
  return readParameters(table, parameters, { draft, session }) ?? { ...path.recipient, ...draft }
}

const dsn: ParameterRow<RecipientOptions>['offered'] = ({ settings }) => settings.offers.dsn

const table: ParameterTable<RecipientOptions> = new Map<string, ParameterRow<RecipientOptions>>([
  ['NOTIFY', field('notify', dsn, tryNotify)],
  ['ORCPT', field('originalRecipient', dsn, tryOriginalRecipient)],
  [
    'RRVS',
    field('requireValidSince', ({ settings }) => settings.offers.requireValidSince, tryRequireValidSince),
  ],
])

/** RFC 9422 RCPTDOMAINMAX: different domains of accepted recipients in one session. */
function isDomainTooMany({ settings, domains }: Session, recipient: Recipient): boolean {
  const { maxRecipientDomains } = settings.limits
  if (maxRecipientDomains === 0 || domains.size < maxRecipientDomains) return false
  return !domains.has(domainKey(recipient))
}

function domainKey({ address }: Recipient): string {
  return address?.domain ?? address?.literal ?? ''
}

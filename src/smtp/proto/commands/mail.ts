// MAIL (RFC 5321 §4.1.1.2), and SEND, SOML and SAML (RFC 821 §3.4), which say that the recipients' terminals are meant: each
// begins a transaction and takes the same parameters.
//
// SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531) and AUTH (RFC 4954 §5) are of the core; RET and ENVID (RFC
// 3461), REQUIRETLS (RFC 8689), HOLDFOR and HOLDUNTIL (RFC 4865), BY (RFC 2852), MT-PRIORITY (RFC 6710) and SOLICIT (RFC
// 3865) belong to extensions that a listener may offer.
import { parseParameters, parseReversePath, tryAuthParameter, tryBodyType, trySize } from '../grammar.ts'
import {
  tryDeliverBy,
  tryEnvelopeId,
  tryHoldFor,
  tryHoldUntil,
  tryPriority,
  tryReturn,
  trySolicitation,
} from '../parameter-values.ts'
import type { MailCommand, Sender } from '../questions.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, closedMode, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'
import {
  always,
  field,
  offeredParameters,
  readParameters,
  type Draft,
  type ParameterRow,
  type ParameterTable,
} from './parameters.ts'

export const mail: Command = {
  name: 'MAIL',
  states: ['ready'],
  syntax: 'MAIL FROM:<address> [parameters]',
  help: 'Begins a message; <> is the null sender.',
  needs: 'admission',
  parameters: (session) => offeredParameters(table, session),
  run: (session, argument) => runMail(session, 'MAIL', argument),
}

/** RFC 821 §3.4. */
export const send = terminalCommand('SEND', 'Begins a message to the terminals of its recipients.')
export const soml = terminalCommand('SOML', 'Begins a message to terminals, or else to mailboxes.')
export const saml = terminalCommand('SAML', 'Begins a message to terminals and to mailboxes.')

function terminalCommand(name: MailCommand, help: string): Command {
  return {
    name,
    states: ['ready'],
    syntax: `${name} FROM:<address> [parameters]`,
    help,
    needs: 'admission',
    absent: ({ settings }) => (settings.offers.terminals ? null : replies.notImplemented),
    parameters: (session) => offeredParameters(table, session),
    run: (session, argument) => runMail(session, name, argument),
  }
}

function runMail(session: Session, command: MailCommand, argument: string): Step {
  const { limits } = session.settings
  if (limits.maxMessagesPerConnection > 0 && session.messages >= limits.maxMessagesPerConnection) {
    session.mode = closedMode
    return replies.tooManyMessages
  }
  session.messages++
  const sender = parseSender(session, command, argument)
  if ('wire' in sender) return sender
  // RFC 1870 §6.1 (3): a declared size beyond the limit is refused here, before anything is sent.
  if (limits.maxMessageSize > 0 && (sender.size ?? 0) > limits.maxMessageSize) return replies.tooBig
  return ask({ type: 'mail', client: session.client, sender }, (reply) => {
    if (refusalIn(reply) !== null) return reply
    session.transaction = { sender, recipients: [], octets: 0, failed: null, chunks: null }
    return reply ?? replies.senderOk
  })
}

function parseSender(session: Session, command: MailCommand, argument: string): Sender | Reply {
  const path = parseReversePath(argument)
  if ('wire' in path) return path
  const { reversePath } = path
  const sender = plainSender(command, reversePath)
  const refusal = path.parameters === '' ? null : readAsked(session, path.parameters, sender)
  if (refusal !== null) return refusal
  // RFC 6531 §3.5: a non-ASCII address without the SMTPUTF8 parameter.
  return reversePath?.utf8 === true && !sender.smtpUtf8 ? replies.needsSmtpUtf8 : sender
}

/** Written out, since every message makes one. */
function plainSender(command: MailCommand, reversePath: Sender['reversePath']): Draft<Sender> {
  return {
    command,
    reversePath,
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
    solicitation: none,
  }
}

const none: readonly string[] = []

function readAsked(session: Session, text: string, draft: Draft<Sender>): Reply | null {
  const parameters = parseParameters(text)
  if ('wire' in parameters) return parameters
  return readParameters(table, parameters, { draft, session }) ?? checkTimes(session, draft)
}

/** RFC 6531 §3.4 and RFC 8689 §2: without a value. */
const present = (value: string | null): true | undefined => (value === null ? true : undefined)

const dsn: ParameterRow<Sender>['offered'] = ({ settings }) => settings.offers.dsn
const futureRelease: ParameterRow<Sender>['offered'] = ({ settings }) =>
  settings.offers.futureRelease !== null

const table: ParameterTable<Sender> = new Map<string, ParameterRow<Sender>>([
  ['SIZE', field('size', always, trySize)],
  ['BODY', field('body', always, tryBodyType)],
  ['SMTPUTF8', field('smtpUtf8', always, present)],
  ['AUTH', field('auth', ({ settings }) => settings.sasl !== null, tryAuthParameter)],
  ['RET', field('ret', dsn, tryReturn)],
  ['ENVID', field('envId', dsn, tryEnvelopeId)],
  // RFC 8689 §2: "the session itself MUST employ TLS transmission"; before TLS the extension is not there.
  [
    'REQUIRETLS',
    field('requireTls', ({ settings, client }) => settings.offers.requireTls && client.tls !== null, present),
  ],
  ['HOLDFOR', holdRow(tryHoldFor)],
  ['HOLDUNTIL', holdRow(tryHoldUntil)],
  ['BY', field('by', ({ settings }) => settings.offers.deliverBy !== null, tryDeliverBy)],
  ['MT-PRIORITY', field('priority', ({ settings }) => settings.offers.priority !== null, tryPriority)],
  [
    'SOLICIT',
    field('solicitation', ({ settings }) => settings.offers.noSoliciting !== null, trySolicitation),
  ],
])

function holdRow(parse: (value: string | null) => Sender['hold'] | undefined): ParameterRow<Sender> {
  return {
    offered: futureRelease,
    read: (value, draft) => {
      const hold = parse(value)
      // RFC 4865 §4.2 (9): more than one hold-param is rejected.
      if (hold === undefined || draft.hold !== null) return 'bad-value'
      draft.hold = hold
      return null
    },
  }
}

/** RFC 4865 §4.2 (7), (8), §5.2.2 and RFC 2852 §3: times that this server cannot keep to. */
function checkTimes({ settings }: Session, { hold, by }: Sender): Reply | null {
  const { futureRelease: release, deliverBy } = settings.offers
  // RFC 2852 §3: "strictly less than this limit, min-by-time, will be rejected with a permanent failure (55z)".
  if (by?.mode === 'return' && deliverBy !== null && by.seconds < deliverBy.minimum) {
    return replies.deliverByTooSoon
  }
  if (hold === null || release === null) return null
  // A time that has just passed is no mistake of the client's: nothing is left to wait for.
  const seconds = 'until' in hold ? (hold.until - release.clock.now()) / 1000 : hold.seconds
  if (seconds > release.maxInterval) return replies.holdTooLong
  return by !== null && seconds > by.seconds ? replies.holdBeyondDeadline : null
}

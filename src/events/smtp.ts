// What the SMTP server tells: messages taken and refused, and sessions that misbehaved.
import { defineEvent } from './event.ts'

export const messageAccepted = defineEvent<{
  role: string
  id: string
  remoteAddress: string
  reversePath: string
  recipients: number
  bytes: number
  /** Something of it went into the queue. */
  queued: boolean
  /** RFC 6710 §4.1 (3): as it was granted; 0 is usual. */
  priority: number
}>({
  name: 'smtp.message-accepted',
  level: 'info',
  help: 'A message was answered 250: it is durable in every mailbox it was for, and in the queue for all other recipients.',
  labels: ['role'],
})

export const messageRefused = defineEvent<{
  role: string
  id: string
  remoteAddress: string
  reversePath: string
  reason: string
}>({
  name: 'smtp.message-refused',
  level: 'info',
  help: 'A whole message was refused after it had been read; nothing was kept.',
  labels: ['role', 'reason'],
})

export const recipientRefused = defineEvent<{
  role: string
  /** What the 250 would call the message. */
  id: string
  reversePath: string
  remoteAddress: string
  recipient: string
  reason: string
}>({
  name: 'smtp.recipient-refused',
  level: 'info',
  help: 'A recipient was refused at RCPT.',
  labels: ['role', 'reason'],
})

export const senderRefused = defineEvent<{
  role: string
  remoteAddress: string
  username: string
  reversePath: string
}>({
  name: 'smtp.sender-refused',
  level: 'warn',
  help: 'A log-in tried to send under an address that is not its own.',
  labels: ['role'],
})

export const rateExceeded = defineEvent<{
  role: string
  remoteAddress: string
  account: string
  what: string
}>({
  name: 'smtp.rate-exceeded',
  level: 'warn',
  help: 'An account sent more in an hour than it may; it was told to wait.',
  labels: ['what'],
})

export const fieldRefused = defineEvent<{
  role: string
  remoteAddress: string
  id: string
  account: string
  field: string
  address: string
}>({
  name: 'smtp.field-refused',
  level: 'warn',
  help: 'A log-in tried to send a message whose From or Sender is not its own.',
  labels: ['field'],
})

export const policyRefused = defineEvent<{
  role: string
  /** What the 250 would call the message; '' before MAIL. */
  id: string
  remoteAddress: string
  stage: string
  /** Of RCPT. */
  recipient: string
  by: string
  code: number
  /** What the client was told. */
  reply: string
}>({
  name: 'smtp.policy-refused',
  level: 'info',
  help: 'A filter refused or deferred.',
  labels: ['role', 'stage', 'by'],
})

/** What a filter did with a whole message instead of refusing it. */
type Filtered = { role: string; remoteAddress: string; id: string; by: string }

export const messageQuarantined = defineEvent<Filtered & { reason: string }>({
  name: 'smtp.message-quarantined',
  level: 'warn',
  help: 'A filter had a message held for an operator; its sender was told 250.',
  labels: ['by'],
})

export const messageDiscarded = defineEvent<Filtered>({
  name: 'smtp.message-discarded',
  level: 'info',
  help: 'A filter had a message thrown away; its sender was told 250.',
  labels: ['by'],
})

export const messageRewritten = defineEvent<Filtered>({
  name: 'smtp.message-rewritten',
  level: 'info',
  help: 'A filter changed a message before it was kept.',
  labels: ['by'],
})

export const messageShown = defineEvent<{
  role: string
  remoteAddress: string
  id: string
  terminals: number
}>({
  name: 'smtp.message-shown',
  level: 'info',
  help: 'A message of SEND, SOML or SAML was shown on terminals.',
  labels: ['role'],
})

export const earlyTalker = defineEvent<{ role: string; remoteAddress: string }>({
  name: 'smtp.early-talker',
  level: 'info',
  help: 'A client spoke before the greeting; the session was ended.',
  labels: ['role'],
})

export const queueAsked = defineEvent<{
  role: string
  remoteAddress: string
  verb: string
  node: string
  outcome: string
}>({
  name: 'smtp.queue-asked',
  level: 'info',
  help: 'A client asked for queued mail by ETRN, TURN or ATRN.',
  labels: ['verb', 'outcome'],
})

export const spokenFor = defineEvent<{
  role: string
  remoteAddress: string
  proxy: string
  username: string
}>({
  name: 'smtp.spoken-for',
  level: 'info',
  help: 'A listed peer said by XCLIENT for whom it speaks.',
})

export const recipientVanished = defineEvent<{ role: string; id: string; recipient: string }>({
  name: 'smtp.recipient-vanished',
  level: 'warn',
  help: 'An account was removed between RCPT and the end of the message; the others got it.',
  labels: ['role'],
})

export const localTrouble = defineEvent<{
  role: string
  remoteAddress: string
  doing: string
  error: string
}>({
  name: 'smtp.local-trouble',
  level: 'error',
  help: 'A command was answered 451 because something of ours failed; nothing was kept.',
  labels: ['role', 'doing'],
})

/** Whose session it was. */
type Misbehaviour = { role: string; remoteAddress: string }

export const bareNewline = defineEvent<Misbehaviour>({
  name: 'smtp.bare-newline',
  level: 'warn',
  help: 'A bare CR or LF came, as in SMTP smuggling; the session was ended.',
  labels: ['role'],
})

export const injectedPlaintext = defineEvent<Misbehaviour>({
  name: 'smtp.injected-plaintext',
  level: 'warn',
  help: 'Octets came in the clear behind STARTTLS; the session was ended.',
  labels: ['role'],
})

export const httpRequest = defineEvent<Misbehaviour>({
  name: 'smtp.http-request',
  level: 'info',
  help: 'Somebody spoke HTTP; the session was ended.',
  labels: ['role'],
})

export const overlongLine = defineEvent<Misbehaviour>({
  name: 'smtp.overlong-line',
  level: 'info',
  help: 'A command line without end; the session was ended.',
  labels: ['role'],
})

export const tooManyErrors = defineEvent<Misbehaviour>({
  name: 'smtp.too-many-errors',
  level: 'info',
  help: 'A session made more errors than it may; it was ended.',
  labels: ['role'],
})

export const timedOut = defineEvent<Misbehaviour>({
  name: 'smtp.timed-out',
  level: 'info',
  help: 'A session was silent, or trickled, for too long; it was ended.',
  labels: ['role'],
})

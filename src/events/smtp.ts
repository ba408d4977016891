// What the SMTP server tells: messages taken and refused, and sessions that misbehaved.
import { defineEvent } from './event.ts'

export const messageAccepted = defineEvent<{
  role: string
  id: string
  remoteAddress: string
  reversePath: string
  recipients: number
  bytes: number
}>({
  name: 'smtp.message-accepted',
  level: 'info',
  help: 'A message was answered 250: it is durable in every mailbox it was for.',
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

// What IMAP sessions tell. Log-ins are told by the directory (events/auth.ts).
import { defineEvent } from './event.ts'

export const clientIdentified = defineEvent<{
  remoteAddress: string
  name: string | null
  version: string | null
}>({
  name: 'imap.client-identified',
  level: 'debug',
  help: 'A client said what it is (RFC 2971 ID).',
})

export const mailboxOpened = defineEvent<{
  account: string
  messages: number
  access: 'read-write' | 'read-only'
}>({
  name: 'imap.mailbox-opened',
  level: 'debug',
  help: 'A session selected or examined a mailbox.',
  labels: ['access'],
})

export const messageAppended = defineEvent<{ account: string; octets: number }>({
  name: 'imap.message-appended',
  level: 'info',
  help: 'APPEND stored a message.',
})

export const appendRefused = defineEvent<{ account: string; reason: string }>({
  name: 'imap.append-refused',
  level: 'info',
  help: 'APPEND was refused: no such mailbox, over quota, or too many keywords.',
  labels: ['reason'],
})

export const messagesExpunged = defineEvent<{ account: string; messages: number }>({
  name: 'imap.messages-expunged',
  level: 'info',
  help: 'A session removed messages for good.',
})

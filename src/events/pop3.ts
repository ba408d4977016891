// What POP3 tells.
import { defineEvent } from './event.ts'

export const maildropOpened = defineEvent<{ address: string; messages: number; milliseconds: number }>({
  name: 'pop3.maildrop-opened',
  level: 'debug',
  help: 'A POP3 session locked and read its maildrop.',
})

export const maildropRefused = defineEvent<{ address: string; reason: string }>({
  name: 'pop3.maildrop-refused',
  level: 'info',
  help: 'Somebody logged in but did not get the maildrop: in use, too soon after the last time, or not readable.',
  labels: ['reason'],
})

export const messagesRemoved = defineEvent<{ address: string; messages: number }>({
  name: 'pop3.messages-removed',
  level: 'info',
  help: 'QUIT removed the messages that were marked.',
})

export const storeFailed = defineEvent<{ during: string; error: string }>({
  name: 'pop3.store-failed',
  level: 'error',
  help: 'The store failed while a POP3 session needed it; the client was told to try again later.',
  labels: ['during'],
})

export const leaseLost = defineEvent<{ address: string }>({
  name: 'pop3.lease-lost',
  level: 'warn',
  help: 'The lock of a maildrop could not be renewed in time; this session will remove nothing.',
})

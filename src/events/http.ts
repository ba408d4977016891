// What the HTTP side tells: messages taken and refused by the API, and how webhooks fare.
import { defineEvent } from './event.ts'

export const apiAccepted = defineEvent<{
  id: string
  account: string
  remoteAddress: string
  recipients: number
}>({
  name: 'http.message-accepted',
  level: 'info',
  help: 'A message was taken by the HTTP API: it is durable in every mailbox and queue that it was for.',
})

export const apiRefused = defineEvent<{ account: string; remoteAddress: string; reason: string }>({
  name: 'http.message-refused',
  level: 'info',
  help: 'A request to send was refused; nothing was kept.',
  labels: ['reason'],
})

export const apiTrouble = defineEvent<{ path: string; error: string }>({
  name: 'http.trouble',
  level: 'error',
  help: 'A request was answered 500 or 503 because something of ours failed.',
})

export const webhookFailed = defineEvent<{
  url: string
  /** Its number in the feed. */
  told: number
  failures: number
  nextAttempt: number
  error: string
}>({
  name: 'webhook.failed',
  level: 'warn',
  help: 'A webhook did not take an event; it is told again later.',
})

export const webhookGaveUp = defineEvent<{ url: string; told: number; type: string }>({
  name: 'webhook.gave-up',
  level: 'error',
  help: 'A webhook did not take an event for so long that it was passed over.',
  labels: ['type'],
})

export const webhookTrouble = defineEvent<{ error: string }>({
  name: 'webhook.trouble',
  level: 'error',
  help: 'Events for webhooks could not be read or noted; it is tried again.',
})

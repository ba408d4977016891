// What the catcher tells.
import { defineEvent } from './event.ts'

export const messageCaught = defineEvent<{ id: string; inbox: string; recipients: number; bytes: number }>({
  name: 'catcher.message-caught',
  // What came by SMTP has its line from the server, and what came by HTTP from there.
  level: 'debug',
  help: 'A message was caught.',
})

export const duplicateIgnored = defineEvent<{ id: string; messageId: string }>({
  name: 'catcher.duplicate-ignored',
  level: 'info',
  help: 'A message was taken and not kept: its Message-ID was caught before (`catcher.ignoreDuplicates`).',
})

export const messagesDeleted = defineEvent<{ by: string; messages: number }>({
  name: 'catcher.messages-deleted',
  level: 'info',
  help: 'Caught messages were deleted, by somebody or by retention.',
  labels: ['by'],
})

export const chaosStruck = defineEvent<{
  rule: string
  stage: string
  action: string
  remoteAddress: string
}>({
  name: 'catcher.chaos-struck',
  level: 'info',
  help: 'A rule of chaos did something to a client.',
  labels: ['stage', 'action'],
})

export const messageReleased = defineEvent<{ id: string; by: string; recipients: number }>({
  name: 'catcher.message-released',
  level: 'info',
  help: 'A caught message was sent to the configured host.',
  labels: ['by'],
})

export const releaseFailed = defineEvent<{ id: string; by: string; error: string }>({
  name: 'catcher.release-failed',
  level: 'warn',
  help: 'A caught message could not be sent to the configured host.',
  labels: ['by'],
})

export const webhookFailed = defineEvent<{ url: string; error: string }>({
  name: 'catcher.webhook-failed',
  level: 'warn',
  help: 'A webhook of the catcher did not take a message; it is not told again.',
})

export const recordsFailed = defineEvent<{ messages: number; error: string }>({
  name: 'catcher.records-failed',
  level: 'warn',
  help: 'Summaries and transcripts of caught messages could not be written; the messages themselves are kept.',
})

export const catcherTrouble = defineEvent<{ path: string; error: string }>({
  name: 'catcher.trouble',
  level: 'error',
  help: 'A request to the catcher failed by a fault of ours.',
})

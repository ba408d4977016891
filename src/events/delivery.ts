// What delivery tells of each recipient here: where its message is. Debug: a line for each would double the log; what is remembered
// for tracing a message keeps them (`recorder.ts`).
import { defineEvent } from './event.ts'

export const placed = defineEvent<{ message: string; recipient: string; mailbox: number; uid: number }>({
  name: 'delivery.placed',
  level: 'debug',
  help: 'A message is in a mailbox here.',
})

export const notPlaced = defineEvent<{ message: string; recipient: string; reason: string }>({
  name: 'delivery.not-placed',
  level: 'info',
  help: 'A mailbox here did not take a message that was for it; the reason says why (over-quota, no-such-account).',
  labels: ['reason'],
})

export const accepted = defineEvent<{
  message: string
  origin: string
  account: number | null
  reversePath: string
  recipients: number
  bytes: number
}>({
  name: 'delivery.message-accepted',
  level: 'info',
  help: 'A message that came without an SMTP session (HTTP, JMAP, `sendmail`, an answer of ours) is durable in every mailbox and queue that it was for.',
  labels: ['origin'],
})

export const routed = defineEvent<{ message: string; recipient: string; to: string; because: string }>({
  name: 'delivery.routed',
  level: 'debug',
  help: 'A recipient leads elsewhere than it says: an alias, a list, a subaddress or a return path of ours.',
})

export const overAtOnce = defineEvent<{ message: string; recipient: string; outcome: string; reply: string }>(
  {
    name: 'delivery.over-at-once',
    level: 'info',
    help: 'A recipient was over before anything was tried: on the suppression list, or beyond the ceiling for automatic mail.',
    labels: ['outcome'],
  },
)

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

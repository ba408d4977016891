// What operators order, and what people change of how their own accounts are protected: who, how he came, what, and how it ended.
import { defineEvent } from './event.ts'

export const ordered = defineEvent<{
  operation: string
  /** An account, or a user of this machine. */
  by: string
  via: string
  remoteAddress: string | null
  /** What it was ordered for: the arguments that are no secrets. */
  subject: string
  outcome: 'done' | 'refused' | 'failed'
  /** Why not. */
  reason: string
}>({
  name: 'admin.ordered',
  level: 'info',
  help: 'An operation that changes something, or gives somebody’s mail away, was ordered from the pages, the HTTP API or the command line.',
  labels: ['operation', 'outcome'],
})

export const protectionChanged = defineEvent<{
  address: string
  change: string
  via: string
  remoteAddress: string
}>({
  name: 'auth.protection-changed',
  level: 'info',
  help: 'Somebody has changed how his own account is protected.',
  labels: ['change'],
})

// What hooks tell: decisions that they made, and trouble with them.
import { defineEvent } from './event.ts'

export const hookDecided = defineEvent<{
  by: string
  stage: string
  session: string
  /** What the 250 calls it; '' before MAIL. */
  message: string
  decision: string
  detail: string
}>({
  name: 'hook.decided',
  level: 'info',
  help: 'A hook, milter or HTTP service did not simply accept.',
  labels: ['by', 'stage', 'decision'],
})

export const hookFailed = defineEvent<{
  by: string
  stage: string
  session: string
  /** What the 250 calls it; '' before MAIL. */
  message: string
  failure: string
  error: string
  then: string
}>({
  name: 'hook.failed',
  level: 'error',
  help: 'A hook threw, took too long, could not be reached or answered nonsense; what is configured for that was done.',
  labels: ['by', 'stage', 'failure', 'then'],
})

export const hookAccepted = defineEvent<{ by: string; stage: string; session: string; message: string }>({
  name: 'hook.accepted',
  level: 'debug',
  help: 'A hook, milter or HTTP service was asked about a whole message and accepted it as it is.',
})

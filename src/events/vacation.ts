// What is told of vacation responses.
import { defineEvent } from './event.ts'

export const vacationAnswered = defineEvent<{ account: number; message: string; to: string }>({
  name: 'vacation.answered',
  level: 'info',
  help: 'Somebody who wrote was told that the account’s owner is away (RFC 8621 §8).',
})

export const vacationFailed = defineEvent<{
  account: number
  message: string
  to: string
  error: string
}>({
  name: 'vacation.failed',
  level: 'warn',
  help: 'A vacation response could not be sent; the message itself was delivered.',
})

export const vacationWithheld = defineEvent<{
  account: number
  message: string
  to: string
  reason: string
}>({
  name: 'vacation.withheld',
  level: 'debug',
  help: 'The account’s owner is away, and the sender was not told all the same: automatic mail, not addressed to the owner, or told lately.',
})

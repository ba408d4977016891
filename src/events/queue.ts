// What the queue tells: attempts and their ends, destinations that die and come back, reports, and what needs a person.
import { defineEvent } from './event.ts'

/** One recipient of one message. */
type Row = { message: string; recipient: string }

export const queueDelivered = defineEvent<
  Row & { outcome: string; host: string; address: string; tls: string; status: string; reply: string }
>({
  name: 'queue.delivered',
  level: 'info',
  help: 'A recipient was taken over by the next host, or delivered for good.',
  labels: ['outcome'],
})

export const queueDeferred = defineEvent<
  Row & { scope: string; stage: string; host: string; status: string; reply: string; nextAttempt: number }
>({
  name: 'queue.deferred',
  level: 'info',
  help: 'An attempt did not succeed; it will be repeated.',
  labels: ['scope', 'stage'],
})

export const queueFailed = defineEvent<
  Row & { outcome: string; stage: string; host: string; status: string; reply: string }
>({
  name: 'queue.failed',
  level: 'info',
  help: 'A recipient is given up; the sender is told unless he asked not to be.',
  labels: ['outcome', 'stage'],
})

export const queueUnknown = defineEvent<Row & { host: string; reply: string; nextAttempt: number }>({
  name: 'queue.unknown-outcome',
  level: 'warn',
  help: 'The connection broke between the final dot and its reply: the message may have been delivered (RFC 1047).',
})

export const queueHeld = defineEvent<Row & { reason: string }>({
  name: 'queue.held',
  level: 'info',
  help: 'A recipient waits for an operator.',
})

export const queuePoisoned = defineEvent<Row & { faults: number; error: string }>({
  name: 'queue.poisoned',
  level: 'error',
  help: 'A recipient is held, since handling it failed again and again by a fault of ours.',
})

export const queueFault = defineEvent<{ destination: string; recipients: number; error: string }>({
  name: 'queue.fault',
  level: 'error',
  help: 'An attempt ended by an exception of ours; its recipients wait and will be tried again.',
})

export const queueRecovered = defineEvent<{ waiting: number; poisoned: number }>({
  name: 'queue.recovered',
  level: 'warn',
  help: 'Recipients were found that a worker which is gone had been at; they wait again.',
})

export const queueStoreTrouble = defineEvent<{ doing: string; error: string }>({
  name: 'queue.store-trouble',
  level: 'error',
  help: 'The store could not serve the queue; it is asked again.',
  labels: ['doing'],
})

export const destinationDead = defineEvent<{
  destination: string
  failures: number
  reason: string
  retryAt: number
}>({
  name: 'queue.destination-dead',
  level: 'warn',
  help: 'A destination failed again and again: all its mail waits, and one job will probe.',
})

export const destinationAlive = defineEvent<{ destination: string }>({
  name: 'queue.destination-alive',
  level: 'info',
  help: 'A dead destination took mail again.',
})

export const queueOrdered = defineEvent<{
  order: string
  /** An account, or a user of this machine. */
  by: string
  /** '' where the order was for all that a filter finds. */
  message: string
  recipient: string
  domain: string
  sender: string
  state: string
  /** Why, or the route. */
  reason: string
  recipients: number
}>({
  name: 'queue.ordered',
  level: 'info',
  help: 'An operator had recipients held, released, tried, rerouted or given up.',
  labels: ['order'],
})

export const reportSent = defineEvent<{ message: string; kind: string; to: string; recipients: number }>({
  name: 'queue.report-sent',
  level: 'info',
  help: 'A delivery status notification went on its way (RFC 3461 §6).',
  labels: ['kind'],
})

export const reportDropped = defineEvent<{ message: string; kind: string; to: string; reason: string }>({
  name: 'queue.report-dropped',
  level: 'warn',
  help: 'A delivery status notification was due, and there is nobody to send it to.',
  labels: ['kind', 'reason'],
})

export const doubleBounce = defineEvent<Row & { status: string; reply: string }>({
  name: 'queue.double-bounce',
  level: 'warn',
  help: 'A report, or other mail without a sender, could not be delivered; nobody is told by mail (RFC 5321 §6.1).',
})

export const bounceMatched = defineEvent<Row & { by: string; action: string; status: string }>({
  name: 'queue.bounce-matched',
  level: 'info',
  help: 'A report came in for a message that went out from here.',
  labels: ['by', 'action'],
})

export const recipientSuppressed = defineEvent<{ address: string; reason: string }>({
  name: 'queue.recipient-suppressed',
  level: 'info',
  help: 'An address was put on the suppression list.',
})

export const automaticRefused = defineEvent<{ message: string; sender: string; recipient: string }>({
  name: 'queue.automatic-refused',
  level: 'warn',
  help: 'An automatic answer was beyond the ceiling for its pair of addresses: a loop was cut.',
})

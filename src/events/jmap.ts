// What JMAP tells: methods that failed, and how push services fare.
import { defineEvent } from './event.ts'

export const jmapTrouble = defineEvent<{ method: string; error: string }>({
  name: 'jmap.trouble',
  level: 'error',
  help: 'A method call was answered serverFail because something of ours failed.',
  labels: ['method'],
})

export const pushSent = defineEvent<{ account: number; host: string; kind: 'verification' | 'state' }>({
  name: 'jmap.push-sent',
  level: 'debug',
  help: 'A push service took a push.',
  labels: ['kind'],
})

export const pushFailed = defineEvent<{
  account: number
  host: string
  failures: number
  nextAttempt: number | null
  error: string
}>({
  name: 'jmap.push-failed',
  level: 'info',
  help: 'A push service did not take a push; it is tried again later, or, without a next attempt, with the next change.',
})

export const pushRemoved = defineEvent<{
  account: number
  host: string
  reason: 'gone' | 'credentials'
}>({
  name: 'jmap.push-removed',
  level: 'info',
  help: 'A push subscription was removed: its push service does not know it any more, or its credentials hold no longer.',
  labels: ['reason'],
})

export const pushTrouble = defineEvent<{ account: number; error: string }>({
  name: 'jmap.push-trouble',
  level: 'error',
  help: 'Push subscriptions of an account could not be served; it is tried again later.',
})

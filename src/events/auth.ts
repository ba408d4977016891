// What log-in and administration tell. Names that people typed are in fields, never in labels, and passwords nowhere.
import { defineEvent } from './event.ts'

export const loginSucceeded = defineEvent<{
  protocol: string
  mechanism: string
  address: string
  remoteAddress: string
}>({
  name: 'auth.login-succeeded',
  level: 'info',
  help: 'Somebody logged in.',
  labels: ['protocol', 'mechanism'],
})

export const loginFailed = defineEvent<{
  protocol: string
  mechanism: string
  reason: string
  username: string
  remoteAddress: string
}>({
  name: 'auth.login-failed',
  level: 'info',
  help: 'Somebody was not let in; the reason says why (bad-credentials, disabled, throttled, unavailable).',
  labels: ['protocol', 'mechanism', 'reason'],
})

export const guardedPassword = defineEvent<{ protocol: string; address: string; remoteAddress: string }>({
  name: 'auth.password-guarded',
  level: 'info',
  help: 'The password was right, but the account asks for a second factor: a program needs an app password.',
  labels: ['protocol'],
})

export const loginUnavailable = defineEvent<{ protocol: string; error: string }>({
  name: 'auth.unavailable',
  level: 'error',
  help: 'A log-in could not be checked because the store or the hashing failed.',
  labels: ['protocol'],
})

export const passwordRehashed = defineEvent<{ address: string }>({
  name: 'auth.password-rehashed',
  level: 'info',
  help: 'A password hash was renewed at log-in because the configured costs have changed.',
})

export const rehashFailed = defineEvent<{ address: string; error: string }>({
  name: 'auth.rehash-failed',
  level: 'warn',
  help: 'A password hash could not be renewed at log-in; the old one stays valid.',
})

export const directoryChanged = defineEvent<{ change: string; subject: string; by: string }>({
  name: 'directory.changed',
  level: 'info',
  help: 'A domain, an account or an alias was added, changed or removed, by whom it says.',
  labels: ['change'],
})

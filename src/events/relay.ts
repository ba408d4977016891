// What the relay tells: each attempt, and the policies that stood in its way.
import { defineEvent } from './event.ts'

export const attemptMade = defineEvent<{
  message: string
  recipient: string
  route: string
  /** What `relay.host-failed` and its like call it. */
  destination: string
  host: string | null
  address: string | null
  tls: string | null
  verification: string | null
  policy: string | null
  stage: string
  outcome: string
  status: string
  reply: string
}>({
  name: 'relay.attempt',
  level: 'info',
  help: 'A recipient’s mail was offered to a host, or could not be.',
  labels: ['outcome', 'stage', 'policy'],
})

export const hostFailed = defineEvent<{
  destination: string
  host: string
  address: string | null
  stage: string
  policy: string | null
  problem: string
}>({
  name: 'relay.host-failed',
  level: 'info',
  help: 'A host could not be used, and the next one is tried.',
  labels: ['stage'],
})

export const policyFailed = defineEvent<{
  destination: string
  host: string
  policy: string
  problem: string
  obeyed: boolean
}>({
  name: 'relay.policy-failed',
  level: 'warn',
  help: 'A host did not meet the TLS policy of its domain; mail did not go there where the policy was to be obeyed.',
  labels: ['policy', 'obeyed'],
})

export const fellBack = defineEvent<{ destination: string; host: string; problem: string }>({
  name: 'relay.fell-back',
  level: 'info',
  help: 'TLS failed where it was not demanded, and mail goes to the host in the clear.',
})

export const mtaStsFetchFailed = defineEvent<{ domain: string; problem: string; cached: boolean }>({
  name: 'relay.mta-sts-fetch-failed',
  level: 'warn',
  help: 'An MTA-STS policy that is announced could not be fetched; a kept one still holds.',
  labels: ['cached'],
})

export const loopRefused = defineEvent<{ domain: string }>({
  name: 'relay.loop',
  level: 'warn',
  help: 'The best mail host of a domain is this one, which does not take its mail.',
})

export const mailDiscarded = defineEvent<{
  message: string
  recipient: string
  route: string
  reason: string
}>({
  name: 'relay.discarded',
  level: 'warn',
  help: 'A route says that this mail is thrown away.',
})

export const tokenFailed = defineEvent<{ route: string; problem: string }>({
  name: 'relay.token-failed',
  level: 'error',
  help: 'No access token could be had for a smart host.',
})

export const hostsFound = defineEvent<{ destination: string; hosts: string; authentic: boolean }>({
  name: 'relay.hosts-found',
  level: 'debug',
  help: 'The mail hosts of a domain, in the order in which they are tried; authentic where DNSSEC proves them.',
})

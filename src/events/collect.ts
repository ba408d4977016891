// What came of visits to providers that keep mail for us (docs/collect.md).
import { defineEvent } from './event.ts'

export const mailCollected = defineEvent<{ source: string; verb: string; messages: number }>({
  name: 'collect.served',
  level: 'info',
  help: 'A provider sent what it kept for us over the connection that we made, or nothing.',
  labels: ['verb'],
})

export const nothingToCollect = defineEvent<{ source: string; verb: string; reply: string }>({
  name: 'collect.no-mail',
  level: 'info',
  help: 'A provider keeps no mail for us at this moment.',
  labels: ['verb'],
})

export const sendingAsked = defineEvent<{ source: string; domain: string; reply: string }>({
  name: 'collect.asked',
  level: 'info',
  help: 'A provider was asked by ETRN to send a domain’s mail, and agreed.',
})

export const collectionRefused = defineEvent<{
  source: string
  verb: string
  stage: string
  status: string
  reply: string
}>({
  name: 'collect.failed',
  level: 'warn',
  help: 'A provider could not be visited, or refused; the next visit comes at its time.',
  labels: ['verb', 'stage'],
})

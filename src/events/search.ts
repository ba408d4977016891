// What the full-text index tells.
import { defineEvent } from './event.ts'

export const searchIndexed = defineEvent<{
  account: number
  messages: number
  bytes: number
  milliseconds: number
}>({
  name: 'search.indexed',
  level: 'debug',
  help: 'Messages of an account were added to its full-text index.',
})

export const searchMerged = defineEvent<{
  account: number
  segments: number
  messages: number
  bytes: number
  milliseconds: number
}>({
  name: 'search.merged',
  level: 'debug',
  help: 'Pieces of a full-text index were merged into one.',
})

export const searchFailed = defineEvent<{ account: number; error: string }>({
  name: 'search.failed',
  level: 'warn',
  help: 'An account could not be indexed; it is tried again later. Searches read the messages meanwhile.',
})

export const indexUnreadable = defineEvent<{ account: number; error: string }>({
  name: 'search.unreadable',
  level: 'warn',
  help: 'The full-text index of an account could not be read, and the search read the messages. Make it anew: posthorn index ADDRESS --rebuild.',
})

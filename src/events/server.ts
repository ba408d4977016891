// Events of the process as a whole and of connections as such, whatever is spoken on them.
import { defineEvent } from './event.ts'

export const listening = defineEvent<{ service: string; address: string; port: number; tls: string }>({
  name: 'server.listening',
  level: 'debug',
  help: 'A listener is open.',
  labels: ['service'],
})

export const stopping = defineEvent<{ reason: string }>({
  name: 'server.stopping',
  level: 'info',
  help: 'The server has been asked to stop.',
})

export const connectionOpened = defineEvent<{ service: string; remoteAddress: string }>({
  name: 'connection.opened',
  level: 'debug',
  help: 'A connection was accepted.',
  labels: ['service'],
})

export const connectionClosed = defineEvent<{ service: string; remoteAddress: string; ending: string }>({
  name: 'connection.closed',
  level: 'debug',
  help: 'A session is over.',
  labels: ['service', 'ending'],
})

export const connectionRefused = defineEvent<{ service: string; remoteAddress: string; limit: string }>({
  name: 'connection.refused',
  level: 'warn',
  help: 'A connection was over a limit of the listener.',
  labels: ['service', 'limit'],
})

export const handshakeFailed = defineEvent<{ service: string; remoteAddress: string; error: string }>({
  name: 'connection.handshake-failed',
  level: 'info',
  help: 'A TLS handshake failed.',
  labels: ['service'],
})

export const proxyFailed = defineEvent<{ service: string; remoteAddress: string; failure: string }>({
  name: 'connection.proxy-failed',
  level: 'warn',
  help: 'A proxy of `proxyFrom` did not tell by the PROXY protocol whom it speaks for, and was cut.',
  labels: ['service', 'failure'],
})

export const sessionBroke = defineEvent<{ service: string; remoteAddress: string; error: string }>({
  name: 'connection.broke',
  level: 'error',
  help: 'A defect of ours ended a session; no other session is concerned.',
  labels: ['service'],
})

export const handlerFailed = defineEvent<{
  service: string
  remoteAddress: string
  question: string
  error: string
}>({
  name: 'connection.handler-failed',
  level: 'error',
  help: 'What a session asked for could not be done; the client was told to try again later.',
  labels: ['service', 'question'],
})

export const certificateUnusable = defineEvent<{ file: string; error: string }>({
  name: 'tls.certificate-unusable',
  level: 'error',
  help: 'A changed certificate or key could not be used; the old one is still served.',
})

export const collected = defineEvent<{ blobs: number; files: number; tombstones: number }>({
  name: 'store.collected',
  level: 'info',
  help: 'What nothing names any more was removed.',
})

export const collectionFailed = defineEvent<{ error: string }>({
  name: 'store.collection-failed',
  level: 'warn',
  help: 'Removing what nothing names any more failed; it is tried again later.',
})

export const subscriberFailed = defineEvent<{ error: string }>({
  name: 'store.subscriber-failed',
  level: 'error',
  help: 'A defect of ours: what listens to changes threw; the change itself is kept.',
})

export const eventFileFailed = defineEvent<{ error: string }>({
  name: 'server.event-file-failed',
  level: 'error',
  help: 'Events cannot be written to the data folder; tracing knows only what is in memory until they can.',
})

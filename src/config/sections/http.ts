// The HTTP side: the send API on listeners of the service `http`, and webhooks, which tell other programs what became of mail.
import { z } from 'zod'
import { Secret } from '../../base/secret.ts'
import { count, duration, size } from '../fields.ts'

/** What a webhook can be told. */
export const webhookEvents = [
  'message.received',
  'message.delivered',
  'message.deferred',
  'message.bounced',
  'message.discarded',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

const webhookSection = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where events are sent by POST; also the name of its place in the feed.'),
  events: z
    .array(z.enum(webhookEvents))
    .min(1)
    .default([...webhookEvents])
    .describe('Which events are sent.'),
  secret: z
    .string()
    .regex(/^[\x21-\x7e]{16,500}$/, 'at least 16 printable characters without spaces')
    .transform((text) => new Secret(text))
    .describe(
      'Signs each request (Standard Webhooks: `whsec_` and base64, or any text), and opens `GET /api/v1/events` as a bearer token.',
    ),
})

export type WebhookConfig = z.output<typeof webhookSection>

export const webhooksSection = z
  .array(webhookSection)
  .refine(
    (list) => new Set(list.map(({ url }) => url)).size === list.length,
    'two webhooks have the same url',
  )
  .default([])
  .describe('Who is told what becomes of messages.')

export const httpSection = z
  .strictObject({
    headerTimeout: duration('30s', 'For the header of a request to be complete.'),
    requestTimeout: duration('10m', 'For a whole request to be complete.'),
    keepAliveTimeout: duration('30s', 'How long a connection without a request is kept.'),
    stallTimeout: duration(
      '2m',
      'A connection on which the other side has fetched nothing of what waits for it for this long is cut.',
    ),
    readyTimeout: duration('5s', 'For the store to answer, when `/readyz` is asked.'),
    maxHeaderSize: size('16 KB', 'The header of a request.'),
    maxBody: size(
      '1 MB',
      'The body of a request to the API; what has a message in it may be larger by four thirds of maxMessageSize.',
    ),
    maxHops: count(
      32,
      'Proxies of X-Forwarded-For or Forwarded that are looked at, from the nearest on; what is behind them is not.',
    ),
    eventPing: duration(
      '25s',
      'How often an open stream of events (terminals, the log) says that it is still there.',
    ),
    maxWaitingEvents: count(
      1000,
      'Events of a stream that wait for a client that does not read; it misses those beyond.',
    ),
    maxFeedEvents: count(1000, 'Events of one answer of `GET /api/v1/events`.'),
    maxRecipients: count(1000, 'Recipients of one request.'),
    idempotencyTime: duration('1d', 'How long an Idempotency-Key is remembered.'),
    maxTerminals: count(10, 'Terminals that an account may have open at once over HTTP.'),
    webhookTimeout: duration('15s', 'For the answer of a webhook.'),
    webhookMaxAnswer: size('64 KB', 'What is read of the answer of a webhook; a longer one is a failure.'),
    webhookRetryFirst: duration(
      '5s',
      'The wait after the first failure of a webhook; each further one doubles it.',
    ),
    webhookRetryLongest: duration('1h', 'The longest wait between two attempts.'),
    webhookGiveUpAfter: duration('3d', 'An event that a webhook has not taken by then is passed over.'),
    webhookKeep: duration('7d', 'How long events are kept for `GET /api/v1/events`, at least.'),
    webhookPoll: duration('2s', 'How often new events are looked for.'),
  })
  .prefault({})

export type HttpConfig = z.output<typeof httpSection>

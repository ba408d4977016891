// Who is asked about connections and messages beside Posthorn itself: functions of this configuration, milters and HTTP services.
import { z } from 'zod'
import { Secret } from '../../base/secret.ts'
import type { Hooks } from '../hooks.ts'
import { count, duration, size } from '../fields.ts'

/** What a hook that cannot answer means. */
export const onFailure = ['defer', 'accept', 'reject'] as const
export type OnFailure = (typeof onFailure)[number]

/** Where hooks may be asked: the listener services that take mail. */
const hookServices = ['smtp', 'submission', 'lmtp', 'catcher'] as const

const failureField = z
  .enum(onFailure)
  .default('defer')
  .describe(
    'When it cannot be asked or answers nonsense. defer: the client tries again later. accept: as if it were not there.',
  )
const servicesField = z
  .array(z.enum(hookServices))
  .default(['smtp', 'submission'])
  .describe(
    'The listener services whose sessions it is asked about; `submission` stands for mail by HTTP and `sendmail` too.',
  )
const nameField = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, dots, hyphens and underscores')

const milterSection = z
  .strictObject({
    name: nameField.describe('How the log calls it.'),
    host: z.string().default('127.0.0.1').describe('Its IPv4 or IPv6 address.'),
    port: z.int().min(1).max(65_535).optional().describe('Its TCP port; or `socket` is given.'),
    socket: z
      .string()
      .regex(/^unix:\/[^\0]{1,100}$/, 'a path such as unix:/run/opendkim/opendkim.sock')
      .optional()
      .describe(
        'Its UNIX socket, as `unix:/path`, in place of `host` and `port`. Posthorn’s user must be allowed to write to it.',
      ),
    services: servicesField,
    onFailure: failureField,
    connectTimeout: duration('5s', 'For the connection and the negotiation.'),
    timeout: duration('10s', 'For each answer before the message; a sign of progress begins it anew.'),
    messageTimeout: duration('50s', 'For all of a message, from its header to the verdict.'),
  })
  .refine(({ port, socket }) => (port === undefined) !== (socket === undefined), {
    message: 'needs either `port` (with `host`) or `socket`',
    path: ['port'],
  })

export type MilterConfig = z.output<typeof milterSection>

/** Stages that an HTTP service may be asked at. */
export const httpHookStages = ['connect', 'helo', 'mail', 'rcpt', 'data', 'delivered'] as const
export type HttpHookStage = (typeof httpHookStages)[number]

const httpHookSection = z.strictObject({
  name: nameField.describe('How the log calls it.'),
  url: z.url({ protocol: /^https?$/ }).describe('Where the question is sent by POST.'),
  secret: z
    .string()
    .nullable()
    .default(null)
    .transform((text) => (text === null ? null : new Secret(text)))
    .describe('Signs each request (Standard Webhooks: `whsec_` and base64, or any text); null signs none.'),
  stages: z.array(z.enum(httpHookStages)).default(['data']).describe('When it is asked.'),
  services: servicesField,
  onFailure: failureField,
  timeout: duration('10s', 'For the whole answer.'),
  maxContent: size(
    '0',
    'Messages up to this size are sent whole, in base64, at `data`; others with their header alone.',
  ),
})

export type HttpHookConfig = z.output<typeof httpHookSection>

/** A function, which only a TypeScript or JavaScript configuration can hold. */
function hook<K extends keyof Hooks>(when: string) {
  return z
    .custom<NonNullable<Hooks[K]>>(
      (value) => typeof value === 'function',
      'must be a function (in a .ts or .js file)',
    )
    .optional()
    .describe(`A function, in a TypeScript configuration: ${when}`)
}

export const hooksSection = z
  .strictObject({
    connect: hook<'connect'>('at a new connection, before the greeting.'),
    helo: hook<'helo'>('at HELO, EHLO or LHLO.'),
    mail: hook<'mail'>('at MAIL.'),
    rcpt: hook<'rcpt'>('at each RCPT.'),
    data: hook<'data'>('at the end of the message, before anything is promised.'),
    delivered: hook<'delivered'>('after the 250.'),
    timeout: duration('10s', 'What one of these functions may take; then the client is deferred.'),
    dataTimeout: duration('30s', 'What the `data` function may take.'),
    messageBudget: duration(
      '55s',
      'For all functions, milters and services together at the end of a message; then the client is deferred, since it does not wait for ever.',
    ),
    maxAnswer: size('16 MB', 'The largest answer of an HTTP service, a rewritten body included.'),
    maxRewrites: count(1000, 'Header changes and recipients that one answer may ask for.'),
    milters: z
      .array(milterSection)
      .default([])
      .describe('Milters (Sendmail’s mail filter protocol), asked in this order.'),
    http: z
      .array(httpHookSection)
      .default([])
      .describe('HTTP services, asked after the milters, in this order.'),
  })
  .prefault({})

export type HooksConfig = z.output<typeof hooksSection>

// What the HTTP API takes and gives, as schemas: requests are checked by them, and the OpenAPI document is written from them.
//
// Whatever ends up in a header is free of control characters, names of fields are `ftext`, and addresses parse: so no request can
// add a field of its own or end a header.
import { z } from 'zod'
import { webhookEvents } from '../config/sections/http.ts'
import { tryAddress } from '../mail/address.ts'

/** One line of text, as a header can hold it. */
const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0-\x1f\x7f]*$/, 'must be one line without control characters')

const mailbox = z
  .string()
  .refine((text) => tryAddress(text, { utf8: true }) !== undefined, 'is no address such as ann@example.org')
  .describe('An address, without a display name: `ann@example.org`.')

const person = z
  .union([mailbox, z.strictObject({ address: mailbox, name: line(300).optional() })])
  .describe('An address, alone or with a display name.')

const people = z.union([person, z.array(person).max(10_000)])

/** Fields that the message gets from elsewhere, or that others would believe. */
const ownFields =
  /^(?:from|sender|to|cc|bcc|reply-to|subject|date|message-id|mime-version|received|return-path|delivered-to|dkim-signature|authentication-results|arc-.*|content-.*|resent-.*)$/i

const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9-]{1,76}$/, 'is no name of a header field')
      .refine((name) => !ownFields.test(name), 'cannot be set here'),
    line(10_000),
  )
  .describe('Further header fields, such as List-Unsubscribe, In-Reply-To or X-Campaign.')

const attachment = z.strictObject({
  filename: line(255).describe('As the recipient sees it.'),
  contentType: z
    .string()
    .regex(/^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/, 'is no media type')
    .default('application/octet-stream'),
  content: z.base64().describe('The octets, in base64.'),
  cid: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}$/, 'is no content id')
    .optional()
    .describe('Makes it an inline part that the HTML names as `cid:…`.'),
})

/** RFC 3461 §4. */
const dsn = z.strictObject({
  notify: z
    .union([z.literal('never'), z.array(z.enum(['success', 'failure', 'delay'])).min(1)])
    .optional()
    .describe('When to report to the sender.'),
  ret: z.enum(['full', 'headers']).optional().describe('What a report of failure returns.'),
  envId: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/, 'is at most 100 printable characters without spaces')
    .optional()
    .describe('The sender’s own name for this message, which reports give back.'),
})

export const scheduledAt = z.iso
  .datetime({ offset: true })
  .describe('Not to be sent before this time; without one, at once.')

export const sendRequest = z
  .strictObject({
    from: person.describe('The author. Must belong to the account.'),
    to: people.default([]),
    cc: people.default([]),
    bcc: people.default([]).describe('Gets the message, and stands nowhere in it.'),
    replyTo: people.optional(),
    subject: line(10_000).default(''),
    text: z.string().optional(),
    html: z.string().optional(),
    attachments: z.array(attachment).max(1000).default([]),
    headers: headers.default({}),
    reversePath: mailbox
      .optional()
      .describe('Where reports go; the author unless given. Must belong to the account.'),
    scheduledAt: scheduledAt.optional(),
    dsn: dsn.optional(),
    requireTls: z
      .boolean()
      .default(false)
      .describe('Only over TLS to hosts that prove who they are (RFC 8689).'),
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, 'neither text nor html is there')

export type SendRequest = z.output<typeof sendRequest>
export type Person = z.output<typeof person>
export type People = z.output<typeof people>

const sentRecipient = z.object({
  address: z.string(),
  status: z
    .enum(['delivered', 'queued', 'refused', 'deferred', 'failed', 'unknown'])
    .describe(
      '`deferred` and `unknown` only with `mode=direct`; without it `failed` is an address on the suppression list.',
    ),
  reason: z.string().optional().describe('Why it was refused or failed, or the host’s reply.'),
})

export const sendResponse = z.object({
  id: z.string(),
  scheduledAt: z.string().optional(),
  recipients: z.array(sentRecipient),
})

export type SendResponse = z.output<typeof sendResponse>

const attempt = z.object({
  at: z.iso.datetime(),
  outcome: z.string(),
  host: z.string().nullable(),
  tls: z.string().nullable(),
  status: z.string().describe('RFC 3463 status code.'),
  reply: z.string().describe('The host’s reply, verbatim.'),
})

export const statusResponse = z.object({
  id: z.string(),
  acceptedAt: z.iso.datetime(),
  scheduledAt: z.iso.datetime().optional(),
  recipients: z.array(
    z.object({
      address: z.string(),
      status: z.enum([
        'queued',
        'active',
        'held',
        'delivered',
        'relayed',
        'expanded',
        'failed',
        'expired',
        'discarded',
      ]),
      nextAttempt: z.iso.datetime().optional(),
      reason: z.string().optional(),
      attempts: z.array(attempt),
    }),
  ),
})

export type StatusResponse = z.output<typeof statusResponse>

export const cancelResponse = z.object({
  id: z.string(),
  cancelled: z.int().describe('Recipients that will not get it.'),
})

/** What a webhook is sent, and the feed gives. */
export const hookEvent = z.object({
  id: z.int().describe('Ascending; what a reader resumes from.'),
  type: z.enum(webhookEvents),
  timestamp: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
})

export const eventsResponse = z.object({
  events: z.array(hookEvent),
  next: z.int().describe('For `after` of the next request.'),
})

export const healthResponse = z.object({ status: z.literal('ok') })

export const problem = z.object({
  status: z.int(),
  code: z.string().describe('For programs.'),
  detail: z.string().describe('For people.'),
  recipients: z.array(sentRecipient).optional(),
})

export type ProblemBody = z.output<typeof problem>

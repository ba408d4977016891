// What the catcher's own HTTP API takes and gives, as schemas: requests are checked by them, the OpenAPI document is written from them,
// and the page is typed by them.
import { z } from 'zod'
import { chaosRule } from '../../config/sections/catcher.ts'

const time = z.number().describe('Milliseconds since the epoch.')
const percent = z.number().describe('In percent.')

export const address = z.object({
  name: z.string().describe('Display name; empty for none.'),
  address: z.string(),
})

export const messageSummary = z.object({
  id: z.string(),
  receivedAt: time,
  read: z.boolean(),
  inbox: z.string(),
  tags: z.array(z.string()),
  size: z.number().describe('Octets of the source.'),
  attachments: z.number(),
  inline: z.number().describe('Parts that belong into the text, such as images.'),
  subject: z.string(),
  messageId: z.string().describe('Without angle brackets.'),
  from: address.nullable(),
  to: z.array(address),
  cc: z.array(address),
  bcc: z
    .array(address)
    .describe('Of the header, and recipients of the envelope that the header does not name.'),
  replyTo: z.array(address),
  username: z.string().describe('Who logged in; empty for nobody.'),
  snippet: z.string(),
})
export type MessageSummary = z.output<typeof messageSummary>

export const messageList = z.object({
  messages: z.array(messageSummary).describe('Newest first.'),
  total: z.number().describe('All that fit.'),
  unread: z.number(),
  next: z.string().nullable().describe('For `after`, to go on; null at the end.'),
})

export const part = z.object({
  partId: z.string(),
  place: z.enum(['attachment', 'inline']),
  contentType: z.string(),
  fileName: z.string(),
  contentId: z.string(),
  size: z.number(),
  sha256: z.string(),
})

/** A MIME entity with those inside of it. */
export interface StructureNode {
  readonly partId: string
  readonly contentType: string
  readonly fileName: string
  readonly encoding: string
  /** Octets, encoded. */
  readonly size: number
  readonly parts: readonly StructureNode[]
}

export const structureNode: z.ZodType<StructureNode> = z
  .object({
    partId: z.string(),
    contentType: z.string(),
    fileName: z.string(),
    encoding: z.string(),
    size: z.number(),
    get parts() {
      return z.array(structureNode)
    },
  })
  .meta({ id: 'StructureNode' })

export const envelope = z.object({
  reversePath: z.string().describe('Empty for the null reverse-path.'),
  parameters: z.array(z.string()),
  recipients: z.array(z.object({ address: z.string(), parameters: z.array(z.string()) })),
})

export const session = z.object({
  id: z.string(),
  service: z.string(),
  remoteAddress: z.string(),
  remotePort: z.number(),
  startedAt: time,
  helo: z.string(),
  extended: z.boolean().describe('EHLO, not HELO.'),
  username: z.string(),
  mechanism: z.string(),
  tls: z.object({ version: z.string(), cipher: z.string(), serverName: z.string().nullable() }).nullable(),
})

export const transcriptLine = z.object({
  at: z.number().describe('Milliseconds since the session began.'),
  side: z.enum(['client', 'server', 'note']),
  text: z.string(),
})

export const record = z.object({
  envelope,
  session: session.nullable().describe('Null for what came by no session.'),
  transcript: z.array(transcriptLine),
  truncated: z.boolean(),
})

export const listUnsubscribe = z.object({
  header: z.string(),
  post: z.string(),
  links: z.array(z.string()),
  oneClick: z.boolean().describe('As RFC 8058 wants it, signature included.'),
  signed: z.boolean(),
  problems: z.array(z.string()),
})

export const messageDetail = z.object({
  ...messageSummary.shape,
  /** Of the Date field. */
  date: z.string().nullable().describe('The Date field as it stands.'),
  returnPath: z.string(),
  text: z.string(),
  hasHtml: z.boolean(),
  parts: z.array(part),
  structure: structureNode,
  defects: z.array(z.string()).describe('What is wrong with its MIME.'),
  listUnsubscribe,
  record: record.nullable().describe('How it came; null where nobody knows.'),
})
export type MessageDetail = z.output<typeof messageDetail>

export const headerFields = z.object({
  fields: z.array(z.object({ name: z.string(), value: z.string(), raw: z.string() })),
})

/** Which messages: those of `ids`, or all that `query` and `inbox` find; nothing given is all. */
const selection = {
  ids: z.array(z.string()).max(100_000).optional(),
  query: z.string().max(2000).optional(),
  inbox: z.string().optional(),
  timeZone: z.string().optional(),
}

export const changeRequest = z.strictObject({
  ...selection,
  read: z.boolean().optional(),
  addTags: z.array(z.string()).optional(),
  removeTags: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional().describe('Instead of those that they have.'),
})
export const deleteRequest = z.strictObject(selection)
export const changed = z.object({ messages: z.number().describe('How many there were.') })

export const releaseRequest = z.strictObject({ to: z.array(z.string()).min(1).max(1000) })
export const released = z.object({ recipients: z.number() })
export const ingested = z.object({ id: z.string() })

export const tagList = z.object({ tags: z.array(z.object({ name: z.string(), messages: z.number() })) })
export const renameRequest = z.strictObject({ name: z.string().min(1).max(100) })
export const inboxList = z.object({
  inboxes: z.array(z.object({ name: z.string(), total: z.number(), unread: z.number() })),
})

const chaosTrigger = z.strictObject({
  errorCode: z.int().min(400).max(599),
  probability: z.int().min(0).max(100),
})
const triggers = z.strictObject({
  sender: chaosTrigger,
  recipient: chaosTrigger,
  authentication: chaosTrigger,
})
export const chaosState = z.object({
  enabled: z.boolean(),
  seed: z.number(),
  rules: z.array(z.object({ name: z.string(), struck: z.number(), rule: chaosRule })),
  triggers,
})
export const chaosRequest = z.strictObject({
  rules: z
    .array(chaosRule)
    .max(1000)
    .optional()
    .describe('Instead of those that are there; counters and chance begin anew.'),
  seed: z.int().min(0).optional(),
  triggers: triggers.optional(),
})

export const chaosRuleRequest = chaosRule

export const refusal = z.object({
  id: z.string(),
  at: time,
  reply: z.string().describe('The reply, or what was done instead.'),
  rule: z.string().describe('The rule of chaos that did it; empty where it was the server itself.'),
  stage: z.string(),
  envelope,
  session,
  transcript: z.array(transcriptLine),
})
export const refusalList = z.object({ refusals: z.array(refusal).describe('Newest first.') })

export const webhookList = z.object({
  webhooks: z.array(
    z.object({
      url: z.string(),
      sent: z.number(),
      failed: z.number(),
      skipped: z.number(),
      lastError: z.string(),
    }),
  ),
})

export const status = z.object({
  label: z.string(),
  account: z.string().describe('Who sees every message over POP3, IMAP and JMAP, with any password.'),
  total: z.number(),
  unread: z.number(),
  size: z.number().describe('Octets.'),
  counts: z.object({
    accepted: z.number(),
    acceptedSize: z.number(),
    rejected: z.number(),
    ignored: z.number(),
    deleted: z.number(),
    uptime: z.number().describe('Seconds.'),
  }),
  release: z
    .object({
      host: z.string(),
      port: z.number(),
      allow: z.string(),
      block: z.string(),
      auto: z.string(),
      forward: z.array(z.string()),
    })
    .nullable()
    .describe('Null: nothing leaves.'),
  chaos: z.boolean(),
  spam: z.enum(['spamassassin', 'rspamd', 'postmark']).nullable(),
  zone: z.boolean().describe('Whether DNS is simulated for the check of authentication.'),
  maxMessages: z.number(),
  maxAge: z.number(),
  /** Addresses by service. */
  listeners: z.array(
    z.object({
      service: z.string(),
      port: z.number().describe('0 of a UNIX socket.'),
      path: z.string().nullable().describe('Of a UNIX socket.'),
    }),
  ),
})

const support = z.enum(['yes', 'no', 'partial'])
export const htmlCheck = z.object({
  total: z.object({
    tests: z.number(),
    nodes: z.number(),
    supported: percent,
    partial: percent,
    unsupported: percent,
  }),
  warnings: z.array(
    z.object({
      slug: z.string(),
      title: z.string(),
      description: z.string(),
      url: z.string(),
      category: z.enum(['html', 'css', 'image']),
      tags: z.array(z.string()),
      keywords: z.string(),
      results: z.array(
        z.object({
          name: z.string(),
          family: z.string(),
          platform: z.string(),
          version: z.string(),
          support,
          note: z.string(),
        }),
      ),
      notes: z.record(z.string(), z.string()),
      score: z.object({ found: z.number(), supported: percent, partial: percent, unsupported: percent }),
    }),
  ),
  platforms: z.record(z.string(), z.array(z.string())),
})

export const linkCheck = z.object({
  errors: z.number(),
  links: z.array(
    z.object({
      url: z.string(),
      ok: z.boolean(),
      statusCode: z.number(),
      status: z.string(),
      finalUrl: z.string(),
    }),
  ),
})

export const spamCheck = z.object({
  isSpam: z.boolean(),
  score: z.number(),
  threshold: z.number(),
  rules: z.array(z.object({ name: z.string(), score: z.number(), description: z.string() })),
  error: z.string(),
})

const authResult = { result: z.string(), reason: z.string() }
export const authenticationCheck = z.object({
  dns: z.enum(['zone', 'dns']).describe('zone: simulated.'),
  asked: z.array(z.string()).describe('Look-ups in the zone.'),
  address: z.string(),
  helo: z.string(),
  reversePath: z.string(),
  spf: z.object({ ...authResult, domain: z.string(), record: z.string(), lookUps: z.number() }),
  dkim: z.array(
    z.object({
      ...authResult,
      domain: z.string(),
      selector: z.string(),
      algorithm: z.string(),
      aligned: z.boolean(),
      signedFields: z.array(z.string()),
    }),
  ),
  dmarc: z.object({
    ...authResult,
    domain: z.string(),
    record: z.string(),
    policy: z.string(),
    spfAligned: z.boolean(),
    dkimAligned: z.boolean(),
  }),
  arc: z.object({ ...authResult, instances: z.number() }),
  header: z.string(),
})
export const authenticationRequest = z.strictObject({
  zone: z
    .string()
    .max(100_000)
    .optional()
    .describe('DNS records as zone-file text; empty asks the real DNS.'),
  address: z.string().optional().describe('Where the mail would come from.'),
  helo: z.string().optional(),
  reversePath: z.string().optional(),
})

/** Over `/events` (server-sent events, `event` is `type`) and `/live` (WebSocket), one JSON object each. */
export const liveEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('new'), message: messageSummary }),
  z.object({
    type: z.literal('update'),
    id: z.string(),
    inbox: z.string(),
    read: z.boolean().optional(),
    tags: z.array(z.string()).optional(),
  }),
  z.object({ type: z.literal('delete'), ids: z.array(z.string()) }),
  z.object({ type: z.literal('reload') }),
  z.object({ type: z.literal('stats'), total: z.number(), unread: z.number() }),
  z.object({ type: z.literal('refusal'), refusal }),
])
export type LiveEvent = z.output<typeof liveEvent>

export const problem = z.object({ status: z.number(), code: z.string(), detail: z.string() })

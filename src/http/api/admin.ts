// What the operations of the admin API answer, by name. The requests are checked by the operations themselves; these shapes are for the
// OpenAPI document and for the pages, which take the types, and tests hold the answers to them.
//
// Times are ISO 8601, sizes octets.
import { z } from 'zod'

const instant = z.iso.datetime()
const nothing = z.strictObject({})
const changed = z.strictObject({ changed: z.int() })
const scope = z.enum(['mail', 'send', 'settings', 'admin'])

export const adminAccount = z.strictObject({
  address: z.string(),
  display: z.string().describe('The address with its domain as people write it.'),
  id: z.int(),
  state: z.enum(['active', 'disabled']),
  role: z.enum(['user', 'admin']),
  messages: z.int(),
  bytes: z.int(),
  quotaBytes: z.int().nullable(),
  quotaMessages: z.int().nullable(),
  quotaMailboxes: z.int().nullable(),
  quotaAnnotations: z.int().nullable(),
  hiddenCapabilities: z.array(z.string()),
  created: instant,
})

const domain = z.strictObject({
  name: z.string(),
  display: z.string(),
  accounts: z.int(),
  aliases: z.int(),
  createdAt: z.int().describe('Milliseconds since the epoch.'),
})

const alias = z.strictObject({
  address: z.string(),
  display: z.string(),
  targets: z.array(z.string()),
  owner: z.string().nullable().describe('Of a mailing list.'),
})

const appPassword = z.strictObject({
  id: z.int(),
  label: z.string(),
  scopes: z.array(scope),
  created: instant,
  expires: instant.nullable(),
  used: instant.nullable(),
  usedBy: z.string().nullable(),
})

const webSession = z.strictObject({
  id: z.int(),
  method: z.string(),
  created: instant,
  seen: instant,
  expires: instant,
  remoteAddress: z.string(),
  userAgent: z.string(),
})

const protection = z.strictObject({
  address: z.string(),
  totp: z.enum(['on', 'off']),
  totpSince: instant.nullable(),
  recoveryCodes: z.int(),
  password: z.enum(['allowed', 'refused']),
  passkeys: z.array(
    z.strictObject({ id: z.int(), label: z.string(), created: instant, used: instant.nullable() }),
  ),
})

const attempt = z.strictObject({
  at: instant,
  host: z.string().nullable(),
  address: z.string().nullable(),
  tls: z.string().nullable(),
  verification: z.string().nullable(),
  policy: z.string().nullable(),
  stage: z.string(),
  outcome: z.string(),
  status: z.string(),
  reply: z.string().describe('Verbatim, lines joined by LF.'),
})

export const queuedMessage = z.strictObject({
  id: z.int(),
  name: z.string().describe('What the 250 called it.'),
  origin: z.string(),
  from: z.string().describe('Empty for the null reverse-path.'),
  sender: z.string(),
  bytes: z.int(),
  arrived: instant,
  expires: instant,
  finished: instant.nullable(),
  messageId: z.string().nullable(),
  priority: z.int(),
  recipients: z.array(
    z.strictObject({
      address: z.string(),
      state: z.enum(['waiting', 'active', 'held', 'settled']),
      outcome: z.string().nullable(),
      attempts: z.int(),
      nextAttempt: instant.nullable(),
      reason: z.string().describe('Why it waits or is held.'),
      route: z.string().nullable(),
      last: attempt.nullable(),
      history: z.array(attempt).optional().describe('Every attempt, oldest first; only of queue.show.'),
    }),
  ),
})

const index = z.strictObject({
  address: z.string(),
  display: z.string(),
  messages: z.int(),
  waiting: z.int().describe('Emails that wait for the index.'),
  segments: z.int(),
  emails: z.int(),
  bytes: z.int(),
})

export const logRecord = z.strictObject({
  seq: z.int(),
  at: instant,
  name: z.string(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})

const totals = z.strictObject({
  messages: z.int(),
  waiting: z.int(),
  active: z.int(),
  held: z.int(),
  reports: z.int(),
})

const overview = z.strictObject({
  version: z.string(),
  hostname: z.string(),
  profile: z.string(),
  started: instant,
  uptime: z.number().describe('Milliseconds.'),
  listeners: z.array(
    z.strictObject({ service: z.string(), address: z.string(), port: z.int(), tls: z.string() }),
  ),
  accounts: z.int(),
  domains: z.int(),
  aliases: z.int(),
  queue: totals,
  connections: z.record(z.string(), z.int()).describe('Open ones, by service.'),
  refusals: z
    .array(z.strictObject({ what: z.string(), reason: z.string(), count: z.int() }))
    .describe('Of the last hour, the most frequent first.'),
})

const samples = z.array(z.number())
const series = z.strictObject({
  step: z.int().describe('Milliseconds of one sample.'),
  end: z.number().describe('When the last sample ends: milliseconds since the epoch.'),
  values: z.strictObject({
    accepted: samples,
    delivered: samples,
    deferred: samples,
    failed: samples,
    refused: samples,
    logins: samples,
    failedLogins: samples,
    connections: samples,
    queued: samples.describe(
      'Measured every ten seconds: the last value of a sample, 0 where none was taken.',
    ),
  }),
})

const connection = z.strictObject({
  id: z.int(),
  service: z.string(),
  remoteAddress: z.string(),
  remotePort: z.int(),
  localPort: z.int(),
  since: instant,
  account: z.string().nullable().describe('Who is logged in.'),
})

const setting = z.strictObject({
  key: z.string(),
  value: z.unknown(),
  origin: z.string().describe('The layer that decided it.'),
  description: z.string(),
})

const trace = z.strictObject({
  message: z.string().nullable().describe('null: refused before it had a name.'),
  records: z.array(logRecord).describe('Oldest first.'),
  queue: queuedMessage.nullable(),
})

const throttled = z.strictObject({
  kind: z.enum(['network', 'name', 'known-network']),
  key: z.string(),
  count: z.number(),
  limit: z.number(),
  isFull: z.boolean(),
})

export const adminAnswers = {
  'domain.add': z.strictObject({ name: z.string(), display: z.string() }),
  'domain.list': z.array(domain),
  'domain.remove': nothing,
  'account.add': adminAccount,
  'account.list': z.array(adminAccount),
  'account.password': nothing,
  'account.quota': nothing,
  'account.set': adminAccount,
  'account.state': nothing,
  'account.remove': nothing,
  'account.import': z.strictObject({
    added: z.int(),
    problems: z.array(z.strictObject({ line: z.int(), message: z.string() })),
  }),
  'account.protection': protection,
  'account.app-password.list': z.array(appPassword),
  'account.app-password.add': z.strictObject({ ...appPassword.shape, password: z.string() }),
  'account.app-password.remove': nothing,
  'account.sessions.list': z.array(webSession),
  'account.sessions.end': z.strictObject({ ended: z.int() }),
  'account.totp.remove': nothing,
  'account.passkey.remove': nothing,
  'alias.set': z.strictObject({ address: z.string(), display: z.string(), owner: z.string().nullable() }),
  'alias.list': z.array(alias),
  'alias.remove': nothing,
  'queue.list': z.array(queuedMessage),
  'queue.show': queuedMessage,
  'queue.totals': totals,
  'queue.shape': z.strictObject({
    ages: z.array(z.number()).describe('Upper bounds of the columns, in minutes.'),
    domains: z.array(z.strictObject({ domain: z.string(), total: z.int(), counts: z.array(z.int()) })),
  }),
  'queue.hold': changed,
  'queue.release': changed,
  'queue.retry': changed,
  'queue.fail': changed,
  'queue.discard': changed,
  'queue.reroute': changed,
  'suppression.list': z.array(
    z.strictObject({ address: z.string(), reason: z.string(), since: instant, until: instant.nullable() }),
  ),
  'suppression.add': changed,
  'suppression.remove': changed,
  'search.index': z.array(index),
  'search.list': z.array(index),
  'store.audit': z.array(
    z.strictObject({ check: z.string(), account: z.int().nullable(), message: z.string() }),
  ),
  'store.collect': z.strictObject({ blobs: z.int(), files: z.int(), tombstones: z.int() }),
  'server.metrics': z.string(),
  'server.overview': overview,
  'server.series': series,
  'server.config': z.array(setting),
  'server.sessions': z.array(connection),
  'server.end-session': nothing,
  'server.log': z.array(logRecord),
  'server.watch-log': logRecord,
  'server.trace': z.array(trace),
  'throttle.list': z.array(throttled),
  'throttle.lift': nothing,
  'collect.now': z.array(z.unknown()),
} as const

export type AdminOperationName = keyof typeof adminAnswers
/** What an operation answers; of one that is watched, each event. */
export type AdminAnswer<Name extends AdminOperationName> = z.output<(typeof adminAnswers)[Name]>

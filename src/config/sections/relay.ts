// How mail leaves: routes, limits of connections, and what is asked of the other side's TLS (docs/relay.md).
import { z } from 'zod'
import { tryIpOctets } from '../../base/ip-address.ts'
import { tryAddress } from '../../mail/address.ts'
import { tryAddressLiteral, tryDomain } from '../../mail/domain.ts'
import { count, duration, size } from '../fields.ts'

/** RFC 5321 §4.5.3.2 and what extensions add; the names are those of the client (`src/smtp/client/limits.ts`). */
const timeoutsSection = z
  .strictObject({
    connect: duration('30s', 'For a connection to one address to open.'),
    greeting: duration('5m', 'For the greeting (RFC 5321 §4.5.3.2.1).'),
    hello: duration('5m', 'For the replies to EHLO, HELO and LHLO.'),
    startTls: duration('2m', 'For the reply to STARTTLS, and again for the handshake.'),
    authenticate: duration('2m', 'For each reply within an AUTH exchange.'),
    mail: duration('5m', 'For the reply to MAIL (RFC 5321 §4.5.3.2.2).'),
    rcpt: duration('5m', 'For the reply to each RCPT (RFC 5321 §4.5.3.2.3).'),
    data: duration('2m', 'For the reply to DATA (RFC 5321 §4.5.3.2.4).'),
    content: duration('3m', 'For the host to take more of a message (RFC 5321 §4.5.3.2.5).'),
    reply: duration(
      '10m',
      'For the reply to the whole message (RFC 5321 §4.5.3.2.6): giving up early makes second copies (RFC 1047).',
    ),
    command: duration('2m', 'For the replies to other commands.'),
    turn: duration('10m', 'For the reply to ATRN (RFC 2645 §5.2.1).'),
    quit: duration('5s', 'For the reply to QUIT, and again for the host to close.'),
  })
  .prefault({})

/** Those of them that a route sets otherwise. */
const routeTimeouts = z.partialRecord(
  z.enum([
    'connect',
    'greeting',
    'hello',
    'startTls',
    'authenticate',
    'mail',
    'rcpt',
    'data',
    'content',
    'reply',
    'command',
    'turn',
    'quit',
  ]),
  duration('5m', 'A time-out of this route.'),
)

const isDomainPattern = (text: string): boolean =>
  text === '*' ||
  tryAddressLiteral(text) !== undefined ||
  tryDomain(text.startsWith('.') ? text.slice(1) : text, { utf8: true }) !== undefined

const isAddress = (text: string): boolean => tryAddress(text, { utf8: true }) !== undefined

const domainPattern = z
  .string()
  .refine(isDomainPattern, 'not a domain, `.domain`, `*` or an address literal in brackets')

const senderPattern = z
  .string()
  .refine(
    (text) => text === '<>' || isDomainPattern(text) || isAddress(text),
    'not an address, a domain, `.domain`, `*` or `<>`',
  )

const accountPattern = z.string().refine((text) => text === '*' || isAddress(text), 'not an address or `*`')

const heloName = z
  .string()
  .refine(
    (text) => tryDomain(text) !== undefined || tryAddressLiteral(text) !== undefined,
    'not a domain, or an address literal in brackets (RFC 5321 §4.1.1.1)',
  )

const sourceAddresses = z
  .array(z.string().refine((text) => tryIpOctets(text) !== undefined, 'not an IP address'))
  .refine(
    (list) => new Set(list.map((address) => address.includes(':'))).size === list.length,
    'more than one address of a family',
  )

/** What every route may say; what is absent is as in `relay` itself. */
const routeFields = {
  name: z.string().min(1).optional().describe('What operators call it; its place in the list unless given.'),
  recipients: z
    .array(domainPattern)
    .optional()
    .describe(
      'Domains of recipients: `example.org`, `.example.org` for all below it, `*` for all. Absent: every one.',
    ),
  senders: z
    .array(senderPattern)
    .optional()
    .describe('Reverse-paths: an address, a domain, `.domain`, `<>` for none, `*`. Absent: every one.'),
  accounts: z
    .array(accountPattern)
    .optional()
    .describe('Accounts that submitted the message, by address or `*` for any. Absent: all mail.'),
}

const connectionFields = {
  sourceAddresses: sourceAddresses
    .optional()
    .describe('Local addresses to connect from, one for each family that is used.'),
  heloName: heloName.optional().describe('The name to greet with.'),
  maxConnections: z.int().min(1).optional().describe('Connections at once to one destination.'),
  maxRecipients: z.int().min(1).optional().describe('Recipients of one transaction.'),
  maxMessagesPerConnection: z.int().min(1).optional().describe('Messages before a connection is closed.'),
  timeouts: routeTimeouts.optional().describe('Time-outs of this route, by their names in `relay.timeouts`.'),
  except: z
    .array(z.string())
    .default([])
    .describe('Extensions not to use, for hosts that get them wrong: `PIPELINING`, `CHUNKING`.'),
}

const tokenSection = z.strictObject({
  endpoint: z.url().describe('Where an access token is asked for (RFC 6749 §6), by https.'),
  clientId: z.string().describe('Who asks for it (RFC 6749 §2.2).'),
  clientSecretFile: z.string().optional().describe('A file with the client secret.'),
  refreshTokenFile: z.string().describe('A file with the refresh token.'),
  scope: z.string().optional().describe('What it shall be good for (RFC 6749 §3.3).'),
})

const authenticationSection = z
  .strictObject({
    username: z.string().min(1).describe('To log in with.'),
    passwordFile: z.string().optional().describe('A file with the password.'),
    token: tokenSection.optional().describe('An OAuth 2.0 access token instead of a password.'),
    mechanisms: z
      .array(z.enum(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER']))
      .optional()
      .describe('Those that may be used; the strongest that the host offers unless given.'),
  })
  .refine((one) => (one.passwordFile === undefined) !== (one.token === undefined), {
    message: 'give either passwordFile or token',
  })

const mxRoute = z.strictObject({
  kind: z
    .literal('mx')
    .describe('mx, host, lmtp, hold, fetch or discard: where its mail goes (docs/relay.md).'),
  ...routeFields,
  ...connectionFields,
  domain: z.string().optional().describe('The domain whose MX hosts to use; the recipient’s unless given.'),
  tls: z
    .enum(['opportunistic', 'required', 'verified'])
    .default('opportunistic')
    .describe('The least that is asked; DANE and MTA-STS may ask more.'),
})

/** How one host is reached by name: for routes to it, and for mail that is collected from it. */
export const hostFields = {
  host: z.string().min(1).describe('A host name or an IP address.'),
  tls: z
    .enum(['none', 'opportunistic', 'required', 'verified', 'implicit'])
    .default('verified')
    .describe(
      '`required`: STARTTLS with any certificate; `verified`: with a trusted one for the host’s name; `implicit`: the same from the first octet (port 465).',
    ),
  tlsName: z.string().optional().describe('The name in the certificate; the host unless given.'),
  authoritiesFile: z.string().optional().describe('PEM of authorities to trust instead of the system’s.'),
  certificateFile: z.string().optional().describe('PEM of our certificate, for hosts that ask for one.'),
  keyFile: z.string().optional().describe('PEM of its key.'),
  authentication: authenticationSection.optional().describe('How to log in there; absent: not at all.'),
}

const hostRoute = z.strictObject({
  kind: z.literal('host'),
  ...routeFields,
  ...connectionFields,
  ...hostFields,
  port: z.int().min(1).max(65_535).default(587).describe('Its port; 24 for LMTP.'),
})

const lmtpRoute = z.strictObject({
  kind: z.literal('lmtp'),
  ...routeFields,
  ...connectionFields,
  host: z.string().min(1).describe('A host name or an IP address.'),
  port: z.int().min(1).max(65_535).default(24),
})

const holdRoute = z.strictObject({
  kind: z.literal('hold'),
  ...routeFields,
  reason: z.string().default('held by a route').describe('What `queue list` shows.'),
})

const fetchRoute = z.strictObject({
  kind: z.literal('fetch'),
  ...routeFields,
  reason: z
    .string()
    .default('kept until its host fetches it')
    .describe('What `queue list` shows, and the report when nobody came.'),
})

const discardRoute = z.strictObject({
  kind: z.literal('discard'),
  ...routeFields,
  reason: z.string().default('discarded by a route').describe('What the record of the attempt says.'),
})

/** What the ways that no route names are called (`src/delivery/routes.ts`, `local-lane.ts`). */
const reservedNames: readonly string[] = ['mx', 'fetch', 'local']

export const relaySection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Send mail to other hosts. On in the server profile; elsewhere nothing ever leaves.'),
    routes: z
      .array(
        z.discriminatedUnion('kind', [mxRoute, hostRoute, lmtpRoute, holdRoute, fetchRoute, discardRoute]),
      )
      .superRefine((routes, context) => {
        const seen = new Set(reservedNames)
        for (const [at, { name }] of routes.entries()) {
          if (name === undefined) continue
          const message = reservedNames.includes(name)
            ? 'that name is taken for the way without a route'
            : 'another route has that name: an operator could not tell them apart'
          if (seen.has(name)) context.addIssue({ code: 'custom', path: [at, 'name'], message })
          seen.add(name)
        }
      })
      .default([])
      .describe('The first that fits a recipient is taken; what none fits goes to its MX hosts.'),
    domains: z
      .array(domainPattern)
      .default([])
      .describe(
        'Domains of other hosts whose mail port 25 takes from anybody, because this host is one of their MX hosts: `example.org`, `.example.org` for all below it. Those of `smtp.odmr` and `smtp.turn` are taken without being named here.',
      ),
    allowPrivateAddresses: z
      .boolean()
      .default(false)
      .describe(
        'Let MX records lead to loopback, private and link-local addresses. For tests and closed networks.',
      ),
    mxPort: z
      .int()
      .min(1)
      .max(65_535)
      .default(25)
      .describe('The port of MX hosts. Another one is for tests.'),
    heloName: heloName.nullable().default(null).describe('The name to greet with; null is `hostname`.'),
    sourceAddresses: sourceAddresses
      .default([])
      .describe(
        'Local addresses to connect from, at most one for each family; the system chooses unless given.',
      ),
    maxConnections: z.int().min(1).default(20).describe('Connections at once to one destination.'),
    maxRecipients: z
      .int()
      .min(1)
      .default(100)
      .describe('Recipients of one transaction (RFC 5321 §4.5.3.1.8: every host takes 100).'),
    maxMessagesPerConnection: z.int().min(1).default(100).describe('Messages before a connection is closed.'),
    maxHosts: count(10, 'MX hosts of one domain that are considered.'),
    maxAddresses: count(8, 'Addresses of one host that are considered.'),
    maxTries: count(
      8,
      'Connections tried for one destination before its mail is deferred; the hosts left over are tried first, after the best one, at the next attempts.',
    ),
    maxMimeBuffer: size(
      '64 KB',
      'Octets of one MIME header that are held to convert a message for a host without 8BITMIME.',
    ),
    dane: z
      .boolean()
      .default(true)
      .describe('Obey TLSA records (RFC 7672); they count only from a resolver that `dns` declares trusted.'),
    mtaSts: z.boolean().default(true).describe('Fetch and obey MTA-STS policies (RFC 8461).'),
    mtaStsFetchTimeout: duration('60s', 'For a policy to arrive whole (RFC 8461 §3.3 suggests a minute).'),
    mtaStsRetry: duration('5m', 'After a failed fetch, before the next (RFC 8461 §3.3: at least 5 minutes).'),
    mtaStsMaxPolicies: count(10_000, 'Policies kept in memory, beside those in the store.'),
    tokenTimeout: duration('30s', 'For an access token to arrive.'),
    timeouts: timeoutsSection,
  })
  .prefault({})

export type RelayConfig = z.output<typeof relaySection>
export type RouteConfig = RelayConfig['routes'][number]
export type RelayTimeouts = RelayConfig['timeouts']

// The catcher: what becomes of caught mail, and what may be done with it (docs/catcher.md). It holds where a `catcher` listener runs.
import { z } from 'zod'
import { Secret } from '../../base/secret.ts'
import { tryAddress } from '../../mail/address.ts'
import { count, duration, size } from '../fields.ts'

const secret = z.string().transform((text) => new Secret(text))

const pattern = z
  .string()
  .max(1000)
  .refine((text) => isRegExp(text), 'not a regular expression')
  .refine((text) => repetitionsOf(text) <= mostRepetitions, 'a regular expression with too many repetitions')
  .describe('A regular expression, without regard to case.')

/** The engine takes twice as long for each further one, before it looks at any text. */
const mostRepetitions = 15

function repetitionsOf(pattern: string): number {
  return pattern.replaceAll(/\\.|\(\?|\[[^\]]*\]/gs, '').match(/[*+?{]/g)?.length ?? 0
}

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'iu') instanceof RegExp
  } catch {
    return false
  }
}

const address = z.string().refine((text) => tryAddress(text, { utf8: true }) !== undefined, 'not an address')

/** At which moment of a session a rule looks. */
export const chaosStages = [
  'connect',
  'starttls',
  'ehlo',
  'auth',
  'mail',
  'rcpt',
  'data',
  'body',
  'end',
  'quit',
] as const
export type ChaosStage = (typeof chaosStages)[number]

const code = z.int().min(400).max(599)

/** What is done to the client. */
export const chaosAction = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('reply').describe('reply, delay, drop, tls-failure or slow.'),
    code: code.describe('Of class 4 or 5.'),
    status: z
      .string()
      .regex(/^[45]\.\d{1,3}\.\d{1,3}$/)
      .optional()
      .describe('RFC 3463; what fits the stage unless given.'),
    text: z.string().max(400).optional().describe('Behind the code; what fits the stage unless given.'),
    close: z.boolean().default(false).describe('The connection ends behind the reply.'),
  }),
  z.strictObject({
    type: z.literal('delay'),
    time: duration('5s', 'The reply comes that much later.'),
  }),
  z.strictObject({
    type: z.literal('drop'),
    how: z
      .enum(['close', 'reset'])
      .default('close')
      .describe('close: in order, without a reply. reset: at once, and what was said before may be lost.'),
    after: count(0, 'Stage body: octets of the message that are taken before.'),
  }),
  z.strictObject({
    type: z.literal('tls-failure'),
    how: z
      .enum(['close', 'garbage'])
      .default('close')
      .describe('What comes behind 220 instead of a handshake: the end, or octets that are no TLS.'),
  }),
  z.strictObject({
    type: z.literal('slow'),
    rate: z.int().min(1).default(1024).describe('Octets of the message that are taken in a second.'),
  }),
])
export type ChaosAction = z.output<typeof chaosAction>

/** A rule: where, when, and what. All of `when` must hold. */
export const chaosRule = z
  .strictObject({
    name: z.string().max(100).default('').describe('What the log and the transcript call it.'),
    stage: z.enum(chaosStages).describe('Where it strikes.'),
    sender: pattern.optional().describe('On the reverse-path (from mail on).'),
    recipient: pattern
      .optional()
      .describe('On the recipient (rcpt), or on any that was accepted (data, body, end).'),
    username: pattern.optional().describe('On the name that logged in, or tries to.'),
    client: pattern.optional().describe('On the argument of EHLO or HELO.'),
    inbox: z.string().optional().describe('On the inbox that the message would come to; `mail` and later.'),
    subject: pattern.optional().describe('On the Subject; `end` alone.'),
    first: z.int().min(1).optional().describe('Only the first so many times that all else fits.'),
    skip: z.int().min(0).optional().describe('Not the first so many times that all else fits.'),
    every: z.int().min(1).optional().describe('Only every so manieth time that all else fits.'),
    per: z
      .enum(['server', 'session', 'sender', 'recipient'])
      .default('server')
      .describe('What `first`, `skip` and `every` count by.'),
    connections: z.int().min(0).optional().describe('Only while more connections than this are open.'),
    probability: z
      .number()
      .min(0)
      .max(100)
      .default(100)
      .describe('In percent, drawn from `catcher.chaos.seed`.'),
    action: chaosAction,
  })
  .refine(({ stage, action }) => action.type !== 'tls-failure' || stage === 'starttls', {
    message: 'tls-failure is for the stage starttls',
  })
  .refine(({ stage, action }) => action.type !== 'slow' || stage === 'body', {
    message: 'slow is for the stage body',
  })
  .refine(({ stage, subject }) => subject === undefined || stage === 'end', {
    message: 'the Subject is known at the stage end alone',
  })
export type ChaosRule = z.output<typeof chaosRule>

const trigger = (errorCode: number, what: string) =>
  z
    .strictObject({
      errorCode: code.default(errorCode).describe('The code of the reply, of class 4 or 5.'),
      probability: z.int().min(0).max(100).default(0).describe('In percent.'),
    })
    .prefault({})
    .describe(what)

const chaosSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether rules and triggers hold, and may be set over HTTP.'),
    seed: z.int().min(0).default(1).describe('Of all chance in rules: the same on each run.'),
    sender: trigger(451, 'Mailpit’s trigger for MAIL.'),
    recipient: trigger(451, 'Mailpit’s trigger for RCPT.'),
    authentication: trigger(535, 'Mailpit’s trigger for AUTH.'),
    rules: z
      .array(chaosRule)
      .max(1000)
      .default([])
      .describe('What strikes where and when, the same on each run.'),
  })
  .prefault({})
export type ChaosConfig = z.output<typeof chaosSection>

const relaySection = z
  .strictObject({
    host: z.string().min(1).describe('Who takes what is released.'),
    port: z.int().min(1).max(65535).default(25).describe('Its port.'),
    tls: z
      .enum(['none', 'starttls', 'implicit'])
      .default('none')
      .describe(
        'none: in the clear, or by STARTTLS where it is offered. starttls: that or nothing. implicit: from the first octet.',
      ),
    verify: z
      .boolean()
      .default(true)
      .describe('Whether the host’s certificate must be good, where TLS is asked for.'),
    username: z.string().optional().describe('To log in with there; absent: no log-in.'),
    password: secret.optional().describe('Its password.'),
    returnPath: address
      .optional()
      .describe('The reverse-path of everything that is released; that of the message unless given.'),
    overrideFrom: address.optional().describe('The author’s address instead of the one in From.'),
    preserveMessageIds: z.boolean().default(true).describe('Whether what is released keeps its Message-ID.'),
    allow: pattern.optional().describe('Recipients that may be released to; absent: all.'),
    block: pattern.optional().describe('Recipients that may not.'),
    auto: z
      .enum(['none', 'all', 'matching'])
      .default('none')
      .describe(
        'What is released by itself when it is caught, to its own recipients; `matching` as `matching` says.',
      ),
    matching: pattern.optional().describe('Recipients for `auto: "matching"`.'),
    forward: z.array(address).default([]).describe('To whom a copy of everything that is caught goes.'),
    timeout: duration('30s', 'For the host to answer.'),
  })
  .refine(({ auto, matching }) => auto !== 'matching' || matching !== undefined, {
    message: 'auto = "matching" needs `matching`',
  })
export type CatcherRelayConfig = z.output<typeof relaySection>

const webhookSection = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Where it is told.'),
  delay: duration('0s', 'A message is told that much later.'),
  perMinute: count(
    60,
    'Messages that are told in a minute at most; what is beyond is not told. 0 is no limit.',
  ),
  timeout: duration('10s', 'For the answer.'),
})
export type CatcherWebhookConfig = z.output<typeof webhookSection>

export const catcherSection = z
  .strictObject({
    account: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
      .default('catcher')
      .describe(
        'The local part of the account that holds all caught mail, and its name for POP3, IMAP and JMAP.',
      ),
    label: z.string().max(64).default('').describe('What the page calls this catcher, beside its name.'),
    webRoot: z
      .string()
      .regex(/^(?:\/[A-Za-z0-9._~-]+)*\/?$/, 'not a path such as /mailpit')
      .transform((path) => path.replace(/\/$/, ''))
      .prefault('/')
      .describe(
        'The path below which the page and all that is reached by HTTP are, for a proxy that hands on one folder: `/mailpit`.',
      ),
    maxMessages: count(50_000, 'Caught messages that are kept; the oldest go first. 0 is no limit.'),
    maxAge: duration('0s', 'How long a caught message is kept; 0 is for ever.'),
    pruneEvery: duration(
      '1m',
      'How often what is over these limits goes, and how soon the room of what was deleted is given back.',
    ),
    ignoreDuplicates: z
      .boolean()
      .default(false)
      .describe('A Message-ID that was caught already is taken and not kept.'),
    acceptRecipients: pattern.optional().describe('Recipients that are taken; absent: all.'),
    otherRecipients: z
      .enum(['refuse', 'ignore'])
      .default('refuse')
      .describe('What the others hear: 550, or 250 and nothing is kept for them.'),
    inbox: z
      .strictObject({
        header: z
          .string()
          .default('X-Posthorn-Inbox')
          .describe('The field that names the inbox; empty: none does.'),
        username: z.boolean().default(false).describe('The SMTP user name is the inbox.'),
        detail: z
          .boolean()
          .default(false)
          .describe('The detail of the first recipient (ann+shop@…) is the inbox.'),
      })
      .prefault({}),
    tags: z
      .strictObject({
        header: z.boolean().default(true).describe('X-Tags of a message.'),
        plusAddress: z
          .boolean()
          .default(true)
          .describe('Details of recipients: ann+welcome@… has the tag welcome.'),
        username: z.boolean().default(false).describe('The SMTP user name.'),
        titleCase: z
          .boolean()
          .default(false)
          .describe('Tags that are set by themselves begin their words in capitals.'),
        filters: z
          .array(
            z.strictObject({
              match: z.string().min(1).describe('A search, as in the page.'),
              tags: z.array(z.string().min(1)).min(1).describe('The tags of what it finds.'),
            }),
          )
          .default([])
          .describe('Tags by searches.'),
      })
      .prefault({}),
    transcript: z
      .strictObject({
        lines: count(500, 'Lines of the dialogue that are kept of a message.'),
        size: size('64 KB', 'Octets of it.'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        requestSize: size('4 MB', 'Octets of a request over HTTP that carries no message.'),
        liveBacklog: size(
          '4 MB',
          'Octets of events that may wait for who listens and reads slowly; beyond, it is let go.',
        ),
        headerSize: size(
          '256 KB',
          'Octets of a header that are looked at for inbox, tags and rules of chaos.',
        ),
        textSize: size('16 MB', 'Octets of text of a message that are decoded, for views and searches.'),
      })
      .prefault({}),
    refusals: count(
      200,
      'Transactions that came to nothing of which is remembered what was said; in memory alone.',
    ),
    users: z
      .array(
        z.strictObject({
          name: z.string().min(1).describe('What somebody logs in with.'),
          password: secret.describe('With which password.'),
        }),
      )
      .default([])
      .describe('Who may use the page and the API, by HTTP Basic; empty: everybody who reaches them.'),
    cors: z
      .array(z.string().min(1))
      .default([])
      .describe('Origins whose pages may use the API; `*` is every one.'),
    webhooks: z.array(webhookSection).default([]).describe('Who is told of each caught message.'),
    relay: relaySection.optional().describe('Where caught messages are released to; absent: nothing leaves.'),
    zone: z
      .string()
      .default('')
      .describe(
        'DNS records in zone-file text: what the world would find when it checks SPF, DKIM and DMARC of caught mail.',
      ),
    address: z
      .string()
      .default('192.0.2.1')
      .describe('The address that the world would see the mail come from, for SPF.'),
    links: z
      .strictObject({
        timeout: duration('5s', 'For one link to answer.'),
        most: count(200, 'Links of a message that are asked.'),
        atOnce: z.int().min(1).default(5).describe('Links that are asked at one time.'),
        perHost: duration('100ms', 'Between two links of one host.'),
        redirects: count(5, 'Redirects that are followed, where it is asked for.'),
        private: z
          .enum(['refused', 'allowed'])
          .default('refused')
          .describe(
            'Links that lead to this machine or its network: whoever writes a message would else choose what is asked there.',
          ),
      })
      .prefault({}),
    spam: z
      .strictObject({
        kind: z
          .enum(['spamassassin', 'rspamd', 'postmark'])
          .describe(
            'postmark: a service in the Internet, which gets the whole message; the others are programs of yours.',
          ),
        url: z
          .url({ protocol: /^https?$/ })
          .default('https://spamcheck.postmarkapp.com/filter')
          .describe('Of that service.'),
        host: z.string().min(1).default('127.0.0.1').describe('Of a program of yours.'),
        port: z.int().min(1).max(65535).optional().describe('783 for spamd, 11333 for rspamd unless given.'),
        timeout: duration('20s', 'For the verdict.'),
      })
      .optional()
      .describe('Who judges whether a message looks like spam; absent: nobody.'),
    chaos: chaosSection,
  })
  .prefault({})

export type CatcherConfig = z.output<typeof catcherSection>

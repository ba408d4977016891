// The queue: when what is tried again, how many at once, when to give up, and what is told to whom.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

const retrySection = z
  .strictObject({
    after: z
      .array(duration('4h', 'One wait.'))
      .min(1)
      .max(100)
      .prefault(['5m', '15m', '30m', '1h', '2h', '4h'])
      .describe(
        'How long a recipient waits after its first, second, … failed attempt; the last one repeats (RFC 5321 §4.5.4.1).',
      ),
    jitter: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe('Part of each wait that chance adds or takes, so that retries don’t come in waves.'),
    expireAfter: duration(
      '5d',
      'When a message is returned as undeliverable (RFC 5321 §4.5.4.1: 4 to 5 days).',
    ),
    unknownAfter: duration(
      '4h',
      'The wait after an attempt whose outcome nobody knows, since a second copy may come of it (RFC 1047).',
    ),
    interruptedAfter: duration(
      '10m',
      'The wait of what a process had claimed when it died; by then the far side has given its connection up too.',
    ),
    poisonAfter: count(
      5,
      'Failures of ours, not of any host, after which a recipient is held for an operator; 0 never holds.',
    ),
  })
  .prefault({})

const lanesSection = z
  .strictObject({
    total: count(500, 'Connections at once to all destinations together.'),
    slow: count(
      1000,
      'Connections more, for those that have been at one message for longer than `slowAfter`.',
    ),
    slowAfter: duration('2s', 'From when on a connection counts as slow.'),
    unproven: z
      .number()
      .min(0.05)
      .max(1)
      .default(0.5)
      .describe('Part of `total` that destinations may take which have not taken anything lately.'),
    initial: count(
      2,
      'Connections to a destination that has just taken its first message; until then it has one.',
    ),
    idle: duration('5s', 'How long a connection without work is kept for the next message, on any route.'),
    claim: count(200, 'Recipients that are taken from the store at once for one destination.'),
  })
  .prefault({})

const backOffSection = z
  .strictObject({
    deadAfter: count(
      2,
      'Failures of a destination in a row after which all its mail waits and one job probes.',
    ),
    first: duration('1m', 'The first wait of a dead destination; each further one is twice as long.'),
    longest: duration('1h', 'The longest wait between two probes.'),
  })
  .prefault({})

const reportsSection = z
  .strictObject({
    delayAfter: duration('4h', 'When the sender is told that a message is late; 0 is never.'),
    gatherFor: duration(
      '2s',
      'How long a report waits for other recipients of its message to come to their end too; 0 waits for none.',
    ),
    maxReturned: size(
      '1 MB',
      'Up to this size a whole message is returned where RET=FULL asks for it; else its header (RFC 3461 §6.2).',
    ),
    maxReturnedHeader: size('64 KB', 'Octets of a returned header.'),
    maxRecipients: count(1000, 'Recipients told of in one report.'),
    doubleBounce: z
      .enum(['discard', 'postmaster'])
      .default('discard')
      .describe(
        'What becomes of a report that cannot be delivered (RFC 5321 §6.1: it has no sender to tell).',
      ),
  })
  .prefault({})

const returnPathSection = z
  .strictObject({
    srs: z
      .enum(['forwarded', 'never'])
      .default('forwarded')
      .describe(
        'Whether mail that is forwarded for a sender elsewhere leaves under an address of ours (SRS).',
      ),
    srsMaxAge: duration('21d', 'How long an address of SRS leads back.'),
    hashLength: z
      .int()
      .min(4)
      .max(20)
      .default(8)
      .describe('Characters of 5 bits that protect an address of SRS or VERP against forging.'),
    separator: z
      .string()
      .regex(/^[+=-]$/)
      .default('+')
      .describe('Between the list’s address and the member in an address of VERP.'),
  })
  .prefault({})

const bouncesSection = z
  .strictObject({
    suppressAfter: count(
      3,
      'Final failures of a list’s member within `within` after which the list no longer writes to him; 0 is never.',
    ),
    within: duration('7d', 'See `suppressAfter`.'),
    suppressFor: duration('30d', 'How long a suppression that was made by rule lasts.'),
    maxSize: size('1 MB', 'A longer report is filed but not read.'),
  })
  .prefault({})

export const queueSection = z
  .strictObject({
    retry: retrySection,
    lanes: lanesSection,
    backOff: backOffSection,
    reports: reportsSection,
    returnPath: returnPathSection,
    bounces: bouncesSection,
    lease: duration(
      '5m',
      'How long a worker that died keeps what it worked on; renewed three times in that time.',
    ),
    poll: duration('30s', 'How often the store is asked for work that another process brought.'),
    sweep: duration('1m', 'How often expiry and delays are looked for.'),
    stopWithin: duration(
      '8s',
      'How long a stop waits for attempts under way; what it cuts off has an unknown outcome (RFC 1047).',
    ),
    maxMessages: count(1_000_000, 'Messages in the queue at once; 0 is no limit.'),
    keepHistory: duration('7d', 'How long finished messages can be looked up.'),
    automaticPerHour: count(
      60,
      'Automatic answers and reports from one sender’s domain to one recipient in an hour; further ones are refused as a loop; 0 is no limit.',
    ),
  })
  .prefault({})

export type QueueConfig = z.output<typeof queueSection>

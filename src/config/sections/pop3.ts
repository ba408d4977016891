// Limits and choices of POP3.
import { z } from 'zod'
import { count, duration } from '../fields.ts'

export const pop3Section = z
  .strictObject({
    maxLineBytes: z
      .int()
      .min(255)
      .max(65_536)
      .default(1024)
      .describe('Octets of one command line with its CRLF (RFC 2449 §4 asks for 255).'),
    idleTimeout: duration(
      '10m',
      'A session without a command for this long is closed (RFC 1939 §3: at least 10 minutes).',
    ),
    loginTimeout: duration(
      '10m',
      'A session that has not logged in after this long is closed, whatever it sends.',
    ),
    maxBadCommands: count(20, 'Commands that make no sense before a connection is closed; 0 is no limit.'),
    loginDelay: z
      .int()
      .nonnegative()
      .default(0)
      .describe(
        'Seconds between two log-ins of one account (RFC 2449 §6.5); 0 is none, and nothing is announced.',
      ),
    maildropLease: duration(
      '1m',
      'How long a maildrop stays locked after its session died with the node that served it.',
    ),
    writeBatch: count(65_536, 'Octets of replies to pipelined commands that are gathered into one write.'),
  })
  .prefault({})

export type Pop3Config = z.output<typeof pop3Section>

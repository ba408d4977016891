// Limits and choices of the SMTP server: ports 25, 465 and 587, and the catcher.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const smtpSection = z
  .strictObject({
    maxLineSize: size(
      '0',
      'Octets of one line of a message with its CRLF (RFC 5321 §4.5.3.1.6 asks for 1000); 0 takes any, since honest mail has such lines and none is ever held whole.',
    ),
    maxCommandSize: z
      .int()
      .min(512)
      .max(65_536)
      .default(2048)
      .describe('Octets of a command line with its CRLF: 512 (RFC 5321 §4.5.3.1.4) and what extensions add.'),
    maxDiscardedLine: size(
      '64 KB',
      'How much of an overlong command line is read on before the session is cut.',
    ),
    maxDiscardedMessage: size(
      '1 GB',
      'How much of a message beyond its limit is read and dropped, so that the sender hears why, before the session is cut.',
    ),
    maxRecipients: z
      .int()
      .min(100)
      .default(1000)
      .describe('Recipients of one message (RFC 5321 §4.5.3.1.8: at least 100); told by LIMITS RCPTMAX.'),
    maxMessagesPerConnection: count(
      100_000,
      'MAIL commands in one connection; told by LIMITS MAILMAX; 0 is no limit.',
    ),
    maxErrors: count(20, 'Refused commands, RCPT and AUTH apart, before a session is ended; 0 is no limit.'),
    maxRefusedRecipients: count(
      1000,
      'Recipients refused for good in one session before it is ended; 0 is no limit.',
    ),
    maxReceived: count(100, 'Received fields at which a message is taken for a loop (RFC 5321 §6.3).'),
    commandTimeout: duration(
      '5m',
      'For the next command, and for a command line to be completed (RFC 5321 §4.5.3.2.7: at least 5 minutes).',
    ),
    dataTimeout: duration('5m', 'For the next block of a message (RFC 5321 §4.5.3.2.5: at least 3 minutes).'),
    minDataProgress: size(
      '16 KB',
      'What must come of a message in each `dataTimeout`, or the session is ended.',
    ),
  })
  .prefault({})

export type SmtpConfig = z.output<typeof smtpSection>

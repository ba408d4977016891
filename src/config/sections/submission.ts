// Limits and choices of submission, ports 465 and 587: what our own users may send, and what is put right for them (RFC 6409).
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const submissionSection = z
  .strictObject({
    checkSender: z
      .boolean()
      .default(true)
      .describe('The reverse-path must belong to the account that logged in (RFC 6409 §6.1).'),
    checkFrom: z
      .boolean()
      .default(true)
      .describe(
        'There must be one From field, and every address of From and Sender must belong to the account: its own, or an alias that leads to it (RFC 6409 §6.3). So must those of Resent-From and Resent-Sender.',
      ),
    allowResent: z
      .boolean()
      .default(false)
      .describe(
        'With Resent-From (RFC 5322 §3.6.6) of its own an account may send on what somebody else wrote: From is not checked then. Whoever has an account can show any name as the author’s that way.',
      ),
    addMissingFields: z
      .boolean()
      .default(true)
      .describe(
        'Add From (the sender’s address), Date and Message-ID where they are missing (RFC 6409 §8.2 and §8.3, RFC 5322 §3.6).',
      ),
    removeBcc: z
      .boolean()
      .default(true)
      .describe('Remove Bcc and Resent-Bcc (RFC 5322 §3.6.3), so that no recipient reads who else got it.'),
    maxHeaderSize: size('256 KB', 'The largest header of a message; it is held in memory while it comes.'),
    messagesPerHour: count(1000, 'Messages that an account may begin in an hour; 0 is no limit.'),
    recipientsPerHour: count(20_000, 'Recipients that an account may name in an hour; 0 is no limit.'),
    maxHold: duration(
      '30d',
      'The longest time that a message may be held back by FUTURERELEASE (RFC 4865 §3); 0 does not offer it.',
    ),
    maxPriority: z
      .int()
      .min(0)
      .max(9)
      .default(4)
      .describe('The highest MT-PRIORITY that a log-in may ask for (RFC 6710 §4.1); more is lowered to it.'),
  })
  .prefault({})

export type SubmissionConfig = z.output<typeof submissionSection>

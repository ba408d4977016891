// The full-text index: how much is indexed, when, and what it may cost.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const searchSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Keep a full-text index of mail; without one a search reads every message.'),
    text: size('1 MB', 'How much of one message’s text is indexed; a search reads a message that has more.'),
    header: size('256 KB', 'How much of one header is indexed.'),
    after: count(100, 'Messages that wait before an account is indexed; a search reads those that wait.'),
    wait: duration('1h', 'An account with fewer new messages is indexed after this time.'),
    behind: count(20, 'A search that reads so many messages that are not indexed has them indexed at once.'),
    share: z
      .int()
      .min(1)
      .max(100)
      .default(20)
      .describe('Percent of the time of one thread that indexing takes while mail arrives.'),
    batch: z.int().min(1).max(100_000).default(1_000).describe('Messages in a new piece of the index.'),
    batchText: size('4 MB', 'Text in a new piece of the index, about: what indexing holds in memory.'),
    segment: z
      .int()
      .min(1_000)
      .max(500_000)
      .default(131_072)
      .describe('Messages in the largest piece of an index; larger ones are not merged further.'),
    cache: size('16 MB', 'How much of the indexes is kept in memory for searches to come.'),
    lists: size(
      '4 MB',
      'A word in so many messages is no filter: how much is read for it before that is known.',
    ),
    idle: duration('10s', 'The indexing thread ends when it had nothing to do for so long.'),
  })
  .prefault({})

export type SearchConfig = z.output<typeof searchSection>

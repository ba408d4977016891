// Where mail is kept.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const storeSection = z
  .strictObject({
    postgres: z
      .strictObject({
        url: z.string().describe('Connection string, `postgres://user:password@host/database`.'),
        pool: count(10, 'Connections kept to the database.'),
      })
      .optional()
      .describe('Keep everything in PostgreSQL instead of SQLite.'),
    inlineBlobLimit: size(
      '64 KB',
      'Messages up to this size commit inside the database, larger ones as files beside it.',
    ),
    groupCommitOperations: count(200, 'Operations that one commit may carry.'),
    groupCommitTime: duration(
      '5ms',
      'A commit group is closed after this much work, so that nobody waits long.',
    ),
    blobGrace: duration('1h', 'A file that no message names is kept this long before it is collected.'),
    tombstoneAge: duration('90d', 'How long removals are remembered for clients that come back.'),
    maxMailboxes: count(10_000, 'Mailboxes in one account.'),
    maxKeywords: count(100, 'Keywords of one message.'),
    maxKeywordLength: count(2000, 'Characters of all keywords of one message together.'),
    maxMailboxKeywords: count(1_000, 'Keywords of one mailbox that SELECT looks for.'),
    maxAccessEntries: count(500, 'Entries of the access control list of one mailbox (RFC 4314).'),
    maxAnnotations: count(
      200,
      'Shared annotations of one mailbox or account, and private ones of each account there (RFC 5464).',
    ),
    maxAnnotationSize: size('64 KB', 'Octets of the value of one annotation.'),
    maxAnnotationNameLength: count(1000, 'Characters of the name of one annotation.'),
    maxObjectSize: size('256 KB', 'One identity, push subscription, submission or the like.'),
    maxThreadKeys: count(32, 'Message identifiers that one message can join a thread by.'),
    flagBlockChanges: count(128, 'Flags of this many messages that change at once are kept in blocks.'),
    flagBlockUids: count(2048, 'UIDs that one such block covers.'),
    batchRows: count(500, 'Messages that are read from the store at a time.'),
    temporaryBlobLimit: size(
      '4 GB',
      'Octets of large messages that a store without a data folder may hold, in a temporary file without a name.',
    ),
    memoryBlobLimit: size(
      '256 MB',
      'The same in memory, for what no temporary file can be had for or written to.',
    ),
    maxWaiting: count(
      50_000,
      'Messages that a store in memory files after their answer; with more of them each has two others filed.',
    ),
    collectEvery: duration('1h', 'Time between two collections of what nothing names any more.'),
  })
  .prefault({})

export type StoreConfig = z.output<typeof storeSection>

/** Each limit of the MIME walk by its own name (`MimeLimits`); beyond one nothing fails, the rest is opaque. */
export const mimeSection = z
  .strictObject({
    depth: count(100, 'Nesting of multiparts and attached messages; what lies deeper is one opaque part.'),
    parts: count(1000, 'Parts of one message; what follows belongs to the last one.'),
    headerOctets: size('256 KB', 'Octets of one header that are read for its meaning; all are kept.'),
    fieldOctets: size(
      '64 KB',
      'Octets of one header field that are read; the fields after a longer one still count.',
    ),
    boundaryOctets: size(
      '250',
      'Octets of a multipart boundary (RFC 2046 §5.1.1 allows 70); with a longer one the multipart is opaque.',
    ),
    addresses: count(10_000, 'Entries of one address field.'),
    references: count(
      100,
      'Message identifiers kept of References and of In-Reply-To, and Delivered-To fields kept.',
    ),
    keptOctets: size('512 KB', 'Octets that the structure of one message may take in memory.'),
    previewPlainOctets: size('2 KB', 'Octets of a plain text that its preview is made from.'),
    previewHtmlOctets: size('16 KB', 'Octets of an HTML text that its preview is made from.'),
    previewCharacters: count(200, 'Characters of the preview.'),
  })
  .prefault({})

export type MimeConfig = z.output<typeof mimeSection>

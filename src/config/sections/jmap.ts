// JMAP (RFC 8620): what the Session tells clients as limits, uploads, and push. Defaults are at or above what RFC 8620 §2 suggests.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const jmapSection = z
  .strictObject({
    maxSizeUpload: size('50 MB', 'One uploaded file.'),
    maxConcurrentUpload: count(4, 'Uploads of one account at once.'),
    maxSizeRequest: size('10 MB', 'One API request.'),
    maxConcurrentRequests: count(10, 'API requests of one account at once.'),
    maxCallsInRequest: count(64, 'Method calls in one API request.'),
    maxObjectsInGet: count(1000, 'Objects that one /get may ask for.'),
    maxObjectsInSet: count(1000, 'Objects that one /set may create, update and destroy.'),
    maxFilterConditions: count(200, 'Conditions in one filter.'),
    maxComparators: count(20, 'Comparators in one sort.'),
    searchRounds: count(
      20,
      'Times that a search looks again since mail came while it read; then the client is asked to try again.',
    ),
    maxQueryResults: count(5000, 'Ids that one /query tells at once; clients page through the others.'),
    maxChanges: count(5000, 'Ids that one /changes tells at once.'),
    uploadQuota: size('200 MB', 'Uploads of one user that no message holds yet; the oldest go first.'),
    uploadTime: duration('6h', 'How long an upload is kept. At least an hour.').refine(
      (milliseconds) => milliseconds >= 3_600_000,
      // RFC 8620 §6: "an unreferenced blob MUST NOT be deleted for at least 1 hour".
      'RFC 8620 wants an hour at least',
    ),
    maxBlobOctets: size('5 MB', 'Octets that one Blob/get or Blob/upload takes in all.'),
    maxDataSources: count(64, 'Pieces of which Blob/upload puts one blob together.'),
    maxSizeAttachmentsPerEmail: size(
      '50 MB',
      'Attachments of one Email together, unencoded; 73 % of `maxMessageSize` where that is less.',
    ),
    authenticationSize: size('50 MB', 'A message of which SPF, DKIM and DMARC are checked for its reader.'),
    maxBodyParts: count(500, 'Parts of an Email that a client makes.'),
    maxBodyDepth: count(30, 'Multiparts inside one another of an Email that a client makes.'),
    maxIdentities: count(500, 'Identities of one account.'),
    submissionTime: duration('30d', 'How long a submission is remembered after it is sent.'),
    mailIndexMemory: size(
      '256 MB',
      'Memory for the indexes of mail of all accounts in use; one is always kept.',
    ),
    maxEventSources: count(20, 'Event streams and WebSockets of one account at once.'),
    eventStreamBuffer: size(
      '256 KB',
      'What waits for the client of an event stream that does not read: beyond it the stream is cut.',
    ),
    shortestPing: duration('1s', 'Pings of an event stream come no more often. At most 30 seconds.').refine(
      (milliseconds) => milliseconds > 0 && milliseconds <= 30_000,
      // RFC 8620 §7.3: "MUST NOT be higher than 30 seconds".
      'RFC 8620 wants 30 seconds at most',
    ),
    longestPing: duration('15m', 'Pings of an event stream come no less often. At least 5 minutes.').refine(
      (milliseconds) => milliseconds >= 300_000,
      // RFC 8620 §7.3: "MUST NOT be lower than 300".
      'RFC 8620 wants 5 minutes at least',
    ),
    credentialCheck: duration(
      '1m',
      'How often event streams and WebSockets are asked whether their credentials still hold.',
    ),
    pushSubscriptions: count(20, 'Push subscriptions of one account.'),
    pushSubscriptionsPerHour: count(60, 'Push subscriptions that an account may create in an hour.'),
    pushExpires: duration(
      '30d',
      'The longest that a push subscription lasts without being renewed. At least two days.',
    ).refine(
      (milliseconds) => milliseconds >= 172_800_000,
      // RFC 8620 §7.2: "This maximum expiry time MUST be at least 48 hours in the future".
      'RFC 8620 wants two days at least',
    ),
    pushInterval: duration('1s', 'The shortest time between two pushes to one subscription.'),
    pushTimeout: duration('15s', 'For the answer of a push service.'),
    pushFirstRetry: duration(
      '5s',
      'After the first failure of a push service; each further one waits twice that.',
    ),
    pushLongestRetry: duration('1h', 'The longest time between two attempts at a push service.'),
    pushVerifications: count(
      3,
      'Attempts at telling a push service the verification code of a subscription.',
    ),
    pushTimeToLive: duration('1d', 'How long a push service may keep a push for a device that is not there.'),
    pushGiveUpAfter: duration(
      '1d',
      'A push service that fails for so long is not tried any more until something changes.',
    ),
    pushToLoopback: z
      .boolean()
      .default(false)
      .describe('For tests: push also to this machine and its networks, there by http URLs too.'),
  })
  .prefault({})

export type JmapConfig = z.output<typeof jmapSection>

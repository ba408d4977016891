// The pages: under which names they are reached, and how long a log-in by them holds.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const webSection = z
  .strictObject({
    origin: z
      .string()
      .regex(/^https?:\/\/[^/\s?#]+$/, 'https://host or https://host:port, without a path')
      .nullable()
      .default(null)
      .describe(
        'What clients call this server by: `https://mail.example.org`. null: as each request names it; set it where a proxy changes Host.',
      ),
    hosts: z
      .array(z.string().transform((text) => text.toLowerCase()))
      .default([])
      .describe(
        'Names under which a catcher is reached beside addresses, `hostname`, names without a dot and those of .localhost, .local, .internal and .test. Everybody may read a catcher, so other names are refused: a page elsewhere could have its name lead here.',
      ),
    strictTransport: duration(
      '0s',
      'For how long browsers that have been here over TLS shall come over TLS alone (Strict-Transport-Security, RFC 6797); 0 does not tell them.',
    ),
    sessionIdle: duration('14d', 'A session of the pages that was not used for this long is over.'),
    sessionLongest: duration('90d', 'And at the latest this long after its log-in.'),
    sessionNoted: duration('5m', 'How old what is kept of the last use of a session may be.'),
    maxSessions: count(100, 'Sessions of an account; one more ends the one that was not used for longest.'),
    proofTime: duration(
      '15m',
      'After this long a session shows its password, code or passkey again before it changes how the account is protected.',
    ),
    setupTime: duration('1h', 'How long the link of a server without accounts to its set-up page holds.'),
    recordsKept: count(
      5000,
      'Events that a server remembers for its admin page and for `posthorn server`; the oldest goes first.',
    ),
    eventFileSize: size(
      '64 MB',
      'Room for the events that are kept in the data folder of a server with pages, so that messages can be traced after a restart; 0 keeps none.',
    ),
    webSocketPing: duration('30s', 'How often a WebSocket is asked whether its other side is still there.'),
    webSocketBuffer: size(
      '16 MB',
      'What may wait to be sent on one WebSocket; beyond it, the socket is closed.',
    ),
  })
  .prefault({})

export type WebConfig = z.output<typeof webSection>

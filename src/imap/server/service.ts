// IMAP as a service of a listener: a core and a handler for each connection.
import { encodeCondition } from '../proto/encode/responses.ts'
import { FactsCache } from './search/facts/mailbox-facts.ts'
import { ImapHandler } from './handler.ts'
import { ImapSession } from '../proto/session.ts'
import { Turns } from './turns.ts'
import { defaultStoreLimits } from '../../store/limits.ts'
import type { AuthConfig } from '../../config/sections/auth.ts'
import type { Clock } from '../../base/clock.ts'
import type { ConnectionRefusal } from '../../net/connection-limits.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { ImapAnswer, ImapQuestion } from '../proto/commands/command.ts'
import type { ImapConfig } from '../../config/sections/imap.ts'
import type { MimeLimits } from '../../mail/mime/limits.ts'
import type { Random } from '../../base/random.ts'
import type { Searcher } from '../../search/search.ts'
import type { Service } from '../../net/pump.ts'
import type { Store } from '../../store/store.ts'

export interface ImapServiceOptions {
  readonly hostname: string
  /** STARTTLS is offered on this listener. */
  readonly startTls: boolean
  readonly store: Store
  readonly directory: Directory
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly config: ImapConfig
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly auth: Pick<AuthConfig, 'allowClearText' | 'maxFailuresPerConnection'>
  /** Octets of the value of an annotation; the store's default unless given. */
  readonly maxAnnotationSize?: number
  /** Limits of the walk through an appended message; its own defaults unless given. */
  readonly mime?: Partial<MimeLimits>
  /** Absent: every message is read. */
  readonly searcher?: Searcher
  /** Shared with other listeners; absent: its own. */
  readonly facts?: FactsCache
  /** Where the Session of JMAP is (RFC 9698), as it is now; absent: no JMAP. */
  readonly jmapUrl?: () => string | null
  /** Absent: no session is a terminal. */
  readonly terminals?: Terminals
}

/** What to run, and what a connection over a limit is told (RFC 3501 §7.1.5: BYE as a greeting). */
export function createImapService(options: ImapServiceOptions): {
  service: Service<ImapQuestion, ImapAnswer>
  farewell: (refusal: ConnectionRefusal) => string
} {
  const { hostname, startTls, store, directory, events, clock, random, config, auth, mime = {} } = options
  const maxMessageSize = options.maxMessageSize === 0 ? Number.MAX_SAFE_INTEGER : options.maxMessageSize
  const parts = {
    ...{ store, directory, events, clock, random, config, mime, hostname, maxMessageSize },
    maxAnnotationSize: options.maxAnnotationSize ?? defaultStoreLimits.annotationSize,
    terminals: options.terminals ?? null,
    turns: new Turns(),
    searcher: options.searcher ?? null,
    facts: options.facts ?? new FactsCache(config.searchMemory),
  }
  const limits = {
    ...config,
    messageSize: maxMessageSize,
    annotationSize: parts.maxAnnotationSize,
    loginFailures: auth.maxFailuresPerConnection,
  }
  return {
    service: {
      makeCore: () =>
        new ImapSession({
          ...{ limits, hostname, startTls, random, ...directory.sasl },
          clearTextAllowed: auth.allowClearText,
          jmapUrl: options.jmapUrl?.() ?? null,
        }),
      makeHandler: (sink, peer) => new ImapHandler(parts, sink, peer),
    },
    farewell: () => `* ${encodeCondition('BYE', 'LIMIT', 'Too many connections')}`,
  }
}

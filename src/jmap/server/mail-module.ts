// The module of `urn:ietf:params:jmap:mail` (RFC 8621 §1.3.1): everything that reads and writes mail.
import type { Clock } from '../../base/clock.ts'
import { mail } from '../proto/capabilities.ts'
import { emailSortProperties } from '../proto/email-filter.ts'
import { mailReading, type MailReadingParts } from './mail-reading.ts'
import type { MailLimits, MailWriteParts } from './mail-writing.ts'
import { mailStates, mailWritingMethods } from './mail-writing-methods.ts'
import type { Capability, JmapModule } from './module.ts'

export interface MailModuleParts
  extends
    Pick<MailReadingParts, 'access' | 'blobs' | 'searcher'>,
    Omit<MailWriteParts, 'access' | 'blobs' | 'emailGet' | 'mailboxGet' | 'states'> {
  readonly clock: Pick<Clock, 'now'>
  /** Of one message, when it is searched by reading. */
  readonly searched: MailReadingParts['limits']
  /** As `Searching.rounds`. */
  readonly searchRounds: number
}

export function createMailModule(parts: MailModuleParts): JmapModule {
  const { access, blobs, searcher, searched, searchRounds: rounds, clock, limits } = parts
  const reading = mailReading({ access, blobs, searcher, limits: searched, rounds, now: () => clock.now() })
  const writing = mailWritingMethods({ ...parts, ...reading.gets, states: mailStates(access, clock) })
  return {
    capabilities: [mailCapability(limits)],
    methods: [...reading.methods, ...writing],
    types: reading.types,
  }
}

function mailCapability(limits: MailLimits): Capability {
  return {
    uri: mail,
    server: () => ({}),
    account: ({ isPersonal }) => ({
      maxMailboxesPerEmail: null,
      maxMailboxDepth: limits.maxMailboxDepth,
      maxSizeMailboxName: limits.maxMailboxName,
      maxSizeAttachmentsPerEmail: limits.maxAttachmentsSize,
      emailQuerySortOptions: emailSortProperties,
      mayCreateTopLevelMailbox: isPersonal,
    }),
  }
}

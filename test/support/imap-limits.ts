// Limits for tests of the IMAP core: the configured defaults, small enough to be reached where a test wants that.
import { imapSection } from '../../src/config/sections/imap.ts'
import type { ImapLimits } from '../../src/imap/proto/limits.ts'

/** The defaults, with some replaced. */
export function imapLimits(changes: Partial<ImapLimits> = {}): ImapLimits {
  return {
    ...imapSection.parse({}),
    messageSize: 50_000_000,
    annotationSize: 65_536,
    loginFailures: 5,
    ...changes,
  }
}

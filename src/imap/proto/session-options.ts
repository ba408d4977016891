// What a session of IMAP is made with.
import type { FragmentLimits } from './fragments.ts'
import type { ImapLimits } from './limits.ts'
import type { Random } from '../../base/random.ts'

/** What a session is made with. */
export interface ImapSessionOptions {
  readonly limits: ImapLimits
  /** Shown in the greeting: the server's name. */
  readonly hostname: string
  /** STARTTLS can be done here. */
  readonly startTls: boolean
  /** Passwords may cross an unencrypted connection (the dev profile). */
  readonly clearTextAllowed: boolean
  /** Verifiers are kept, so SCRAM can be offered. */
  readonly scram: boolean
  /** These as `OfferRequest` has them. */
  readonly cramMd5?: boolean
  readonly tokens?: boolean
  readonly certificates?: boolean
  /** Of JMAP's Session (RFC 9698); absent or null: no JMAP. */
  readonly jmapUrl?: string | null
  readonly random: Random
  /** See `SaslContext`. */
  readonly serverSecret: Uint8Array
  readonly scramIterations: number
}

/** What framing allows before log-in. */
export function limitsBeforeLogin(limits: ImapLimits): FragmentLimits {
  return {
    line: limits.lineBeforeLogin,
    literal: limits.literalBeforeLogin,
    command: limits.commandBeforeLogin,
    drain: Math.min(limits.drain, limits.commandBeforeLogin),
  }
}

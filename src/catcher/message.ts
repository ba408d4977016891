// A caught message as the catcher knows it. One message is one SMTP transaction, whatever the number of its recipients
// (docs/decisions/017-catcher.md): the summary is what lists show, the record is how it came.
import type { AccountId, MailboxId, Uid } from '../store/model.ts'

/** 128 random bits in lower-case letters and digits: also the message's name in the reply to the final dot. */
export type CaughtId = string

export interface CaughtAddress {
  /** Display name, Unicode; '' for none. */
  readonly name: string
  readonly address: string
}

/** The part of a summary that the message itself says. */
export interface Described {
  /** Octets of the source: as they came, with the trace of this host. */
  readonly size: number
  readonly attachments: number
  /** Parts that belong into the text, such as images. */
  readonly inline: number
  readonly subject: string
  /** Without angle brackets; '' where there is none. */
  readonly messageId: string
  readonly from: CaughtAddress | null
  readonly to: readonly CaughtAddress[]
  readonly cc: readonly CaughtAddress[]
  /** Those of the header, and recipients of the envelope that the header does not name. */
  readonly bcc: readonly CaughtAddress[]
  readonly replyTo: readonly CaughtAddress[]
  /** About 200 characters of the text. */
  readonly snippet: string
}

/** What lists, searches and live events show of a message. */
export interface CaughtSummary extends Described {
  readonly id: CaughtId
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly read: boolean
  readonly inbox: string
  readonly tags: readonly string[]
  /** Who logged in; '' for nobody. */
  readonly username: string
}

/** A copy in a recipient's mailbox. */
export type CaughtPlace = readonly [account: AccountId, mailbox: MailboxId, uid: Uid]

export interface CaughtEnvelope {
  /** '' is the null reverse-path. */
  readonly reversePath: string
  /** Parameters of MAIL as sent: `SIZE=1024`, `BODY=8BITMIME`. */
  readonly parameters: readonly string[]
  readonly recipients: readonly { readonly address: string; readonly parameters: readonly string[] }[]
}

/** One line of the dialogue, or what stands for many. */
export interface TranscriptLine {
  /** Milliseconds since the session began. */
  readonly at: number
  readonly side: 'client' | 'server' | 'note'
  readonly text: string
}

export interface CaughtSession {
  readonly id: string
  readonly service: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly startedAt: number
  readonly helo: string
  readonly extended: boolean
  readonly username: string
  /** Of the log-in, for example `PLAIN`; '' where there was none. */
  readonly mechanism: string
  readonly tls: {
    readonly version: string
    readonly cipher: string
    readonly serverName: string | null
  } | null
}

/** How a message came. */
export interface CaughtRecord {
  readonly envelope: CaughtEnvelope
  /** Null for what came by no session: the HTTP API, `sendmail`, an import. */
  readonly session: CaughtSession | null
  readonly transcript: readonly TranscriptLine[]
  /** Whether lines are missing, since the transcript's limits were reached. */
  readonly truncated: boolean
}

/** What is told as it happens. */
export type CatcherEvent =
  | { readonly type: 'new'; readonly message: CaughtSummary }
  | {
      readonly type: 'update'
      readonly id: CaughtId
      readonly inbox: string
      readonly read?: boolean
      readonly tags?: readonly string[]
    }
  | { readonly type: 'delete'; readonly ids: readonly CaughtId[] }
  /** Very many changed at once: read lists anew. */
  | { readonly type: 'reload' }
  | { readonly type: 'stats'; readonly total: number; readonly unread: number }
  /** A transaction came to nothing, or a rule of chaos struck. */
  | { readonly type: 'refusal'; readonly refusal: Refusal }

/** A transaction or session of which nothing was caught, and why. */
export interface Refusal {
  readonly id: string
  readonly at: number
  /** The reply, or what was done instead. */
  readonly reply: string
  /** The rule of chaos that did it; '' where it was the server itself. */
  readonly rule: string
  readonly stage: string
  readonly envelope: CaughtEnvelope
  readonly session: CaughtSession
  readonly transcript: readonly TranscriptLine[]
}

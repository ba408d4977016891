// The state of one POP3 session, and what a command can lead to.
import type { TlsState } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import type { SaslDialogue } from '../../sasl/dialogue.ts'
import type { Maildrop } from './maildrop.ts'
import type { Pop3Answer, Pop3Question } from './questions.ts'

/** What does not change while a listener lives. */
export interface Pop3Settings {
  readonly hostname: string
  /** STLS can be offered here. */
  readonly stls: boolean
  /** Passwords may cross a connection without TLS. */
  readonly clearTextAllowed: boolean
  readonly sasl: {
    readonly scram: boolean
    readonly cramMd5?: boolean
    readonly tokens?: boolean
    readonly certificates?: boolean
    readonly serverSecret: Uint8Array
    readonly scramIterations: number
  }
  readonly random: Random
  readonly limits: Pop3Limits
}

/** Octets, milliseconds, counts; 0 lifts a count. See `config/sections/pop3.ts` and `auth.ts`. */
export interface Pop3Limits {
  readonly lineBytes: number
  readonly saslResponseBytes: number
  /** From the greeting, whatever the client sends. */
  readonly loginTimeout: number
  readonly idleTimeout: number
  readonly badCommands: number
  readonly failedLogins: number
  /** Seconds; announced and enforced by the handler. */
  readonly loginDelay: number
  readonly writeBatch: number
}

/** RFC 1939 §3: the states of a session. UPDATE is the time between QUIT and its reply. */
export type State =
  | {
      readonly name: 'authorization'
      /** What USER said, until PASS. */
      readonly username: string | null
    }
  | { readonly name: 'authenticating'; readonly exchange: Exchange }
  | { readonly name: 'transaction'; readonly maildrop: Maildrop }
  | { readonly name: 'closed' }

export interface Exchange {
  readonly dialogue: SaslDialogue
  /** The handler was asked something, and must hear how the exchange ends. */
  asked: boolean
}

/** One connection's session; made anew after STLS, so that nothing from before it survives. */
export interface Session {
  readonly settings: Pop3Settings
  readonly tls: TlsState | null
  state: State
  /** RFC 6856 §2.1. */
  utf8: boolean
}

/** What a command, or an answer, leads to. */
export type Step =
  /** Replies, ready to send. */
  | { readonly type: 'reply'; readonly text: string }
  /** The same for a command that made no sense. */
  | { readonly type: 'bad'; readonly text: string }
  /** The same for a log-in that failed. */
  | { readonly type: 'login-failed'; readonly text: string }
  /** A message: first line, encoded text, final dot. */
  | { readonly type: 'message'; readonly first: string; readonly bytes: Uint8Array }
  /** A multi-line response made while it is sent: pieces of a bounded size. */
  | { readonly type: 'listing'; readonly pieces: Iterator<string> }
  /** Sends `text` first, if there is any. */
  | {
      readonly type: 'ask'
      readonly text?: string
      readonly question: Pop3Question
      readonly then: (answer: Pop3Answer) => Step
    }
  | { readonly type: 'start-tls' }
  | { readonly type: 'close'; readonly text: string }

export function reply(text: string): Step {
  return { type: 'reply', text }
}

/** A handler that answers something else than the question allows is a fault of ours. */
export function unexpected(answer: Pop3Answer): never {
  throw new Error(`the handler answered ${answer.type} to another question`)
}

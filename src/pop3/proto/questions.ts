// What the POP3 core asks of its handler, and what it may hear.
import type { Secret } from '../../base/secret.ts'
import type { SaslAnswer, SaslQuestion } from '../../sasl/mechanism.ts'
import type { MaildropContents } from './maildrop.ts'

/** Why nobody is let in, or the maildrop is not opened. */
export type LoginRefusal =
  | 'bad-credentials'
  | 'disabled'
  | 'throttled'
  | 'unavailable'
  /** RFC 2449 §8.1.2: another session has the maildrop. */
  | 'in-use'
  /** RFC 2449 §8.1.1. */
  | 'login-delay'

export type Pop3Question =
  /** Check the password, lock and read the maildrop. Answered by `opened` or `refused`. */
  | {
      readonly type: 'log-in'
      readonly username: string
      readonly authorizationId: string | null
      readonly password: Secret
    }
  /** What a SASL mechanism wants to know before it can go on. Answered by `sasl`. */
  | { readonly type: 'sasl'; readonly question: Exclude<SaslQuestion, { type: 'check-password' }> }
  /** The mechanism has succeeded. Answered by `opened` or `refused`. */
  | { readonly type: 'finish-sasl'; readonly authorizationId: string | null }
  /** It has failed, or the client gave up. Answered by `done`. */
  | { readonly type: 'abandon-sasl' }
  /** Answered by `message`, `stream`, `gone`, `needs-utf8` or `unavailable`. */
  | {
      readonly type: 'retrieve'
      readonly uid: number
      /** For TOP; null for the whole message. */
      readonly bodyLines: number | null
      /** The client is in UTF-8 mode (RFC 6856 §2.1). */
      readonly utf8: boolean
    }
  /** After `stream`: write the encoded message to the sink. Answered by `done` or `broken`. */
  | { readonly type: 'stream' }
  /** Remove these UIDs (ascending ranges), all or none, and release the maildrop. Answered by `done` or `unavailable`. */
  | { readonly type: 'update'; readonly uids: readonly (readonly [first: number, last: number])[] }
  /** Nothing to do but to wait until the client has read what it was sent. Answered by `done`. */
  | { readonly type: 'drain' }

export type Pop3Answer =
  | { readonly type: 'opened'; readonly maildrop: MaildropContents }
  | { readonly type: 'refused'; readonly reason: LoginRefusal }
  | { readonly type: 'sasl'; readonly answer: SaslAnswer }
  /** A small message, encoded for a multi-line response, without its terminating dot. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** A large one that is there: it will be streamed. */
  | { readonly type: 'stream' }
  /** Expunged elsewhere meanwhile. */
  | { readonly type: 'gone' }
  | { readonly type: 'needs-utf8' }
  | { readonly type: 'unavailable' }
  | { readonly type: 'done' }
  /** Half of a message was sent and the rest cannot be: only closing tells the client. */
  | { readonly type: 'broken' }

// What a command is: a row of the table. `syntax` reads the arguments, `run` says what is to happen, as a value that
// `session.ts` carries out; neither touches the session itself.
//
// An extension adds a row (or a sub-command of UID); the capability list, the tests of coverage and the metrics derive from the
// table.
import type { TlsState } from '../../../base/core.ts'
import type { SaslAnswer, SaslFailure, SaslMechanismName, SaslQuestion } from '../../../sasl/mechanism.ts'
import type { Status } from '../encode/responses.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { AppendReader, AppendReading, AppendStep } from '../grammar/append.ts'
import type { NumberSet } from '../grammar/sequence-set.ts'
import type { ImapLimits } from '../limits.ts'
import type { Modes } from '../modes.ts'
import type { MailboxRequest } from '../requests/mailbox.ts'
import type { MessageRequest } from '../requests/message.ts'
import type { MultiSearchRequest, SearchRequest } from '../requests/search.ts'
import type { UrlRequest } from '../requests/url.ts'
import type { SessionRequest } from '../requests/session.ts'

/** RFC 3501 §3. */
export type StateName = 'not-authenticated' | 'authenticated' | 'selected' | 'logout'

/** Work for the handler. Untagged responses go through the sink; the answer is the tagged one. */
export type ImapRequest =
  | SessionRequest
  | MailboxRequest
  | MessageRequest
  | SearchRequest
  | MultiSearchRequest
  | UrlRequest

/** The request of a name. */
export type RequestOf<Name extends ImapRequest['name']> = Extract<ImapRequest, { readonly name: Name }>

/** What the core asks its handler. */
export type ImapQuestion =
  | {
      readonly type: 'request'
      /** For responses that name their command (RFC 4731, RFC 9585). */
      readonly tag: string
      readonly request: ImapRequest
      readonly modes: Modes
    }
  /** What a SASL mechanism, or the LOGIN command, wants to know: answer `sasl`. */
  | {
      readonly type: 'sasl'
      readonly mechanism: SaslMechanismName | 'LOGIN command'
      readonly question: SaslQuestion
    }
  /** The client has proven who it is: answer `done` (OK opens the account). */
  | {
      readonly type: 'log-in'
      readonly mechanism: SaslMechanismName | 'LOGIN command'
      readonly username: string
      readonly authorizationId: string | null
    }
  /** A log-in failed in the exchange: count it, answer `proceed`. */
  | {
      readonly type: 'login-failed'
      readonly mechanism: SaslMechanismName
      readonly reason: SaslFailure
      readonly username: string | null
    }
  /**
   * RFC 3501 §6.3.11, RFC 8508 §3.1: messages are announced. `proceed` lets octets come, `done` ends the command. `octets`: the
   * size of the literal that the last step means, null where there is none; `unasked`: they come in any case (RFC 7888 §3).
   */
  | {
      readonly type: 'append'
      readonly mailbox: string
      readonly replaces: { readonly set: NumberSet; readonly uid: boolean } | null
      readonly steps: readonly AppendStep[]
      readonly octets: number | null
      readonly unasked: boolean
      readonly modes: Modes
    }
  /** The command goes on: answers as to `append`; after the step `end` it is `done`. */
  | {
      readonly type: 'append-more'
      readonly steps: readonly AppendStep[]
      readonly octets: number | null
      readonly unasked: boolean
      readonly modes: Modes
    }
  /** Octets of the message: `proceed`, or `done` to refuse. */
  | { readonly type: 'append-chunk'; readonly bytes: Uint8Array }
  /** The command was broken off: forget the messages, `proceed`. */
  | { readonly type: 'append-abort' }
  /** RFC 8437: forget who has logged in: `proceed`. */
  | { readonly type: 'unauthenticate' }
  /** RFC 2177: from now on changes may be written at any moment. `proceed`. */
  | { readonly type: 'idle'; readonly modes: Modes }
  /** No more of them: `done`. */
  | { readonly type: 'idle-done' }

/** What a handler answers. */
export type ImapAnswer =
  | {
      readonly type: 'done'
      readonly status: Status
      /** `resp-text-code` without its brackets. */
      readonly code?: string | undefined
      readonly text: string
      /** The state from now on, where it changes. */
      readonly state?: SelectedOrNot
      /** End the session with BYE and this text instead (the account is gone). */
      readonly bye?: boolean
      /** Of a log-in: capabilities that this account's clients are not shown, upper case. */
      readonly hidden?: readonly string[]
    }
  | { readonly type: 'proceed' }
  | { readonly type: 'sasl'; readonly answer: SaslAnswer }

export type SelectedOrNot =
  | { readonly name: 'authenticated' }
  | { readonly name: 'selected'; readonly readOnly: boolean }

/** What a row may know of its session. */
export interface CommandContext {
  readonly state: StateName
  readonly modes: Modes
  readonly tls: TlsState | null
  /** `CAPABILITY` data as it stands now. */
  readonly capabilities: () => string
  readonly compressed: boolean
  readonly startTlsOffered: boolean
  readonly mechanisms: readonly SaslMechanismName[]
  /** LOGIN is allowed here (RFC 3501 §6.2.3). */
  readonly loginAllowed: boolean
  /** Of JMAP's Session (RFC 9698 §4); null: no JMAP. */
  readonly jmapUrl: string | null
}

/** What a command makes the session do. */
export type Effect =
  | {
      readonly do: 'answer'
      readonly untagged?: string
      readonly status: Status
      readonly code?: string
      readonly text: string
    }
  /** `modes`: those from now on, where the command enables something (RFC 7162 §3.1). */
  | { readonly do: 'request'; readonly request: ImapRequest; readonly modes?: Modes }
  | { readonly do: 'enable'; readonly names: readonly string[] }
  | { readonly do: 'compress' }
  | { readonly do: 'unauthenticate' }
  | { readonly do: 'log-in'; readonly username: string; readonly password: string }
  | { readonly do: 'authenticate'; readonly mechanism: string; readonly initialResponse: string | null }
  | { readonly do: 'start-tls' }
  | { readonly do: 'idle' }
  | { readonly do: 'log-out' }
  | {
      readonly do: 'append'
      readonly mailbox: string
      readonly replaces: { readonly set: NumberSet; readonly uid: boolean } | null
      /** For what follows the first literal. */
      readonly reader: AppendReader
      readonly reading: AppendReading
    }

/** A row of the table. */
export interface CommandRow {
  readonly name: string
  readonly states: readonly StateName[]
  /** The argument that a log may never show stands in it. */
  readonly secret: boolean
  /** It may end in a literal that is not read but streamed. */
  readonly streams: boolean
  /** Reads the arguments up to the end of the command; what is returned runs it. */
  prepare(cursor: Cursor, limits: ImapLimits): (context: CommandContext) => Effect
}

/** Makes a row from its syntax and its effect, which agree on the arguments. */
export function command<Arguments>(row: {
  name: string
  states: readonly StateName[]
  secret?: boolean
  streams?: boolean
  syntax: (cursor: Cursor, limits: ImapLimits) => Arguments
  run: (args: Arguments, context: CommandContext) => Effect
}): CommandRow {
  return {
    name: row.name,
    states: row.states,
    secret: row.secret ?? false,
    streams: row.streams ?? false,
    prepare(cursor, limits) {
      const args = row.syntax(cursor, limits)
      if (row.streams !== true || !cursor.atPendingLiteral()) cursor.end()
      return (context) => row.run(args, context)
    },
  }
}

/** The effect of a command that is all the handler's. */
export function request(value: ImapRequest): Effect {
  return { do: 'request', request: value }
}

/** RFC 9586 §3: "the server MUST return a tagged BAD response if the client uses message sequence numbers". */
export const uidRequired: Effect = {
  do: 'answer',
  status: 'BAD',
  code: 'UIDREQUIRED',
  text: 'Sequence numbers are not in use; send the UID command',
}

export const anyState: readonly StateName[] = ['not-authenticated', 'authenticated', 'selected']
export const beforeLogin: readonly StateName[] = ['not-authenticated']
export const afterLogin: readonly StateName[] = ['authenticated', 'selected']
export const whileSelected: readonly StateName[] = ['selected']

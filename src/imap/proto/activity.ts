// What an IMAP session is and does, as values: the protocol state of RFC 3501 §3, and the one thing that is under way.
import type { AppendDialogue } from './append-dialogue.ts'
import type { SaslDialogue } from '../../sasl/dialogue.ts'
import type { SaslFailure, SaslMechanismName } from '../../sasl/mechanism.ts'
import type { Status } from './encode/responses.ts'

/** RFC 3501 §3. */
export type State =
  | { readonly name: 'not-authenticated'; readonly failures: number }
  | { readonly name: 'authenticated' }
  | { readonly name: 'selected'; readonly readOnly: boolean }
  | { readonly name: 'logout' }

/** What is under way. */
export type Activity =
  | { readonly doing: 'reading' }
  /** A command's question; its answer is the tagged response. */
  | { readonly doing: 'asking'; readonly tag: string; readonly command: string }
  | {
      readonly doing: 'authenticating'
      readonly tag: string
      readonly mechanism: SaslMechanismName
      readonly dialogue: SaslDialogue
      readonly waiting: 'line' | 'answer'
    }
  /** The password of LOGIN is being checked. */
  | { readonly doing: 'checking'; readonly tag: string; readonly username: string }
  | { readonly doing: 'unauthenticating'; readonly tag: string }
  | { readonly doing: 'logging-in'; readonly tag: string }
  /** A failed exchange is being counted; then this is answered. */
  | { readonly doing: 'failing'; readonly tag: string; readonly reason: SaslFailure }
  | { readonly doing: 'appending'; readonly dialogue: AppendDialogue }
  /** `complaint` is what was wrong with the line that ended it. */
  | {
      readonly doing: 'idling'
      readonly tag: string
      readonly at: 'starting' | 'waiting' | 'ending'
      readonly complaint: string | null
    }
  | { readonly doing: 'handshake' }
  | { readonly doing: 'nothing' }

/** Whether a question to the handler is outstanding: nothing may be emitted then. */
export function isAsking(activity: Activity): boolean {
  switch (activity.doing) {
    case 'asking':
    case 'checking':
    case 'logging-in':
    case 'unauthenticating':
    case 'failing':
      return true
    case 'authenticating':
      return activity.waiting === 'answer'
    case 'appending':
      return activity.dialogue.asking
    case 'idling':
      return activity.at !== 'waiting'
    case 'reading':
    case 'handshake':
    case 'nothing':
      return false
  }
}

/** Why a log-in failed, in the words and codes of RFC 5530 §3. */
export const loginRefusals: Record<
  SaslFailure,
  readonly [status: Status, code: string | null, text: string]
> = {
  malformed: ['BAD', null, 'The response is not what the mechanism wants'],
  'bad-credentials': ['NO', 'AUTHENTICATIONFAILED', 'Wrong user name or password'],
  'channel-binding': ['NO', 'AUTHENTICATIONFAILED', 'The channel binding does not fit this connection'],
  disabled: ['NO', 'AUTHORIZATIONFAILED', 'This account is disabled'],
  throttled: ['NO', 'UNAVAILABLE', 'Too many failed log-ins, try again later'],
  unavailable: ['NO', 'UNAVAILABLE', 'Log-in is not possible at the moment'],
}

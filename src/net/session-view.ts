// What others hear of a session that the pump carries, and what they may do to it.
import type { Peer } from '../base/core.ts'

/** Why a session ended. */
export type SessionEnding =
  /** The core closed it (QUIT, a farewell, a time-out). */
  | 'closed'
  /** The peer closed its side first. */
  | 'peer-ended'
  /** The connection broke. */
  | 'reset'
  /** The peer left its replies unread for the whole time-out. */
  | 'not-reading'
  | 'handshake-failed'
  /** Bytes in the clear came between STARTTLS and the handshake, or bytes before a hand-over. */
  | 'injected'
  /** Another took its connection over, and is done with it. */
  | 'handed-over'
  /** A fault of ours; `SessionEvents.broke` told which. */
  | 'broken'
  /** `destroy` was called, as at the end of a stop's deadline. */
  | 'cut'

/** What an observer hears. One object serves all sessions of a listener. None of its methods may throw. */
export interface SessionEvents {
  /** A handler threw; the session says farewell. */
  handlerFailed(peer: Peer, question: unknown, error: unknown): void
  handshakeFailed(peer: Peer, error: Error): void
  /** A core, or something that must not throw, threw; the session was cut. */
  broke(peer: Peer, error: unknown): void
  /** The session is over and its handler has been told. The last event. */
  finished(session: SessionView): void
}

/** What others may know of a session, and do to it. */
export interface SessionView {
  readonly peer: Peer
  /** The address of the account that is logged in; null where nobody is, or the protocol knows no log-in. */
  readonly account: string | null
  /** Null while the session lives. */
  readonly ending: SessionEnding | null
  /** Asks the core to end at the next moment that cuts no reply. */
  stop(): void
  /** Ends at once. */
  destroy(): void
}

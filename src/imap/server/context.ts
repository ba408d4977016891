// What the commands of a session share: whose it is, what is selected, where answers go.
import type { Clock } from '../../base/clock.ts'
import type { Peer, Sink } from '../../base/core.ts'
import type { ImapConfig } from '../../config/sections/imap.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { ImapAnswer, ImapRequest, RequestOf } from '../proto/commands/command.ts'
import type { Modes } from '../proto/modes.ts'
import type { Account, AccountId } from '../../store/model.ts'
import type { MimeLimits } from '../../mail/mime/limits.ts'
import type { FactsCache } from './search/facts/mailbox-facts.ts'
import type { Output } from './output.ts'
import type { Searcher } from '../../search/search.ts'
import type { Selected } from './messages/selected.ts'
import type { Turns } from './turns.ts'
import type { Watch } from './notify/watch.ts'
import type { Random } from '../../base/random.ts'
import type { Store } from '../../store/store.ts'

/** What every session of a service uses. */
export interface ImapParts {
  readonly store: Store
  readonly directory: Directory
  readonly events: Events
  readonly clock: Clock
  readonly config: ImapConfig
  readonly mime: Partial<MimeLimits>
  readonly random: Random
  /** The server's name, as URLs have it. */
  readonly hostname: string
  /** Octets of one message; no more than `Number.MAX_SAFE_INTEGER`. */
  readonly maxMessageSize: number
  /** The full-text index; null: every message is read. */
  readonly searcher: Searcher | null
  /** Facts of mailboxes for SEARCH, SORT and THREAD, shared by all sessions. */
  readonly facts: FactsCache
  /** Octets of the value of an annotation. */
  readonly maxAnnotationSize: number
  /** When sessions have their turns to tell what happened. */
  readonly turns: Turns
  /** Where SEND, SOML and SAML find a session in IDLE; null: nowhere. */
  readonly terminals: Terminals | null
}

/** The mutable part: one object, so that nothing of a session can outlive it. */
export interface SessionContext {
  readonly parts: ImapParts
  readonly peer: Peer
  readonly sink: Sink
  /** Who has logged in. Mailboxes may be of others: see `access.ts`. */
  readonly account: Account
  /** What the client has enabled, as of the question at work. */
  modes: Modes
  selected: Selected | null
  /** What NOTIFY and ENABLE METADATA asked for; null: nothing. */
  watch: Watch | null
  /** Something is pending for the client. */
  readonly onChange: () => void
  /** The selected mailbox's view was not needed for a while: `Selected.rest` may be called between commands. */
  readonly onRest: () => void
}

/** A command's context: the session's, and where its responses go. */
export interface CommandRun {
  readonly session: SessionContext
  readonly output: Output
  /** Of the command. */
  readonly tag: string
}

/** What does requests of these names, anywhere. */
export type Commands<Name extends ImapRequest['name']> = {
  readonly [Each in Name]: (run: CommandRun, request: RequestOf<Each>) => Done | Promise<Done>
}

/** What does requests of these names on the selected mailbox; without one they are BAD. */
export type SelectedCommands<Name extends ImapRequest['name']> = {
  readonly [Each in Name]: (
    run: CommandRun,
    selected: Selected,
    request: RequestOf<Each>,
  ) => Done | Promise<Done>
}

export type Done = Extract<ImapAnswer, { type: 'done' }>

export function ok(text: string, extra: Partial<Done> = {}): Done {
  return { type: 'done', status: 'OK', text, ...extra }
}

/** RFC 5530 §3 has the codes. */
export function no(code: string | undefined, text: string): Done {
  return { type: 'done', status: 'NO', code, text }
}

export function bad(text: string): Done {
  return { type: 'done', status: 'BAD', text }
}

/** Who has logged in. */
export function accountOf(run: CommandRun): AccountId {
  return run.session.account.id
}

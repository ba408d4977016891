// One command: its text, what it must be answered, what it does to the model, and what its responses must have said.
import type { Answer } from '../responses.ts'
import type { Dice } from '../dice.ts'
import type { Session } from '../session.ts'
import type { View } from '../view.ts'

export interface Action {
  /** Behind the tag. */
  readonly text: string
  /** Numbers are in use: no EXPUNGE. */
  readonly holds?: boolean
  /** VANISHED (EARLIER) is asked for. */
  readonly earlier?: boolean
  /** What happened meanwhile need not be told. */
  readonly tellsNothing?: boolean
  /** What the tagged response may be. */
  readonly expect: readonly ('OK' | 'NO' | 'BAD')[]
  /** Changes the model and the session; called with whatever was answered, before the responses are heard. */
  apply?(answer: Answer): void
  /** Called when all was heard. */
  check?(answer: Answer): void
}

/** What a maker of actions has. */
export interface Making {
  readonly dice: Dice
  readonly session: Session
  /** Milliseconds since the epoch, as the server has it. */
  readonly now: number
}

/** The same with a mailbox selected. */
export interface MakingOnView extends Making {
  readonly view: View
}

/** What RFC 9586 §3 answers to sequence numbers. */
export function refusedNumbers({ session }: Making, uid: boolean): boolean {
  return session.modes.uidOnly && !uid
}

/** All names that are there, one that is not, and one that cannot be. */
export function chooseName({ dice, session }: Making): string {
  if (dice.oneIn(15)) return 'Nowhere'
  if (dice.oneIn(6)) return dice.pick(session.account.names)
  const name = dice.pick(['INBOX', 'INBOX', 'INBOX', 'INBOX', 'Archive', 'Work'])
  return name === 'INBOX' && dice.oneIn(5) ? dice.pick(['inbox', 'Inbox', 'iNBoX']) : name
}

export const vocabulary = ['apple', 'Pear', 'plum', 'QUINCE', 'fig'] as const
export const keywords = ['$Forwarded', 'work', 'Later', '$MDNSent', '$Junk'] as const
export const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const

export function chooseFlags(dice: Dice): string[] {
  if (dice.oneIn(4)) return [...dice.some(systemFlags), ...dice.some(keywords)]
  return [dice.oneIn(3) ? dice.pick(keywords) : dice.pick(systemFlags)]
}

export function toSet(flags: readonly string[]): Set<string> {
  return new Set(flags.map((flag) => flag.toLowerCase()))
}

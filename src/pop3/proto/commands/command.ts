// A row of the command table, and the reading of arguments that several commands share.
import { replies } from '../replies.ts'
import type { Maildrop } from '../maildrop.ts'
import type { Session, Step } from '../session.ts'

/** RFC 1939 §3: what a command may be given in. */
export type CommandState = 'authorization' | 'transaction'

export interface Command {
  /** In capitals. */
  readonly name: string
  readonly states: readonly CommandState[]
  /** As replies to syntax errors show it. */
  readonly syntax: string
  /** One sentence for the reference. */
  readonly help: string
  /** `argument` is what stands behind the first space, '' where there is none. */
  run(session: Session, argument: string): Step
}

/** The maildrop; the table lets commands of TRANSACTION run nowhere else. */
export function maildropOf(session: Session): Maildrop {
  if (session.state.name !== 'transaction') throw new Error('a maildrop is needed outside TRANSACTION')
  return session.state.maildrop
}

export function syntaxError(command: Command): Step {
  return { type: 'bad', text: replies.syntax(command.syntax) }
}

/** A message number that may be spoken of, or the step that refuses it. Ten digits are more than any maildrop has. */
export function parseMessageNumber(command: Command, maildrop: Maildrop, text: string): number | Step {
  if (!/^[0-9]{1,10}$/.test(text)) return syntaxError(command)
  const number = Number(text)
  const state = maildrop.state(number)
  if (state === 'here') return number
  return { type: 'reply', text: state === 'deleted' ? replies.messageDeleted : replies.noSuchMessage }
}

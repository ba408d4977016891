// From the parts of a command to what it makes the session do: tag, name, state, arguments. Never throws.
import { Cursor, LiteralWanted, ParseError } from './grammar/cursor.ts'
import { commands } from './commands/table.ts'
import { MailboxNameError } from './grammar/mailbox.ts'
import type { CommandContext, CommandRow, Effect, StateName } from './commands/command.ts'
import type { CommandPart } from './fragments.ts'
import type { ImapLimits } from './limits.ts'
import type { TooBig } from './grammar/cursor.ts'
import type { Status } from './encode/responses.ts'

/** A command as far as it is there. */
export type Prepared =
  | { readonly type: 'ready'; readonly tag: string; readonly row: CommandRow; readonly effect: Effect }
  /** Right so far, and the announced literal is one of its arguments. */
  | { readonly type: 'wanted'; readonly tag: string | null; readonly tooBig: TooBig | null }
  | {
      readonly type: 'refused'
      readonly tag: string | null
      readonly status: Status
      readonly code?: string
      readonly text: string
    }

/** Reads a command. RFC 3501 §2.2.1: `tag SP command CRLF`. */
export function prepareCommand(cursor: Cursor, limits: ImapLimits, context: CommandContext): Prepared {
  let tag: string | null = null
  try {
    tag = cursor.tag()
    cursor.sp()
    const name = cursor.keyword('a command')
    const row = commands.get(name)
    if (row === undefined) return refused(tag, `Unknown command ${name.slice(0, 40)}`)
    if (!row.states.includes(context.state))
      return refused(tag, `${name} is not allowed ${stateText(context.state)}`)
    const run = row.prepare(cursor, limits)
    return { type: 'ready', tag, row, effect: run(context) }
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    if (error instanceof LiteralWanted) return { type: 'wanted', tag, tooBig: error.tooBig }
    // RFC 5530 §3 CANNOT: no mailbox can have such a name.
    if (error instanceof MailboxNameError) {
      return { type: 'refused', tag, status: 'NO', code: 'CANNOT', text: error.message }
    }
    return refused(tag, `Syntax error: ${error.message}`)
  }
}

function refused(tag: string | null, text: string): Prepared {
  return { type: 'refused', tag, status: 'BAD', text }
}

function stateText(state: StateName): string {
  if (state === 'not-authenticated') return 'before log-in'
  return state === 'authenticated' ? 'while no mailbox is selected, or after log-in' : 'after log-in'
}

/** The tag of a command that will not be read, or null where it has none. */
export function tryTag(parts: readonly CommandPart[]): string | null {
  try {
    return new Cursor(parts).tag()
  } catch {
    return null
  }
}

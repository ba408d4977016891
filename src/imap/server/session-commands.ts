// Commands that only are a moment to tell what changed.
import { ok } from './context.ts'
import type { CommandRun, Commands, Done } from './context.ts'
import type { RequestOf } from '../proto/commands/command.ts'

export const sessionCommands: Commands<'NOOP' | 'CHECK' | 'ENABLE'> = {
  NOOP: moment,
  CHECK: moment,
  ENABLE: moment,
}

/** RFC 3501 §6.4.1: everything is kept already; what changed is told behind every command. */
function moment(_: CommandRun, request: RequestOf<'NOOP' | 'CHECK' | 'ENABLE'>): Done {
  return ok(`${request.name} completed`)
}

// Commands that only are a moment to tell what changed.
import { notify } from './notify/notify.ts'
import { ok } from './context.ts'
import type { CommandRun, Commands, Done } from './context.ts'
import type { RequestOf } from '../proto/commands/command.ts'

export const sessionCommands: Commands<'NOOP' | 'CHECK' | 'ENABLE' | 'NOTIFY'> = {
  NOOP: moment,
  CHECK: moment,
  ENABLE: moment,
  NOTIFY: notify,
}

/** RFC 3501 §6.4.1: everything is kept already; what changed is told behind every command. */
function moment(_: CommandRun, request: RequestOf<'NOOP' | 'CHECK' | 'ENABLE'>): Done {
  return ok(`${request.name} completed`)
}

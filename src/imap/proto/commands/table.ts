// The table of commands.
import { append, replace } from './append.ts'
import { authenticate, login, startTls } from './login-commands.ts'
import { mailboxRows } from './mailbox-commands.ts'
import { esearch, uidBatches } from './search-commands.ts'
import { notify } from './notify-commands.ts'
import { bySequenceNumber, check, close, expunge, uid, unselect } from './message-commands.ts'
import {
  capability,
  compress,
  enable,
  getJmapAccess,
  id,
  idle,
  logout,
  noop,
  unauthenticate,
} from './session-commands.ts'
import { sharingRows } from './sharing-commands.ts'
import { urlRows } from './url-commands.ts'
import type { CommandRow } from './command.ts'

/** Every command, by its name in upper case. */
export const commands: ReadonlyMap<string, CommandRow> = new Map(
  [
    capability,
    noop,
    logout,
    id,
    startTls,
    authenticate,
    login,
    enable,
    compress,
    unauthenticate,
    getJmapAccess,
    ...mailboxRows,
    ...sharingRows,
    ...urlRows,
    append,
    replace,
    idle,
    notify,
    check,
    close,
    unselect,
    expunge,
    ...bySequenceNumber,
    esearch,
    uidBatches,
    uid,
  ].map((row) => [row.name, row]),
)

// The table of commands.
import { append, replace } from './append.ts'
import { authenticate, login, startTls } from './login-commands.ts'
import {
  create,
  deleteMailbox,
  examine,
  list,
  lsub,
  namespace,
  rename,
  select,
  status,
  subscribe,
  unsubscribe,
} from './mailbox-commands.ts'
import { bySequenceNumber, check, close, expunge, uid, unselect } from './message-commands.ts'
import { capability, compress, enable, id, idle, logout, noop, unauthenticate } from './session-commands.ts'
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
    select,
    examine,
    create,
    deleteMailbox,
    rename,
    subscribe,
    unsubscribe,
    list,
    lsub,
    namespace,
    status,
    append,
    replace,
    idle,
    check,
    close,
    unselect,
    expunge,
    ...bySequenceNumber,
    uid,
  ].map((row) => [row.name, row]),
)

// Commands on mailboxes, by name.
import { create, list, lsub, namespace, remove, rename, select, status, subscribe } from './mailboxes.ts'
import type { Commands } from '../context.ts'
import type { MailboxRequest } from '../../proto/requests/mailbox.ts'

export const mailboxCommands: Commands<MailboxRequest['name']> = {
  SELECT: select,
  EXAMINE: select,
  CREATE: create,
  DELETE: remove,
  RENAME: rename,
  SUBSCRIBE: subscribe,
  UNSUBSCRIBE: subscribe,
  LIST: list,
  LSUB: lsub,
  NAMESPACE: namespace,
  STATUS: status,
}

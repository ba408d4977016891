// Commands on mailboxes, by name.
import { create, namespace, remove, rename, subscribe } from './manage.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts'
import { getMetadata, setMetadata } from './metadata.ts'
import { getQuota, getQuotaRoot, setQuota } from './quota.ts'
import { list, lsub } from './list.ts'
import { select } from './select.ts'
import { status } from './status.ts'
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
  XLIST: list,
  LSUB: lsub,
  NAMESPACE: namespace,
  STATUS: status,
  GETMETADATA: getMetadata,
  SETMETADATA: setMetadata,
  GETACL: getAcl,
  MYRIGHTS: myRights,
  SETACL: setAcl,
  DELETEACL: deleteAcl,
  LISTRIGHTS: listRights,
  GETQUOTA: getQuota,
  GETQUOTAROOT: getQuotaRoot,
  SETQUOTA: setQuota,
}

// Requests on mailboxes as such (RFC 9051 §6.3). Names are decoded: Unicode in NFC, INBOX in capitals.
import type { MailboxFilter } from '../grammar/mailbox-filter.ts'
import type { ListArguments } from '../grammar/list.ts'
import type { MetadataChange, MetadataOptions } from '../grammar/metadata.ts'
import type { QuotaResource } from '../grammar/quota.ts'
import type { RightsChange } from '../grammar/rights.ts'
import type { SelectParameters } from '../grammar/select.ts'
import type { StatusItem } from '../grammar/status.ts'
import type { WrittenName } from '../grammar/mailbox.ts'
import type { Named } from './named.ts'

export type { MailboxFilter, StatusItem }

export type MailboxRequest =
  | Named<'SELECT' | 'EXAMINE', WrittenName & SelectParameters>
  /** `uses`: attributes of RFC 6154 §2 as written, backslash and all. */
  | Named<'CREATE', WrittenName & { readonly uses: readonly string[] }>
  | Named<'DELETE', WrittenName>
  | Named<'SUBSCRIBE' | 'UNSUBSCRIBE', { readonly mailbox: string }>
  | Named<'RENAME', { readonly from: WrittenName; readonly to: WrittenName }>
  | Named<'LIST' | 'XLIST', ListArguments>
  /** Reference and pattern are decoded, with wildcards; null is what no name can match. */
  | Named<'LSUB', { readonly reference: string; readonly pattern: string | null }>
  | Named<'NAMESPACE', object>
  | Named<'STATUS', { readonly mailbox: string; readonly items: readonly StatusItem[] }>
  /** `mailbox` is null for the server's own. */
  | Named<
      'GETMETADATA',
      MetadataOptions & { readonly mailbox: string | null; readonly entries: readonly string[] }
    >
  | Named<'SETMETADATA', { readonly mailbox: string | null; readonly changes: readonly MetadataChange[] }>
  | Named<'GETACL' | 'MYRIGHTS', { readonly mailbox: string }>
  | Named<'LISTRIGHTS' | 'DELETEACL', { readonly mailbox: string; readonly identifier: string }>
  | Named<'SETACL', { readonly mailbox: string; readonly identifier: string; readonly change: RightsChange }>
  | Named<'GETQUOTA', { readonly root: string }>
  | Named<'GETQUOTAROOT', { readonly mailbox: string }>
  | Named<'SETQUOTA', { readonly root: string; readonly limits: readonly QuotaResource[] }>

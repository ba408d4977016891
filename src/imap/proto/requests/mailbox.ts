// Requests on mailboxes as such (RFC 3501 §6.3). Names are decoded: Unicode in NFC, INBOX in capitals.
import type { Named } from './named.ts'

/** RFC 3501 §6.3.10. */
export type StatusItem = 'MESSAGES' | 'RECENT' | 'UIDNEXT' | 'UIDVALIDITY' | 'UNSEEN'

export type MailboxRequest =
  | Named<
      'SELECT' | 'EXAMINE' | 'CREATE' | 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE',
      { readonly mailbox: string }
    >
  | Named<'RENAME', { readonly from: string; readonly to: string }>
  /** Reference and pattern are decoded, with wildcards. */
  | Named<'LIST' | 'LSUB', { readonly reference: string; readonly pattern: string }>
  | Named<'NAMESPACE', object>
  | Named<'STATUS', { readonly mailbox: string; readonly items: readonly StatusItem[] }>

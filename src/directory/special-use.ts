// The mailboxes that a new account has beside INBOX (RFC 6154 §2), by the names that clients make when they miss them.
import type { SpecialUse } from '../store/model.ts'

export const specialUseMailboxes: readonly { readonly name: string; readonly specialUse: SpecialUse }[] = [
  { name: 'Drafts', specialUse: 'drafts' },
  { name: 'Sent', specialUse: 'sent' },
  { name: 'Junk', specialUse: 'junk' },
  { name: 'Trash', specialUse: 'trash' },
  { name: 'Archive', specialUse: 'archive' },
]

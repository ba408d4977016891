// Which mailboxes a command is about, as NOTIFY (RFC 5465 §6) and ESEARCH (RFC 7377 §2.2) say it.
import { parseMailbox } from './mailbox.ts'
import type { Cursor } from './cursor.ts'
import type { MailboxNameLimits } from './mailbox.ts'

/** `filter-mailboxes`. Names are decoded; there are no wildcards in them (RFC 5465 §6.6). */
export type MailboxFilter =
  | { readonly type: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly type: 'subtree' | 'subtree-one' | 'mailboxes'; readonly names: readonly string[] }

export interface MailboxFilterLimits extends MailboxNameLimits {
  /** Names in one filter. */
  readonly filterMailboxes: number
}

/**
 * `filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other`. `subtree-one` is RFC 7377's alone, `selected-delayed`
 * RFC 5465's: whoever calls this refuses the other's.
 */
export function parseMailboxFilter(cursor: Cursor, limits: MailboxFilterLimits): MailboxFilter {
  const type = cursor.keyword('a kind of mailboxes').toLowerCase()
  switch (type) {
    case 'selected':
    case 'selected-delayed':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { type }
    case 'subtree':
    case 'subtree-one':
    case 'mailboxes':
      cursor.sp()
      return { type, names: parseNames(cursor, limits) }
    default:
      return cursor.fail('unknown kind of mailboxes')
  }
}

/** `one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"` */
function parseNames(cursor: Cursor, limits: MailboxFilterLimits): string[] {
  if (cursor.peek() !== '(') return [parseMailbox(cursor, limits)]
  const list = { most: limits.filterMailboxes, empty: false, what: 'mailboxes' }
  return [...new Set(cursor.list(list, () => parseMailbox(cursor, limits)))]
}

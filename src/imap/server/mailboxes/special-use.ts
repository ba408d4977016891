// Special uses (RFC 6154 §2, RFC 8457) by the names that they have on the wire.
import type { SpecialUse } from '../../../store/model.ts'

export const specialUseAttribute: Record<SpecialUse, string> = {
  all: '\\All',
  archive: '\\Archive',
  drafts: '\\Drafts',
  flagged: '\\Flagged',
  important: '\\Important',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

/** As XLIST named them before RFC 6154. */
export const xlistAttribute: Record<SpecialUse, string> = {
  ...specialUseAttribute,
  all: '\\AllMail',
  flagged: '\\Starred',
  junk: '\\Spam',
}

/** What a client can give: \All, \Flagged and \Important present messages of other mailboxes, and there are no such mailboxes here. */
const grantable: readonly SpecialUse[] = ['archive', 'drafts', 'junk', 'sent', 'trash']

/** The use that an attribute means, in any case; undefined where a client cannot give it to a mailbox. */
export function trySpecialUse(attribute: string): SpecialUse | undefined {
  return grantable.find((use) => specialUseAttribute[use].toLowerCase() === attribute.toLowerCase())
}

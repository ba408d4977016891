// PERMANENTFLAGS (RFC 9051 §7.1): what the client can change for good. RFC 4314 §5.1.1: it "MUST accurately reflect the current
// user's rights".
import { allows } from './access.ts'
import type { Selected } from './messages/selected.ts'

/** `"(" [flag-perm *(SP flag-perm)] ")"` without the parentheses; nothing in a mailbox that is only examined. */
export function permanentFlags({ rights, readOnly, keywords }: Selected): string {
  if (readOnly) return ''
  // RFC 4314 §4: "w" for all flags but \Seen and \Deleted; `\*` says that clients may make keywords.
  const w = allows({ rights }, 'w')
  const flags = [
    ...(w ? ['\\Answered', '\\Flagged'] : []),
    ...(allows({ rights }, 't') ? ['\\Deleted'] : []),
    ...(allows({ rights }, 's') ? ['\\Seen'] : []),
    ...(w ? ['\\Draft', ...keywords.all, '\\*'] : []),
  ]
  return flags.join(' ')
}

/**
 * FLAGS, and PERMANENTFLAGS behind it, where one of these keywords (space separated) is new to the client; '' where all are known.
 * RFC 9051 §7.1: "Any flags that are in the FLAGS untagged response, but not in the PERMANENTFLAGS list, cannot be set permanently."
 */
export function tellKeywords(selected: Selected, keywords: string): string {
  const flags = selected.keywords.news(keywords)
  if (flags === '' || selected.readOnly || !allows(selected, 'w')) return flags
  return `${flags}* OK [PERMANENTFLAGS (${permanentFlags(selected)})] Flags that are kept\r\n`
}

// Addresses of a field as people read them: in Unicode, without the marks of groups.
import type { EnvelopeAddress } from './address-list.ts'
import { displayText } from './encoded-word.ts'

export interface ShownAddress {
  /** '' where there is none. */
  readonly name: string
  readonly address: string
}

/** At most so many of them. */
export function shownAddresses(list: readonly EnvelopeAddress[] | null, most: number): ShownAddress[] {
  const shown: ShownAddress[] = []
  for (const { name, mailbox, host } of list ?? []) {
    if (shown.length >= most) break
    // RFC 3501 §7.4.2: without a host it opens or closes a group.
    if (mailbox === null || host === null) continue
    const address = host === '' ? displayText(mailbox) : `${displayText(mailbox)}@${displayText(host)}`
    shown.push({ name: name === null ? '' : displayText(name), address })
  }
  return shown
}

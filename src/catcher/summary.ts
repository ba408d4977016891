// From a message's structure to what lists show of it: addresses and subject in Unicode, attachments counted.
import type { EnvelopeAddress } from '../mail/address-list.ts'
import { displayText } from '../mail/encoded-word.ts'
import { isText, leavesOf } from '../mail/mime/part-text.ts'
import type { MessageStructure, Part } from '../mail/mime/structure.ts'
import { attachmentName } from '../mail/parameters.ts'
import { shownAddresses } from '../mail/shown-addresses.ts'
import type { CaughtAddress, Described } from './message.ts'

/** Addresses of one field that a summary keeps: a list of thousands helps nobody. */
const mostAddresses = 100

export function describe(structure: MessageStructure, recipients: readonly string[]): Described {
  const { envelope } = structure
  const to = addressesOf(envelope.to)
  const cc = addressesOf(envelope.cc)
  const named = addressesOf(envelope.bcc)
  const known = new Set([...to, ...cc, ...named].map(({ address }) => address.toLowerCase()))
  const hidden = recipients
    .filter((address) => !known.has(address.toLowerCase()))
    .slice(0, mostAddresses)
    .map((address) => ({ name: '', address }))
  const leaves = attachedParts(structure.root)
  return {
    size: structure.size,
    attachments: leaves.filter(({ place }) => place === 'attachment').length,
    inline: leaves.filter(({ place }) => place === 'inline').length,
    subject: displayText(envelope.subject ?? '').trim(),
    messageId: structure.messageId ?? '',
    from: addressesOf(envelope.from)[0] ?? null,
    ...{ to, cc },
    bcc: [...named, ...hidden],
    replyTo: replyToOf(envelope),
    snippet: structure.preview,
  }
}

/** The walk fills in From where there is no Reply-To (RFC 3501 §7.4.2); one that says the same says nothing. */
function replyToOf({ replyTo, from }: MessageStructure['envelope']): readonly CaughtAddress[] {
  if (replyTo === from) return []
  const [addresses, author] = [addressesOf(replyTo), addressesOf(from)]
  return JSON.stringify(addresses) === JSON.stringify(author) ? [] : addresses
}

export function addressesOf(list: readonly EnvelopeAddress[] | null): readonly CaughtAddress[] {
  return shownAddresses(list, mostAddresses)
}

/** A leaf that is no text of the message. */
export interface AttachedPart {
  /** Section number (RFC 3501 §6.4.5), `0` for a message that is one part. */
  readonly partId: string
  readonly place: 'attachment' | 'inline'
  readonly part: Part
  /** '' where it has none. */
  readonly fileName: string
  /** Without angle brackets. */
  readonly contentId: string
}

/** All that is no text of the message, in order. */
export function attachedParts(root: Part): AttachedPart[] {
  const attached: AttachedPart[] = []
  for (const { partId, part, parent } of leavesOf(root)) {
    if (isText(part)) continue
    const contentId = (part.id ?? '').replace(/^\s*<(.*)>\s*$/s, '$1')
    const fileName = attachmentName(part, part.disposition) ?? ''
    const related = parent?.subtype === 'related' && contentId !== ''
    const disposition = part.disposition?.type
    const inline =
      disposition === 'attachment' ? false : disposition === 'inline' || related || contentId !== ''
    attached.push({ partId, place: inline ? 'inline' : 'attachment', part, fileName, contentId })
  }
  return attached
}

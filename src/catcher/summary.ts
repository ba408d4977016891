// From a message's structure to what lists show of it: addresses and subject in Unicode, attachments counted.
import type { EnvelopeAddress } from '../mail/address-list.ts'
import { displayText } from '../mail/encoded-word.ts'
import type { MessageStructure, Part } from '../mail/mime/structure.ts'
import { attachmentName } from '../mail/parameters.ts'
import type { CaughtAddress } from './message.ts'

/** The part of a summary that the message itself says. */
export interface Described {
  readonly size: number
  readonly attachments: number
  readonly inline: number
  readonly subject: string
  readonly messageId: string
  readonly from: CaughtAddress | null
  readonly to: readonly CaughtAddress[]
  readonly cc: readonly CaughtAddress[]
  readonly bcc: readonly CaughtAddress[]
  readonly replyTo: readonly CaughtAddress[]
  readonly snippet: string
}

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
  const [addresses, author] = [addressesOf(replyTo), addressesOf(from)]
  return JSON.stringify(addresses) === JSON.stringify(author) ? [] : addresses
}

export function addressesOf(list: readonly EnvelopeAddress[] | null): CaughtAddress[] {
  const addresses: CaughtAddress[] = []
  for (const { name, mailbox, host } of list ?? []) {
    if (addresses.length >= mostAddresses) break
    // RFC 3501 §7.4.2: without a host it opens or closes a group.
    if (mailbox === null || host === null) continue
    const address = host === '' ? displayText(mailbox) : `${displayText(mailbox)}@${displayText(host)}`
    addresses.push({ name: name === null ? '' : displayText(name), address })
  }
  return addresses
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

/** Every leaf with its section number, in order, whether text or not. */
export function* leavesOf(
  part: Part,
  path = '',
  parent: Part | null = null,
): Generator<{ partId: string; part: Part; parent: Part | null }> {
  if (part.type !== 'multipart' || part.parts.length === 0) {
    yield { partId: path === '' ? '0' : path, part, parent }
    return
  }
  for (const [index, child] of part.parts.entries()) {
    yield* leavesOf(child, path === '' ? String(index + 1) : `${path}.${index + 1}`, part)
  }
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

/** Whether it is shown as the message's text. */
export function isText({ type, subtype, disposition, parameters }: Part): boolean {
  if (type !== 'text' || (subtype !== 'plain' && subtype !== 'html')) return false
  if (disposition?.type === 'attachment') return false
  const named = [...parameters, ...(disposition?.parameters ?? [])].some(
    ([name]) => name === 'name' || name === 'filename',
  )
  return !named
}

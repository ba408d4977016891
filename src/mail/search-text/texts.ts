// The texts of a message in which SEARCH looks, folded: one making for the index and for the scan, so that both find the same.
//
// - A needle lies within one text, never across two. The header is one text; so is each text part, each attachment's name, and
//   the header of each part and of each message inside.
// - RFC 9051 §6.4.4: BODY "doesn't match any header fields", so that only text parts are searched; TEXT searches "the header
//   (including MIME header fields)" as well, and everything else.
// - Parts that are no text (images, archives) have no text but their names.
// - How many octets are read is the reader's: text of a part that was cut short is that of its beginning.
import { Buffer } from 'node:buffer'
import type { EnvelopeAddress } from '../address-list.ts'
import { displayText } from '../encoded-word.ts'
import { fieldValue, splitHeader } from '../header.ts'
import { partText } from '../mime/part-text.ts'
import type { Envelope, Part } from '../mime/structure.ts'
import { attachmentName } from '../parameters.ts'
import { fold } from './fold.ts'
import { htmlText } from './html-text.ts'

/** RFC 3501 §6.4.4: fields that are searched in the message's envelope structure. */
export type EnvelopeTextField = 'subject' | 'from' | 'to' | 'cc' | 'bcc'

/** The field of the envelope as text; undefined where it is absent. */
export function envelopeText(envelope: Envelope, field: EnvelopeTextField): string | undefined {
  if (field === 'subject') return envelope.subject === null ? undefined : fold(displayText(envelope.subject))
  const addresses = envelope[field]
  return addresses === null ? undefined : fold(addresses.map(addressText).join(', '))
}

function addressText({ name, mailbox, host }: EnvelopeAddress): string {
  const address = displayText(host === null ? (mailbox ?? '') : `${mailbox ?? ''}@${host}`)
  return name === null ? address : `${displayText(name)} <${address}>`
}

/** A header field, decoded, its value folded. */
export interface SearchedField {
  /** Lower-cased. */
  readonly name: string
  readonly value: string
}

/** Of a header's octets, or their beginning. */
export function searchedFields(header: Uint8Array): SearchedField[] {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('latin1')
  return splitHeader(text).fields.map((field) => ({
    name: field.name,
    value: fold(displayText(fieldValue(field))),
  }))
}

/** A header as one text. */
export function headerText(fields: readonly SearchedField[]): string {
  return fields.map(({ name, value }) => `${name}: ${value}`).join('\n')
}

/** A stretch of the message behind its header that gives one text. */
export interface BodyPiece {
  /** Text of the body; or a header of a part or of a message inside, or an attachment's decoded name. */
  readonly what: 'text' | 'header' | 'name'
  /** Octets from the blob's first; a name needs none. */
  readonly start: number
  readonly end: number
  readonly part: Part
}

/** A blank line alone. */
const noFields = 2

/** What of a message is text, behind the header of its root, in the order of the message. */
export function* bodyPieces(part: Part): Generator<BodyPiece> {
  if (attachmentName(part, part.disposition) !== null) yield { what: 'name', start: 0, end: 0, part }
  if (part.type === 'multipart') {
    for (const child of part.parts) yield* innerPieces(child)
  } else if (part.message !== null) {
    yield* innerPieces(part.message.root)
  } else if (part.type === 'text') {
    yield { what: 'text', start: part.bodyStart, end: part.bodyEnd, part }
  }
}

function* innerPieces(part: Part): Generator<BodyPiece> {
  const { headerStart, bodyStart } = part
  if (bodyStart - headerStart > noFields) yield { what: 'header', start: headerStart, end: bodyStart, part }
  yield* bodyPieces(part)
}

/** The text of a piece from its octets, folded. */
export function bodyText({ what, part }: BodyPiece, octets: Uint8Array): string {
  if (what === 'name') return fold(attachmentName(part, part.disposition) ?? '')
  if (what === 'header') return headerText(searchedFields(octets))
  const text = partText(part, octets)
  return fold(part.subtype === 'html' ? htmlText(text) : text)
}

// BODY[section]<partial>: which octets of a message a section means (RFC 3501 §6.4.5).
//
// The trace prefix belongs to the header of the message itself, and to nothing else. A part that is not there is NIL.
import { Buffer } from 'node:buffer'
import { sectionAt } from '../../../mail/mime/section.ts'
import { splitHeader } from '../../../mail/header.ts'
import { cut, sizeOf } from './message-bytes.ts'
import type { FetchItem, Section } from '../../proto/grammar/fetch.ts'
import type { MessageBytes, Piece } from './message-bytes.ts'
import type { Part } from '../../../mail/mime/structure.ts'

/** The octets of the blob that must be at hand to select fields; undefined where the section needs none. At most `most`. */
export function headerRange(
  message: MessageBytes,
  { part, text }: Section,
  most: number,
): { start: number; end: number } | undefined {
  if (text?.type !== 'fields') return undefined
  const root = rootOf(message, part)
  return root && { start: root.headerStart, end: Math.min(root.bodyStart, root.headerStart + most) }
}

/** What a data item's value is made of; undefined is NIL. `fields` are the octets of `headerRange`. */
export function sectionPieces(
  message: MessageBytes,
  item: Extract<FetchItem, { name: 'SECTION' }>,
  fields: Uint8Array,
): Piece[] | undefined {
  const pieces = wholeSection(message, item.section, fields)
  if (pieces === undefined || item.partial === null) return pieces
  const { start, length } = item.partial
  return cut(pieces, start, Math.min(start + length, sizeOf(pieces)))
}

type Offsets = Pick<Part, 'headerStart' | 'bodyStart'>

/** The message that the part is or contains. */
function rootOf(message: MessageBytes, part: readonly number[]): Offsets | undefined {
  if (part.length === 0) return message.offsets
  return sectionAt(message.structure, part)?.message?.root
}

function wholeSection(
  message: MessageBytes,
  { part, text }: Section,
  fields: Uint8Array,
): Piece[] | undefined {
  // Of the message itself all sections are known without its structure.
  if (part.length === 0) return topSection(message, text, fields)
  const section = sectionAt(message.structure, part)
  if (section === undefined) return undefined
  if (text === null) return [body(section.part)]
  if (text.type === 'mime') return [header(section.part)]
  const root = section.message?.root
  if (root === undefined) return undefined
  switch (text.type) {
    case 'text':
      return [body(root)]
    case 'header':
      return [header(root)]
    case 'fields':
      return [{ from: 'memory', bytes: selectFields(fields, text) }]
  }
}

function topSection(message: MessageBytes, text: Section['text'], fields: Uint8Array): Piece[] | undefined {
  const { blobSize, prefix } = message
  const trace: Piece = { from: 'memory', bytes: prefix }
  switch (text?.type) {
    case undefined:
      return [trace, { from: 'blob', start: 0, end: blobSize }]
    case 'text':
      // The message's text goes to its end, whatever a boundary may say.
      return [{ from: 'blob', start: message.offsets.bodyStart, end: blobSize }]
    case 'header':
      return [trace, header(message.offsets)]
    case 'fields': {
      const whole = prefix.length > 0 ? Buffer.concat([prefix, fields]) : fields
      return [{ from: 'memory', bytes: selectFields(whole, text) }]
    }
    case 'mime':
      return undefined
  }
}

function header(part: Offsets): Piece {
  return { from: 'blob', start: part.headerStart, end: part.bodyStart }
}

function body(part: Part): Piece {
  return { from: 'blob', start: part.bodyStart, end: part.bodyEnd }
}

/** RFC 3501 §6.4.5: the fields named (or not named), as they stand, and the blank line. */
function selectFields(
  bytes: Uint8Array,
  { names, not }: { names: readonly string[]; not: boolean },
): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  let selected = ''
  for (const { name, start, end } of splitHeader(text).fields) {
    if (wanted.has(name) === not) continue
    selected += text.slice(start, end)
    // A header that ends without a line break.
    if (!selected.endsWith('\n')) selected += '\r\n'
  }
  return Buffer.from(`${selected}\r\n`, 'latin1')
}

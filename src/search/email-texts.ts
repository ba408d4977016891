// Reads the texts of one email for the index, by the same rules as a scan reads them (`src/mail/search-text`), up to limits.
//
// Whatever cannot be read, or is beyond a limit, makes the email partial: a search reads it then.
import { Buffer } from 'node:buffer'
import { decodeStructure, StructureDamaged } from '../mail/mime/codec.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import {
  type BodyPiece,
  bodyPieces,
  bodyText,
  envelopeText,
  headerText,
  searchedFields,
} from '../mail/search-text/texts.ts'
import type { SegmentBuilder } from './segment-builder.ts'

/** How much of one email is indexed. */
export interface TextLimits {
  /** Octets of its header. */
  readonly header: number
  /** Octets of its text parts together, still encoded. */
  readonly text: number
}

/** An email to read. */
export interface EmailSource {
  readonly email: number
  readonly prefix: string
  readonly structure: string
  /** Octets [start, end) of the blob; at once where they are in memory. Null where there are none to read. */
  read(start: number, end: number): Uint8Array | null | Promise<Uint8Array | null>
}

const envelopeFields = ['subject', 'from', 'to', 'cc', 'bcc'] as const

/** Tells the builder all texts of the email. Rejects as `source.read`. */
export async function addEmail(
  builder: SegmentBuilder,
  source: EmailSource,
  limits: TextLimits,
): Promise<void> {
  builder.startEmail(source.email)
  const structure = tryStructure(source.structure)
  if (structure === undefined) {
    builder.partial()
    return
  }
  const { envelope, root } = structure
  for (const field of envelopeFields) {
    const text = envelopeText(envelope, field)
    if (text !== undefined) builder.text(field, text)
  }
  const headerEnd = cut(builder, root.headerStart, root.bodyStart, limits.header)
  const read = source.read(root.headerStart, headerEnd)
  const header = read instanceof Promise ? await read : read
  if (header === null) {
    builder.partial()
    return
  }
  const whole = source.prefix === '' ? header : Buffer.concat([Buffer.from(source.prefix), header])
  builder.text('header', headerText(searchedFields(whole)))
  await addBody(builder, source, { pieces: bodyPieces(root), limits })
}

function tryStructure(text: string): MessageStructure | undefined {
  try {
    return decodeStructure(text)
  } catch (error) {
    if (error instanceof StructureDamaged) return undefined
    throw error
  }
}

async function addBody(
  builder: SegmentBuilder,
  source: EmailSource,
  { pieces, limits }: { pieces: Iterable<BodyPiece>; limits: TextLimits },
): Promise<void> {
  let left = limits.text
  for (const piece of pieces) {
    if (piece.what === 'name') {
      builder.text('mime', bodyText(piece, new Uint8Array(0)))
      continue
    }
    const most = piece.what === 'header' ? Math.min(left, limits.header) : left
    const end = cut(builder, piece.start, piece.end, most)
    const read = source.read(piece.start, end)
    const octets = read instanceof Promise ? await read : read
    if (octets === null) {
      builder.partial()
      return
    }
    builder.text(piece.what === 'header' ? 'mime' : 'body', bodyText(piece, octets))
    left -= end - piece.start
  }
}

/** Where reading ends; where that is before the end, the email is partial. */
function cut(builder: SegmentBuilder, start: number, end: number, most: number): number {
  if (end - start <= most) return end
  builder.partial()
  return start + most
}

// The form in which the store keeps a structure: compact JSON, with a version in front.
//
// The writer and the reader are one file, so that they change together. A reader meets only what a writer of this program
// wrote; anything else is damage, and throws `StructureDamaged`.
import type { EnvelopeAddress } from '../address-list.ts'
import type { Disposition, Parameter } from '../parameters.ts'
import type { Envelope, MessageStructure, MimeDefect, Part } from './structure.ts'

/** Raised when the form grows; rows with another number are made anew from the message. */
export const structureVersion = 1

/** A kept structure is of another version or no structure at all: walk the message again. */
export class StructureDamaged extends Error {
  override name = 'StructureDamaged'
}

type PackedAddress = readonly [string | null, string | null, string | null, string | null]
type PackedList = readonly PackedAddress[] | null
type PackedEnvelope = readonly [
  date: string | null,
  subject: string | null,
  from: PackedList,
  /** 0: the same as From. */
  sender: PackedList | 0,
  replyTo: PackedList | 0,
  to: PackedList,
  cc: PackedList,
  bcc: PackedList,
  inReplyTo: string | null,
  messageId: string | null,
]
type PackedPart = readonly [
  offsets: readonly [headerStart: number, headerLength: number, bodyLength: number, lines: number],
  type: string,
  subtype: string,
  parameters: readonly Parameter[],
  encoding: string,
  parts: readonly PackedPart[],
  message: readonly [PackedEnvelope, PackedPart] | null,
  /** 0 where none of these is there, as in most parts. */
  rare: PackedRare | 0,
]
type PackedRare = readonly [
  id: string | null,
  description: string | null,
  disposition: readonly [string, readonly Parameter[]] | null,
  language: readonly string[],
  location: string | null,
  md5: string | null,
]
type PackedStructure = readonly [
  version: number,
  size: number,
  envelope: PackedEnvelope,
  root: PackedPart,
  preview: string,
  receivedCount: number,
  deliveredTo: readonly string[],
  messageId: string | null,
  inReplyTo: readonly string[],
  references: readonly string[],
  defects: readonly MimeDefect[],
]

/** The text to keep. */
export function encodeStructure(structure: MessageStructure): string {
  const packed: PackedStructure = [
    structureVersion,
    structure.size,
    packEnvelope(structure.envelope),
    packPart(structure.root),
    structure.preview,
    structure.receivedCount,
    structure.deliveredTo,
    structure.messageId,
    structure.inReplyTo,
    structure.references,
    structure.defects,
  ]
  return JSON.stringify(packed)
}

/** What is known of a message without its parts. */
export type MessageSummary = Pick<MessageStructure, 'envelope' | 'messageId' | 'inReplyTo' | 'references'>

/** A part of what `decodeStructure` gives, several times faster: for whoever goes through whole mailboxes. */
export function decodeSummary(text: string): MessageSummary {
  try {
    const packed = JSON.parse(text) as PackedStructure
    if (packed[0] !== structureVersion) throw new StructureDamaged(`structure version ${String(packed[0])}`)
    const [, , envelope, , , , , messageId, inReplyTo, references] = packed
    return { envelope: unpackEnvelope(envelope), messageId, inReplyTo, references }
  } catch (error) {
    if (error instanceof StructureDamaged) throw error
    throw new StructureDamaged('structure is not readable', { cause: error })
  }
}

/** The structure of a kept text. Throws `StructureDamaged` for anything that `encodeStructure` of this version didn't write. */
export function decodeStructure(text: string): MessageStructure {
  try {
    // Written by `encodeStructure`: the version says so, and a wrong shape below fails as damage.
    const packed = JSON.parse(text) as PackedStructure
    if (packed[0] !== structureVersion) throw new StructureDamaged(`structure version ${String(packed[0])}`)
    return {
      size: packed[1],
      envelope: unpackEnvelope(packed[2]),
      root: unpackPart(packed[3]),
      preview: packed[4],
      receivedCount: packed[5],
      deliveredTo: packed[6],
      messageId: packed[7],
      inReplyTo: packed[8],
      references: packed[9],
      defects: packed[10],
    }
  } catch (error) {
    if (error instanceof StructureDamaged) throw error
    throw new StructureDamaged('structure is not readable', { cause: error })
  }
}

/** What tells which messages belong together. */
export interface Threading {
  /** A binary string, encoded words and all. */
  readonly subject: string | null
  readonly messageId: string | null
  readonly inReplyTo: readonly string[]
  readonly references: readonly string[]
}

/** That part of a kept structure, without the making of the rest. Throws as `decodeStructure`. */
export function decodeThreading(text: string): Threading {
  try {
    // As above.
    const packed = JSON.parse(text) as PackedStructure
    if (packed[0] !== structureVersion) throw new StructureDamaged(`structure version ${String(packed[0])}`)
    return { subject: packed[2][1], messageId: packed[7], inReplyTo: packed[8], references: packed[9] }
  } catch (error) {
    if (error instanceof StructureDamaged) throw error
    throw new StructureDamaged('structure is not readable', { cause: error })
  }
}

/** The envelope alone, without a look at what stands behind it. Throws as `decodeStructure` does. */
export function decodeEnvelope(text: string): Envelope {
  const [start, end] = [envelopeStart(text), rootStart(text)]
  if (start === -1 || end === -1) return decodeStructure(text).envelope
  try {
    // Written by `encodeStructure`, as its version says; the comma before the root part is left out.
    return unpackEnvelope(JSON.parse(text.slice(start, end - 1)) as PackedEnvelope)
  } catch (error) {
    throw new StructureDamaged('structure is not readable', { cause: error })
  }
}

/** The root part alone. Throws as `decodeStructure` does. */
export function decodeRoot(text: string): Part {
  try {
    // As in `decodeStructure`.
    const packed = JSON.parse(text) as PackedStructure
    if (packed[0] !== structureVersion) throw new StructureDamaged(`structure version ${String(packed[0])}`)
    return unpackPart(packed[3])
  } catch (error) {
    if (error instanceof StructureDamaged) throw error
    throw new StructureDamaged('structure is not readable', { cause: error })
  }
}

/** Where in a kept text its envelope begins, as a JSON array in the order of `Envelope`; -1 where there is none. */
export function envelopeStart(text: string): number {
  if (!text.startsWith(`[${structureVersion},`)) return -1
  const comma = text.indexOf(',', 3)
  return comma === -1 ? -1 : comma + 1
}

/** Where in a kept text its root part begins, as an array in the order of `PackedPart`; -1 where that takes a closer look. */
export function rootStart(text: string): number {
  const start = envelopeStart(text)
  if (start === -1) return -1
  let depth = 0
  let at = start
  do {
    const code = text.charCodeAt(at)
    if (code === 0x5b) depth++
    else if (code === 0x5d) depth--
    else if (code === 0x22) {
      // To the end of the string: every quote in it has a backslash before it, as has every backslash.
      for (at++; text.charCodeAt(at) !== 0x22; at++) {
        if (text.charCodeAt(at) === 0x5c) at++
        if (at >= text.length) return -1
      }
    }
    at++
  } while (depth > 0 && at < text.length)
  return text.charCodeAt(at) === 0x2c ? at + 1 : -1
}

/** Where the message's own header and body begin, read without decoding the rest; undefined where that takes a closer look. */
export function tryRootOffsets(text: string): { headerStart: number; bodyStart: number } | undefined {
  const at = rootStart(text)
  if (at === -1) return undefined
  // The offsets of the root part: `[[headerStart,headerLength,`
  const offsets = /^\[\[(\d+),(\d+),/.exec(text.slice(at, at + 40))
  if (offsets === null) return undefined
  const headerStart = Number(offsets[1])
  return { headerStart, bodyStart: headerStart + Number(offsets[2]) }
}

function packEnvelope(envelope: Envelope): PackedEnvelope {
  const { from, sender, replyTo } = envelope
  return [
    envelope.date,
    envelope.subject,
    packList(from),
    sender === from ? 0 : packList(sender),
    replyTo === from ? 0 : packList(replyTo),
    packList(envelope.to),
    packList(envelope.cc),
    packList(envelope.bcc),
    envelope.inReplyTo,
    envelope.messageId,
  ]
}

function unpackEnvelope(packed: PackedEnvelope): Envelope {
  const from = unpackList(packed[2])
  return {
    date: packed[0],
    subject: packed[1],
    from,
    sender: packed[3] === 0 ? from : unpackList(packed[3]),
    replyTo: packed[4] === 0 ? from : unpackList(packed[4]),
    to: unpackList(packed[5]),
    cc: unpackList(packed[6]),
    bcc: unpackList(packed[7]),
    inReplyTo: packed[8],
    messageId: packed[9],
  }
}

function packList(list: readonly EnvelopeAddress[] | null): PackedList {
  return list === null ? null : list.map(({ name, route, mailbox, host }) => [name, route, mailbox, host])
}

function unpackList(list: PackedList): readonly EnvelopeAddress[] | null {
  return list === null ? null : list.map(([name, route, mailbox, host]) => ({ name, route, mailbox, host }))
}

function packPart(part: Part): PackedPart {
  const { headerStart, bodyStart, bodyEnd, lines, message } = part
  return [
    [headerStart, bodyStart - headerStart, bodyEnd - bodyStart, lines],
    part.type,
    part.subtype,
    part.parameters,
    part.encoding,
    part.parts.map(packPart),
    message === null ? null : [packEnvelope(message.envelope), packPart(message.root)],
    packRare(part),
  ]
}

function packRare(part: Part): PackedRare | 0 {
  const { id, description, disposition, language, location, md5 } = part
  const texts = id ?? description ?? location ?? md5
  if (texts === null && disposition === null && language.length === 0) return 0
  const packed = disposition === null ? null : ([disposition.type, disposition.parameters] as const)
  return [id, description, packed, language, location, md5]
}

function unpackPart(packed: PackedPart): Part {
  const [headerStart, headerLength, bodyLength, lines] = packed[0]
  const bodyStart = headerStart + headerLength
  const [id, description, disposition, language, location, md5] = packed[7] === 0 ? noRare : packed[7]
  const message = packed[6]
  return {
    headerStart,
    bodyStart,
    bodyEnd: bodyStart + bodyLength,
    lines,
    type: packed[1],
    subtype: packed[2],
    parameters: packed[3],
    id,
    description,
    encoding: packed[4],
    disposition: disposition === null ? null : unpackDisposition(disposition),
    language,
    location,
    md5,
    parts: packed[5].map(unpackPart),
    message: message === null ? null : { envelope: unpackEnvelope(message[0]), root: unpackPart(message[1]) },
  }
}

function unpackDisposition([type, parameters]: readonly [string, readonly Parameter[]]): Disposition {
  return { type, parameters }
}

const noRare: PackedRare = [null, null, null, [], null, null]

// The header of a staged message, read back once it is whole: for the checks of a submission, and for the few fields that change what
// becomes of a message. Bounded: what lies beyond the limit is not looked at.
import { Buffer } from 'node:buffer'
import type { HookHeaderField } from '../../config/hooks.ts'
import { decodeUnlabelled } from '../../mail/charset.ts'
import { fieldValue, splitHeader, type HeaderField } from '../../mail/header.ts'

/** A header as a binary string, and its fields. */
export interface MessageHeader {
  readonly text: string
  readonly fields: readonly HeaderField[]
}

/** Reads up to the empty line, or up to `limit` octets. */
export async function readHeader(content: AsyncIterable<Uint8Array>, limit: number): Promise<MessageHeader> {
  let text = ''
  for await (const piece of content) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    // Behind the first of these, at the latest, nothing belongs to the header.
    const empty = bytes.indexOf('\r\n\r\n')
    text += bytes.toString('latin1', 0, empty < 0 ? bytes.length : empty + 4)
    const end = headerEnd(text)
    if (end >= 0) text = text.slice(0, end)
    else if (text.length >= limit) text = text.slice(0, limit)
    else continue
    break
  }
  return { text, fields: splitHeader(text).fields }
}

function headerEnd(text: string): number {
  if (text.startsWith('\r\n') || text.startsWith('\n')) return 0
  const found = /\n\r?\n/.exec(text)
  return found === null ? -1 : found.index + 1
}

/** The values of every field of that name (lower case), unfolded. */
export function valuesOf({ fields }: MessageHeader, name: string): string[] {
  return fields.filter((field) => field.name === name).map(fieldValue)
}

/** RFC 8689 §3: `TLS-Required: No`, and nothing else. */
export function declinesTls(header: MessageHeader): boolean {
  const values = valuesOf(header, 'tls-required')
  return values.length === 1 && values[0]?.toLowerCase() === 'no'
}

/** RFC 3865 §2.5: the classes that the author named; the field and the parameter should agree. */
export function solicitationOf(header: MessageHeader): string[] {
  return valuesOf(header, 'solicitation').flatMap((value) =>
    value.split(/[\s,]+/).filter((word) => word !== ''),
  )
}

/** For filters: names as they were written, values in Unicode. */
export function hookFields({ text, fields }: MessageHeader): HookHeaderField[] {
  return fields.map((field) => ({
    name: text.slice(field.start, text.indexOf(':', field.start)).trimEnd(),
    value: decodeUnlabelled(Buffer.from(fieldValue(field), 'latin1')),
  }))
}

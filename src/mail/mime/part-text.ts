// Parts of a message as their readers have them: the leaves in order, which of them are the message's text, and the text of one from its
// octets. Whoever shows or searches mail asks here, so that the same octets are the same text everywhere.
import { decodeCharset } from '../charset.ts'
import { decodeParameters } from '../parameters.ts'
import { decodeTransfer } from '../transfer.ts'
import type { Part } from './structure.ts'

export interface Leaf {
  /** Section number (RFC 3501 §6.4.5), `0` for a message that is one part. */
  readonly partId: string
  readonly part: Part
  readonly parent: Part | null
}

/** Every part that contains no others, in order, whether text or not; a message in a message is one. */
export function* leavesOf(part: Part, path = '', parent: Part | null = null): Generator<Leaf> {
  if (part.type !== 'multipart' || part.parts.length === 0) {
    yield { partId: path === '' ? '0' : path, part, parent }
    return
  }
  for (const [index, child] of part.parts.entries()) {
    yield* leavesOf(child, path === '' ? String(index + 1) : `${path}.${index + 1}`, part)
  }
}

/** Whether it is shown as the message's text: all other leaves are attached, or belong into that text. */
export function isText({ type, subtype, disposition, parameters }: Part): boolean {
  if (type !== 'text' || (subtype !== 'plain' && subtype !== 'html')) return false
  if (disposition?.type === 'attachment') return false
  const named = decodeParameters([...parameters, ...(disposition?.parameters ?? [])])
  return !named.has('name') && !named.has('filename')
}

/** Of a part of type text: its octets with transfer encoding and charset (RFC 2231 §3 included) undone. */
export function partText(part: Pick<Part, 'encoding' | 'parameters'>, octets: Uint8Array): string {
  return decodeCharset(decodeTransfer(octets, part.encoding), charsetOf(part))
}

/** The charset that a part names, as it stands there; null for none. */
export function charsetOf({ parameters }: Pick<Part, 'parameters'>): string | null {
  return decodeParameters(parameters).get('charset') ?? null
}

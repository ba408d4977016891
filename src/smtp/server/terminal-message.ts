// A message as a terminal shows it (RFC 821 §3.4): who, to whom, about what, and the first readable text, cut to size.
//
// A terminal obeys what it is shown. So nothing is left but printable characters, tabs and line ends: no escape sequences (C0 and C1
// controls), and nothing that turns the direction of writing and makes a text look like another (RFC 5198 §2, UAX 9).
import { Buffer } from 'node:buffer'
import type { TerminalMessage } from '../../delivery/terminals.ts'
import { displayText } from '../../mail/encoded-word.ts'
import type { MessageStructure, Part } from '../../mail/mime/structure.ts'
import { partText } from '../../mail/mime/part-text.ts'

/** Octets of a text part that are read, and characters that are shown. */
const readOctets = 64 * 1024
const textCharacters = 4_000
const lineCharacters = 200
/** Parts looked at for one that is text. */
const partsLookedAt = 50

export interface RenderRequest {
  readonly structure: MessageStructure
  /** Octets [start, end) of the message. */
  readonly read: (range: { start: number; end: number }) => AsyncIterable<Uint8Array>
  /** Stands for the author where the header names none: RFC 821 §3.4 knew messages of a line or two. */
  readonly reversePath: string
  readonly to: string
  readonly at: number
}

export async function renderForTerminal({
  structure,
  read,
  reversePath,
  to,
  at,
}: RenderRequest): Promise<TerminalMessage> {
  const { envelope, root, preview } = structure
  const part = firstText(root)
  const text = part === undefined ? preview : await textOf(part, read)
  return {
    from: oneLine(fromOf(envelope.from)) || oneLine(reversePath),
    to: oneLine(to),
    subject: oneLine(displayText(envelope.subject ?? '')),
    text: harmless(text.replace(/\r\n?/g, '\n')).slice(0, textCharacters).trimEnd(),
    at,
  }
}

function fromOf(from: MessageStructure['envelope']['from']): string {
  const [first] = from ?? []
  if (first === undefined || first.host === null) return ''
  const address = displayText(`${first.mailbox ?? ''}@${first.host}`)
  return first.name === null ? address : `${displayText(first.name)} <${address}>`
}

/** The first text/plain part that is not attached; HTML is left to the preview, which has no markup. */
function firstText(root: Part): Part | undefined {
  const pending = [root]
  for (let looked = 0; looked < partsLookedAt; looked++) {
    const part = pending.shift()
    if (part === undefined) return undefined
    const attached = part.disposition?.type === 'attachment'
    if (part.type === 'text' && part.subtype === 'plain' && !attached) return part
    pending.unshift(...part.parts)
  }
  return undefined
}

async function textOf(part: Part, read: RenderRequest['read']): Promise<string> {
  const pieces: Uint8Array[] = []
  const end = Math.min(part.bodyEnd, part.bodyStart + readOctets)
  if (end > part.bodyStart) {
    for await (const piece of read({ start: part.bodyStart, end })) pieces.push(piece)
  }
  return partText(part, Buffer.concat(pieces))
}

function oneLine(text: string): string {
  return harmless(text).replace(/\s+/g, ' ').trim().slice(0, lineCharacters)
}

/** Without controls (tab and line end apart), format characters that override direction, and lone surrogates. */
export function harmless(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/g,
      '',
    )
    .replace(/[\u{e0000}-\u{e007f}]/gu, '')
}

// A message of which only the header is held: what a filter looks at first, and all that a rewrite needs to know.
//
// The body stays a stream. A header that is larger than anybody writes is refused as a `BadAnswer` would be: whoever asked for it
// cannot decide.
import { Buffer } from 'node:buffer'
import type { HookHeaderField, HookMessage, HookRecipient, Rewrite } from '../config/hooks.ts'
import { addressKey, formatAddress, tryAddress } from '../mail/address.ts'
import type { RecipientOptions } from '../mail/delivery-options.ts'
import { plainRecipientOptions } from '../mail/delivery-options.ts'
import { editHeader } from '../mail/header-edit.ts'
import { fieldValue, splitHeader } from '../mail/header.ts'
import { BadAnswer } from './decision.ts'

const maxHeaderOctets = 4_194_304

export interface OpenedMessage {
  /** With its empty line, where it has one; a binary string. */
  readonly header: string
  /** The rest, once. */
  readonly body: AsyncIterable<Uint8Array>
  /** Gives back the stream, read or not. */
  close(): Promise<void>
}

/** Reads as far as the empty line. Rejects with `BadAnswer` for a header beyond 4 MB. */
export async function openMessage(content: AsyncIterable<Uint8Array>): Promise<OpenedMessage> {
  const pieces = content[Symbol.asyncIterator]()
  const close = async (): Promise<void> => {
    await pieces.return?.()
  }
  let read = Buffer.alloc(0)
  let end = -1
  while (end < 0) {
    const next = await pieces.next()
    if (next.done === true) break
    // The end may lie across two pieces, so the last octets of what was searched are searched again.
    const searched = Math.max(0, read.length - 3)
    read = Buffer.concat([read, next.value])
    end = read.subarray(0, 2).equals(crlf) ? 2 : behind(read.indexOf('\r\n\r\n', searched, 'latin1'))
    if ((end < 0 ? read.length : end) > maxHeaderOctets) {
      await close()
      throw new BadAnswer('the header is too large for hooks')
    }
  }
  const cut = end < 0 ? read.length : end
  return { header: read.toString('latin1', 0, cut), body: rest(read.subarray(cut), pieces), close }
}

const crlf = Buffer.from('\r\n')

function behind(index: number): number {
  return index < 0 ? -1 : index + 4
}

async function* rest(first: Uint8Array, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const next = await pieces.next()
    if (next.done === true) return
    yield next.value
  }
}

/** The message as it stands after a rewrite, for those who are asked next. */
export async function rewritten(message: HookMessage, rewrite: Rewrite): Promise<HookMessage> {
  const { header: edits = [], body } = rewrite
  const opened = await openMessage(message.content())
  await opened.close()
  const header = Buffer.from(editHeader(opened.header, edits), 'latin1')
  const bodyOctets = body?.length ?? message.bytes - opened.header.length
  return {
    ...message,
    reversePath: reversePathAfter(message, rewrite),
    recipients: recipientsAfter(message.recipients, rewrite),
    headers: headerFields(header.toString('latin1')),
    bytes: header.length + bodyOctets,
    content: () => contentAfter(message, { header, body }),
  }
}

async function* contentAfter(
  message: HookMessage,
  { header, body }: { header: Uint8Array; body: Uint8Array | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  yield header
  if (body !== undefined) {
    yield body
    return
  }
  const opened = await openMessage(message.content())
  try {
    yield* opened.body
  } finally {
    await opened.close()
  }
}

/** Each field with its name as it stands, its value unfolded, as Unicode. */
export function headerFields(header: string): HookHeaderField[] {
  return splitHeader(header).fields.map((field) => ({
    name: header.slice(field.start, header.indexOf(':', field.start)).trimEnd(),
    value: Buffer.from(fieldValue(field), 'latin1').toString('utf8'),
  }))
}

function reversePathAfter({ reversePath }: HookMessage, rewrite: Rewrite): HookMessage['reversePath'] {
  if (rewrite.reversePath === undefined) return reversePath
  return tryAddress(rewrite.reversePath, { utf8: true }) ?? null
}

function recipientsAfter(
  recipients: readonly HookRecipient[],
  { addRecipients = [], removeRecipients = [] }: Rewrite,
): HookRecipient[] {
  const removed = new Set(removeRecipients.map(keyOf))
  const kept = recipients.filter(
    ({ address }) => address === null || !removed.has(keyOf(formatAddress(address))),
  )
  const options: RecipientOptions = plainRecipientOptions
  const added = addRecipients.map((text) => ({ address: tryAddress(text, { utf8: true }) ?? null, options }))
  return [...kept, ...added]
}

function keyOf(text: string): string {
  const address = tryAddress(text, { utf8: true })
  return address === undefined ? text : addressKey(address)
}

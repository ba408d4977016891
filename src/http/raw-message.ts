// A message that comes as it is (`message/rfc822`): its line ends made right while it streams by, and the addresses in its header read.
import { Buffer } from 'node:buffer'
import { openMessage } from '../hooks/message-parts.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { type Address, makeAddress } from '../mail/address.ts'
import { type Authorship, readAuthorship, topResending } from '../mail/authorship.ts'
import { fieldValue, type HeaderField, splitHeader } from '../mail/header.ts'

/** RFC 5322 §2.3: lines end with CRLF, and neither stands alone. A lone CR or LF becomes one. */
export async function* canonicalLines(
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let afterCr = false
  for await (const piece of content) {
    if (piece.length === 0) continue
    const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
    // The first LF belongs to the CR that ended the piece before, which was completed already.
    const own = afterCr && text.startsWith('\n') ? text.slice(1) : text
    afterCr = text.endsWith('\r')
    const lines = own.replace(/\r\n|\r|\n/g, '\r\n')
    if (lines !== '') yield Buffer.from(lines, 'latin1')
  }
}

export interface RawMessage {
  readonly authorship: Authorship
  /** Of To, Cc and Bcc, or of the topmost Resent-To, Resent-Cc and Resent-Bcc (RFC 5322 §3.6.6); null where an entry is no address. */
  readonly recipients: readonly (Address | null)[]
  /** The header holds characters beyond US-ASCII (RFC 6532). */
  readonly utf8: boolean
  readonly content: AsyncIterable<Uint8Array>
}

/** Reads the header; `limit` bounds the entries of each address list. Rejects with `BadAnswer` for a header beyond 4 MB. */
export async function readRawMessage(content: AsyncIterable<Uint8Array>, limit: number): Promise<RawMessage> {
  const { header, body } = await openMessage(canonicalLines(content))
  const { fields } = splitHeader(header)
  const authorship = readAuthorship(fields)
  const resending = topResending(fields)
  const resent = resending.some(({ name }) => /^resent-(?:to|cc|bcc)$/.test(name))
  const named = resent
    ? resending.filter(({ name }) => /^resent-(?:to|cc|bcc)$/.test(name))
    : fields.filter(({ name }) => /^(?:to|cc|bcc)$/.test(name))
  return {
    authorship,
    recipients: named.flatMap((field) => addressesOf(field, limit)),
    utf8: /[^\0-\x7f]/.test(header),
    content: joined(Buffer.from(header, 'latin1'), body),
  }
}

function addressesOf(field: HeaderField, limit: number): (Address | null)[] {
  const { addresses } = parseAddressList(fieldValue(field), limit)
  return addresses.flatMap(({ mailbox, host }) => {
    // Marks of a group.
    if (host === null || mailbox === null) return []
    return [makeAddress(unicode(mailbox), unicode(host), { utf8: true }) ?? null]
  })
}

function unicode(binary: string): string {
  return Buffer.from(binary, 'latin1').toString('utf8')
}

async function* joined(
  header: Uint8Array,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield header
  yield* body
}

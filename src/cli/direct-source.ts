// A message for `posthorn send --direct`: a file, read as often as it is needed and never whole, or standard input. Lines of a Unix
// text become those of a message (RFC 5322 §2.1: CRLF) on the way.
import { Buffer } from 'node:buffer'
import { createReadStream } from 'node:fs'
import type { Parcel } from '../delivery/parcel.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { tryAddress } from '../mail/address.ts'
import { plainMessageOptions } from '../mail/delivery-options.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import { fieldValue, splitHeader } from '../mail/header.ts'
import { CommandError, exitCode, type Io, readInputBytes } from './io.ts'

/** A message that can be sent, and who its header says it is from. */
export interface DirectSource {
  readonly parcel: Parcel
  /** The first address of Sender, else of From (RFC 5322 §3.6.2); undefined where there is none. */
  readonly author: string | undefined
}

/** Characters of a header that are looked at for its author. */
const headerSample = 64 * 1024

/** Reads it once, for its size and structure. `-` is standard input. */
export async function openDirectSource(io: Io, file: string): Promise<DirectSource> {
  const raw = file === '-' ? await readInputBytes(io) : null
  const read = (): AsyncIterable<Uint8Array> => withLineEnds(raw === null ? createReadStream(file) : [raw])
  const walker = new MimeWalker()
  let size = 0
  let eightBit: 'no' | 'yes' = 'no'
  let head = ''
  try {
    for await (const bytes of read()) {
      walker.push(bytes)
      size += bytes.length
      if (head.length < headerSample) head += Buffer.from(bytes).toString('latin1')
      if (eightBit === 'no' && bytes.some((octet) => octet > 127)) eightBit = 'yes'
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(exitCode.usage, `${file} cannot be read: ${reason}`)
  }
  if (size === 0) throw new CommandError(exitCode.usage, 'The message is empty.')
  const structure: MessageStructure = walker.finish()
  const parcel: Parcel = {
    name: 'direct',
    options: { ...plainMessageOptions, body: eightBit === 'yes' ? '8BITMIME' : '7BIT' },
    prefix: '',
    bodySize: size,
    small: () => Promise.resolve(undefined),
    read,
    structure: () => structure,
  }
  return { parcel, author: authorIn(head) }
}

function authorIn(head: string): string | undefined {
  const { fields } = splitHeader(head)
  const field = fields.find(({ name }) => name === 'sender') ?? fields.find(({ name }) => name === 'from')
  if (field === undefined) return undefined
  for (const { mailbox, host } of parseAddressList(fieldValue(field), 10).addresses) {
    const text = `${mailbox ?? ''}@${host ?? ''}`
    if (tryAddress(text, { utf8: true }) !== undefined) return text
  }
  return undefined
}

const cr = 13
const lf = 10

/** Every LF alone gets its CR; what has both stays. */
async function* withLineEnds(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let last = lf
  let any: 'no' | 'yes' = 'no'
  for await (const bytes of source) {
    if (bytes.length === 0) continue
    any = 'yes'
    const pieces: Uint8Array[] = []
    let start = 0
    for (let at = bytes.indexOf(lf); at >= 0; at = bytes.indexOf(lf, at + 1)) {
      const before = at === 0 ? last : bytes[at - 1]
      if (before === cr) continue
      pieces.push(bytes.subarray(start, at), crlf)
      start = at + 1
    }
    pieces.push(bytes.subarray(start))
    last = bytes.at(-1) ?? last
    yield Buffer.concat(pieces)
  }
  if (any === 'yes' && last !== lf) yield crlf
}

const crlf = Buffer.from('\r\n')

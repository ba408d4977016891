// A caught message opened: its source, header, texts and parts, read from the store as they are asked for.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { decodeCharset } from '../mail/charset.ts'
import { type HeaderField, splitHeader } from '../mail/header.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import { charsetOf, isText, leavesOf } from '../mail/mime/part-text.ts'
import type { MessageStructure, Part } from '../mail/mime/structure.ts'
import { htmlText } from '../mail/search-text/html-text.ts'
import { decodeTransfer } from '../mail/transfer.ts'
import type { MessageText } from '../store/model.ts'
import type { BlobStore } from '../store/store.ts'
import { type AttachedPart, attachedParts } from './summary.ts'

/** A part with its octets, transfer encoding undone. */
export interface PartContent {
  readonly partId: string
  /** `image/png`, lower case, with a charset where it says one. */
  readonly contentType: string
  readonly fileName: string
  readonly contentId: string
  readonly bytes: Uint8Array
}

/** A field with its name as the sender wrote it. */
export interface WrittenField extends HeaderField {
  readonly written: string
}

export interface PartDigest {
  readonly md5: string
  readonly sha1: string
  readonly sha256: string
}

export class CaughtContent {
  readonly structure: MessageStructure
  readonly #message: MessageText
  readonly #blobs: Pick<BlobStore, 'read'>
  /** Octets of text of one kind that are decoded: what is longer is cut. */
  readonly #textSize: number

  constructor(message: MessageText, options: { blobs: Pick<BlobStore, 'read'>; textSize: number }) {
    this.#message = message
    this.#blobs = options.blobs
    this.#textSize = options.textSize
    this.structure = decodeStructure(message.structure)
  }

  /** Octets of the source. */
  get size(): number {
    return Buffer.byteLength(this.#message.prefix) + this.structure.size
  }

  /** The trace that this host wrote, then the octets as they came. */
  async *source(): AsyncGenerator<Uint8Array> {
    if (this.#message.prefix !== '') yield Buffer.from(this.#message.prefix)
    if (this.#message.data != null) yield this.#message.data
    else yield* this.#blobs.read(this.#message.blob)
  }

  async raw(): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.source()) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  /** Without the trace of this host: what was signed, and what is sent on. */
  original(): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    return this.#message.data == null ? this.#blobs.read(this.#message.blob) : [this.#message.data]
  }

  /** Fields in order, those of this host first; binary strings. */
  async fields(): Promise<readonly WrittenField[]> {
    const octets = await this.#octets(0, this.structure.root.bodyStart)
    const header = Buffer.from(this.#message.prefix).toString('latin1') + octets.toString('latin1')
    return splitHeader(header).fields.map((field) => {
      const { name, start } = field
      return { ...field, written: header.slice(start, start + name.length) }
    })
  }

  /** The message's text; from its HTML where it has no other. */
  async text(): Promise<string> {
    const plain = await this.#texts('plain')
    return plain === '' && this.#has('html') ? htmlText(await this.#texts('html')).trim() : plain
  }

  html(): Promise<string> {
    return this.#texts('html')
  }

  /** All text of it, for searches. */
  async searchText(): Promise<string> {
    const plain = await this.#texts('plain')
    const html = this.#has('html') ? htmlText(await this.#texts('html')) : ''
    return `${plain}\n${html}\n${attachedParts(this.structure.root)
      .map(({ fileName }) => fileName)
      .join('\n')}`
  }

  /** What is no text, in order. */
  attached(): readonly AttachedPart[] {
    return attachedParts(this.structure.root)
  }

  /** A leaf by its section number; undefined where there is none. */
  async part(partId: string): Promise<PartContent | undefined> {
    for (const leaf of leavesOf(this.structure.root)) {
      if (leaf.partId !== partId) continue
      const attached = this.attached().find((one) => one.partId === partId)
      const { part } = leaf
      return {
        partId,
        contentType: contentTypeOf(part),
        fileName: attached?.fileName ?? '',
        contentId: attached?.contentId ?? '',
        bytes: await this.#decoded(part),
      }
    }
    return undefined
  }

  async digest(part: Part): Promise<PartDigest & { readonly size: number }> {
    const bytes = await this.#decoded(part)
    const [md5 = '', sha1 = '', sha256 = ''] = ['md5', 'sha1', 'sha256'].map((name) =>
      createHash(name).update(bytes).digest('hex'),
    )
    return { size: bytes.length, md5, sha1, sha256 }
  }

  #has(subtype: string): boolean {
    for (const { part } of leavesOf(this.structure.root))
      if (part.subtype === subtype && isText(part)) return true
    return false
  }

  async #texts(subtype: 'plain' | 'html'): Promise<string> {
    const texts: string[] = []
    let room = this.#textSize
    for (const { part } of leavesOf(this.structure.root)) {
      if (part.subtype !== subtype || !isText(part) || room <= 0) continue
      const bytes = await this.#decoded(part, room)
      room -= bytes.length
      texts.push(decodeCharset(bytes, charsetOf(part)))
    }
    return texts.join('\n')
  }

  async #decoded(part: Part, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    // No transfer encoding takes more than three octets for one, line breaks aside.
    const end = Math.min(part.bodyEnd, part.bodyStart + most * 4)
    const bytes = decodeTransfer(await this.#octets(part.bodyStart, end), part.encoding)
    return bytes.length > most ? bytes.subarray(0, most) : bytes
  }

  async #octets(start: number, end: number): Promise<Buffer> {
    const { data, blob } = this.#message
    if (data != null) return Buffer.from(data.buffer, data.byteOffset + start, Math.max(end - start, 0))
    const pieces: Uint8Array[] = []
    if (end > start) for await (const piece of this.#blobs.read(blob, { start, end })) pieces.push(piece)
    return Buffer.concat(pieces)
  }
}

export function contentTypeOf(part: Part): string {
  const charset = charsetOf(part)
  const type = `${part.type}/${part.subtype}`
  return charset !== null && /^[A-Za-z0-9._+-]{1,40}$/.test(charset) ? `${type}; charset=${charset}` : type
}

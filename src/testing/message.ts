// A message as a test looks at it: decoded text, addresses, links and attachments, and the octets as they came.
import { Buffer } from 'node:buffer'
import type { EnvelopeAddress } from '../mail/address-list.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { decodeCharset } from '../mail/charset.ts'
import { tryDate } from '../mail/date.ts'
import { displayText } from '../mail/encoded-word.ts'
import { fieldValue, splitHeader } from '../mail/header.ts'
import { charsetOf, isText, leavesOf, partText } from '../mail/mime/part-text.ts'
import type { MessageStructure, Part } from '../mail/mime/structure.ts'
import { attachmentName } from '../mail/parameters.ts'
import { shownAddresses } from '../mail/shown-addresses.ts'
import { htmlText } from '../mail/search-text/html-text.ts'
import { decodeTransfer } from '../mail/transfer.ts'
import { textLinks } from '../mail/text-links.ts'
import { htmlLinks } from './links.ts'

export interface MailAddress {
  /** Display name, decoded; '' is none. */
  readonly name: string
  readonly address: string
}

export interface MailHeader {
  /** Lower case. */
  readonly name: string
  /** Decoded and unfolded. */
  readonly value: string
}

export interface MailAttachment {
  /** Decoded; null where the sender gave none. */
  readonly filename: string | null
  /** `image/png`. */
  readonly contentType: string
  /** Without angle brackets. */
  readonly contentId: string | null
  /** Whether it is shown within the text (Content-Disposition or a Content-ID that the HTML part names). */
  readonly inline: boolean
  readonly content: Uint8Array
  /** As text in its charset. */
  readonly text: string
}

export interface MailParts {
  /** Octets as received, without the trace fields that delivery wrote. */
  readonly bytes: Uint8Array
  readonly structure: MessageStructure
  /** Trace fields of the delivery. */
  readonly prefix: string
  readonly recipient: string
  readonly receivedAt: number
}

const longestList = 10_000

const mark: unique symbol = Symbol.for('posthorn.mail')

/** Whether it is a `Mail`, also one of another copy of this module: Jest loads one for ES modules and another for CommonJS. */
export function isMail(value: unknown): value is Mail {
  return typeof value === 'object' && value !== null && mark in value
}

/** One received message. Getters decode when they are first asked. */
export class Mail {
  readonly [mark] = true
  readonly #parts: MailParts
  #leaves: readonly Part[] | null = null

  constructor(parts: MailParts) {
    this.#parts = parts
  }

  /** The address whose inbox this is. */
  get recipient(): string {
    return this.#parts.recipient
  }

  get receivedAt(): Date {
    return new Date(this.#parts.receivedAt)
  }

  /** RFC 5321 §4.4: who sent it in the envelope (MAIL FROM); '' is the null reverse-path. */
  get mailFrom(): string {
    return /^Return-Path:\s*<([^>]*)>/im.exec(this.#parts.prefix)?.[1] ?? ''
  }

  /** The octets as they came, one character each: for what `text` and `html` do not tell. */
  get raw(): string {
    return Buffer.from(this.#parts.bytes).toString('latin1')
  }

  get bytes(): Uint8Array {
    return this.#parts.bytes
  }

  get size(): number {
    return this.#parts.bytes.length
  }

  get subject(): string {
    return displayText(this.#parts.structure.envelope.subject ?? '')
  }

  get from(): MailAddress {
    return addressesOf(this.#parts.structure.envelope.from)[0] ?? { name: '', address: '' }
  }

  get to(): readonly MailAddress[] {
    return addressesOf(this.#parts.structure.envelope.to)
  }

  get cc(): readonly MailAddress[] {
    return addressesOf(this.#parts.structure.envelope.cc)
  }

  get bcc(): readonly MailAddress[] {
    return addressesOf(this.#parts.structure.envelope.bcc)
  }

  /** Of the field alone: empty where there is none. */
  get replyTo(): readonly MailAddress[] {
    const field = this.header('reply-to')
    return field === undefined ? [] : addressesOf(parseAddressList(field, longestList).addresses)
  }

  /** Of the Date field; null where it is absent or no date. */
  get date(): Date | null {
    const time = tryDate(this.#parts.structure.envelope.date ?? '')?.time
    return time === undefined ? null : new Date(time)
  }

  /** Without angle brackets; null where there is none. */
  get messageId(): string | null {
    return this.#parts.structure.messageId
  }

  /** All fields, in order. */
  get headers(): readonly MailHeader[] {
    const { root } = this.#parts.structure
    const header = this.raw.slice(root.headerStart, root.bodyStart)
    return splitHeader(header).fields.map((field) => ({
      name: field.name,
      value: displayText(fieldValue(field)),
    }))
  }

  /** The first field of that name, whatever its case; undefined where there is none. */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase()
    return this.headers.find((field) => field.name === wanted)?.value
  }

  /** The text part, or, where there is none, the HTML part as text. */
  get text(): string {
    const plain = this.#texts('plain')
    return plain ?? htmlText(this.html)
  }

  /** Whether there is a text part. */
  get hasText(): boolean {
    return this.#texts('plain') !== undefined
  }

  /** The HTML part; '' where there is none. */
  get html(): string {
    return this.#texts('html') ?? ''
  }

  /** Links of the HTML part, or, where there is none, of the text, each once, in order. */
  get links(): readonly string[] {
    const { html } = this
    return html === '' ? textLinks(this.text) : htmlLinks(html)
  }

  /** The digits or letters of the first code in the text: `codes()[0]` of “Your code is 482 913” is `482913`. */
  codes(pattern: RegExp = /\b\d{3}[ -]?\d{3}\b|\b\d{4,8}\b/g): string[] {
    const every = pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`)
    return [...this.text.matchAll(every)].map(([all, group]) => group ?? all.replace(/[ -]/g, ''))
  }

  get attachments(): readonly MailAttachment[] {
    const { html } = this
    return this.#all().flatMap((part) => {
      if (part.type === 'multipart' || isText(part)) return []
      const contentId = part.id?.replace(/^<|>$/g, '') ?? null
      const content = decodeTransfer(this.#octets(part), part.encoding)
      return [
        {
          filename: attachmentName(part, part.disposition),
          contentType: `${part.type}/${part.subtype}`,
          contentId,
          inline:
            part.disposition?.type === 'inline' || (contentId !== null && html.includes(`cid:${contentId}`)),
          content,
          text: decodeCharset(content, charsetOf(part)),
        },
      ]
    })
  }

  /** One line that tells it from others. */
  toString(): string {
    return `“${this.subject}” from ${this.from.address || '<>'} to ${this.recipient}`
  }

  /** Text parts of that subtype that are no attachments, joined. */
  #texts(subtype: 'plain' | 'html'): string | undefined {
    const texts = this.#all()
      .filter((part) => part.subtype === subtype && isText(part))
      .map((part) => partText(part, this.#octets(part)).replaceAll('\r\n', '\n'))
    return texts.length === 0 ? undefined : texts.join('\n')
  }

  #octets({ bodyStart, bodyEnd }: Part): Uint8Array {
    return this.#parts.bytes.subarray(bodyStart, bodyEnd)
  }

  /** Parts that contain no others, in order. */
  #all(): readonly Part[] {
    this.#leaves ??= Array.from(leavesOf(this.#parts.structure.root), ({ part }) => part)
    return this.#leaves
  }
}

function addressesOf(list: readonly EnvelopeAddress[] | null): readonly MailAddress[] {
  return shownAddresses(list, longestList)
}

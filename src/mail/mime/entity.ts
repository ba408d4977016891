// What one header says about its entity: content fields for every part, the envelope for messages.
//
// Text that is remembered is charged to a purse that the whole walk shares, so that a thousand parts with long headers
// cannot fill the memory or the store. What the purse cannot pay for is NIL.
import { type EnvelopeAddress, parseAddressList } from '../address-list.ts'
import { fieldValue, type HeaderField, languageTags, messageIds, splitHeader } from '../header.ts'
import { type Disposition, firstToken, type Parameter, tryDisposition, tryMediaType } from '../parameters.ts'
import type { MimeLimits } from './limits.ts'
import type { EntityHeader, Envelope, MimeDefect } from './structure.ts'

/** Remembers text until its octets are used up, and collects defects. One per walk. */
export class Purse {
  readonly limits: MimeLimits
  readonly #defects = new Set<MimeDefect>()
  #left: number

  constructor(limits: MimeLimits) {
    this.limits = limits
    this.#left = limits.keptOctets
  }

  get defects(): readonly MimeDefect[] {
    return [...this.#defects]
  }

  note(defect: MimeDefect): void {
    this.#defects.add(defect)
  }

  /** True if something of that length may be kept. */
  pay(length: number): boolean {
    const price = length + fixedPrice
    if (price > this.#left) {
      this.note('kept-limit')
      return false
    }
    this.#left -= price
    return true
  }

  keep(text: string): string | null {
    return this.pay(text.length) ? text : null
  }
}

const fixedPrice = 32

/** What only the outermost header is asked for. */
export interface TraceHeader {
  readonly receivedCount: number
  readonly deliveredTo: readonly string[]
  readonly messageId: string | null
  readonly inReplyTo: readonly string[]
  readonly references: readonly string[]
}

/** A header, split once and asked for what is wanted. */
export class ParsedHeader {
  readonly #fields: readonly HeaderField[]
  readonly #purse: Purse
  readonly #first = new Map<string, HeaderField>()
  #duplicate = false

  constructor(text: string, purse: Purse) {
    const { fields, malformed } = splitHeader(text)
    this.#fields = fields
    this.#purse = purse
    if (malformed > 0) purse.note('header-malformed')
    for (const field of fields) {
      if (!this.#first.has(field.name)) this.#first.set(field.name, field)
      // RFC 5322 §3.6: fields with a maximum number of 1 whose doubling deceives readers.
      else if (onceOnly.has(field.name)) this.#duplicate = true
    }
    if (this.#duplicate) purse.note('header-duplicate')
  }

  /** `digest`: RFC 2046 §5.1.5, in which a part without Content-Type is a message. */
  entity(digest: boolean): EntityHeader {
    const disposition = this.#value('content-disposition')
    const language = this.#value('content-language')
    return {
      ...this.#mediaType(digest),
      id: this.#kept('content-id'),
      description: this.#kept('content-description'),
      // RFC 2045 §6.1: 7bit is the default.
      encoding: this.#encoding(),
      disposition: disposition === null ? null : this.#disposition(disposition),
      language: language === null || !this.#purse.pay(language.length) ? [] : languageTags(language),
      location: this.#kept('content-location'),
      md5: this.#kept('content-md5'),
    }
  }

  /** RFC 3501 §7.4.2. */
  envelope(): Envelope {
    const from = this.#addresses('from')
    return {
      date: this.#kept('date'),
      subject: this.#kept('subject'),
      from,
      // RFC 3501 §7.4.2: if the Sender or Reply-To lines are absent or empty, the server sets them from From.
      sender: this.#addresses('sender') ?? from,
      replyTo: this.#addresses('reply-to') ?? from,
      to: this.#addresses('to'),
      cc: this.#addresses('cc'),
      bcc: this.#addresses('bcc'),
      inReplyTo: this.#kept('in-reply-to'),
      messageId: this.#kept('message-id'),
    }
  }

  trace(): TraceHeader {
    const { references } = this.#purse.limits
    const deliveredTo: string[] = []
    let receivedCount = 0
    for (const field of this.#fields) {
      if (field.name === 'received') receivedCount++
      else if (field.name === 'delivered-to' && deliveredTo.length < references) {
        const value = this.#purse.keep(fieldValue(field))
        if (value !== null) deliveredTo.push(value)
      }
    }
    const messageId = this.#ids('message-id', 1)[0] ?? null
    const inReplyTo = this.#ids('in-reply-to', references)
    return {
      receivedCount,
      deliveredTo,
      messageId,
      inReplyTo,
      references: this.#ids('references', references),
    }
  }

  #mediaType(digest: boolean): { type: string; subtype: string; parameters: readonly Parameter[] } {
    const value = this.#value('content-type')
    const found = value === null ? undefined : tryMediaType(value)
    if (value !== null && found === undefined) this.#purse.note('content-type-malformed')
    if (found !== undefined && this.#purse.pay(found.type.length + found.subtype.length)) {
      return { type: found.type, subtype: found.subtype, parameters: this.#parameters(found.parameters) }
    }
    if (digest && value === null) return { type: 'message', subtype: 'rfc822', parameters: [] }
    // RFC 2045 §5.2: the default is text/plain in US-ASCII, also for syntactically invalid values.
    return { type: 'text', subtype: 'plain', parameters: [['charset', 'us-ascii']] }
  }

  #encoding(): string {
    const value = this.#value('content-transfer-encoding')
    const token = value === null ? '' : firstToken(value)
    return token === '' || !this.#purse.pay(token.length) ? '7bit' : token
  }

  #disposition(value: string): Disposition | null {
    const found = tryDisposition(value)
    if (found === undefined || !this.#purse.pay(found.type.length)) return null
    return { type: found.type, parameters: this.#parameters(found.parameters) }
  }

  #parameters(parameters: readonly Parameter[]): readonly Parameter[] {
    return parameters.filter(([name, value]) => this.#purse.pay(name.length + value.length))
  }

  #addresses(name: string): readonly EnvelopeAddress[] | null {
    const first = this.#first.get(name)
    if (first === undefined) return null
    let value = fieldValue(first)
    if (manyMeanOne.has(name)) {
      for (const field of this.#fields)
        if (field.name === name && field !== first) value += `,${fieldValue(field)}`
    }
    const { addresses, truncated } = parseAddressList(value, this.#purse.limits.addresses)
    if (truncated) this.#purse.note('kept-limit')
    const kept = addresses.filter((address) => this.#purse.pay(addressLength(address)))
    return kept.length === 0 ? null : kept
  }

  #ids(name: string, limit: number): string[] {
    const value = this.#value(name)
    return value === null ? [] : messageIds(value, limit).filter((id) => this.#purse.pay(id.length))
  }

  #value(name: string): string | null {
    const field = this.#first.get(name)
    return field === undefined ? null : fieldValue(field)
  }

  #kept(name: string): string | null {
    const value = this.#value(name)
    return value === null ? null : this.#purse.keep(value)
  }
}

const onceOnly: ReadonlySet<string> = new Set([
  'date',
  'from',
  'sender',
  'reply-to',
  'message-id',
  'in-reply-to',
  'references',
  'subject',
  'content-type',
  'content-transfer-encoding',
])
/** Recipients spread over several fields are still recipients. */
const manyMeanOne: ReadonlySet<string> = new Set(['to', 'cc', 'bcc'])

function addressLength(address: EnvelopeAddress): number {
  const { name, route, mailbox, host } = address
  return (name?.length ?? 0) + (route?.length ?? 0) + (mailbox?.length ?? 0) + (host?.length ?? 0)
}

// Writes a message (RFC 5322, RFC 2045-2049) from a tree of parts, as a stream of octets: nothing holds more than a piece.
//
// - The tree comes out as it is: each multipart with its parts in their order, each leaf with exactly the octets that were
//   given, whatever they are. Fields are the caller's; MIME-Version, Content-Transfer-Encoding and boundaries are added here.
// - What is encoded for transfer is encoded so that the message has 7 bits and lines of 76 characters. The exception are
//   enclosed messages, which may not be encoded (RFC 2046 §5.2.1): they are told as 8bit or binary where that is what they are.
// - Text and enclosed messages are read twice: first to choose how they travel.
import { Buffer } from 'node:buffer'
import { Base64Encoder, QuotedPrintableEncoder, type TransferEncoder } from '../transfer-encode.ts'
import { formatWithParameters } from './parameters.ts'

/** One entity (RFC 2045 §2.4). */
export interface ComposePart {
  /** `type/subtype`, valid; with a boundary of its own added where it is a multipart. */
  readonly mediaType: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
  /** Further fields, each with its CRLF, as binary strings. */
  readonly fields: readonly string[]
  readonly content: PartContent
}

export type PartContent =
  /** Lines may end with LF or CRLF. In UTF-8. */
  | { readonly type: 'text'; readonly text: string }
  /** May be read twice, and gives the same each time. */
  | { readonly type: 'octets'; readonly read: () => AsyncIterable<Uint8Array> }
  | { readonly type: 'multipart'; readonly parts: readonly ComposePart[] }

export interface ComposeMessage {
  /** The fields of the message's own, each with its CRLF, as binary strings; MIME-Version is added where it is missing. */
  readonly fields: readonly string[]
  readonly root: ComposePart
}

type Encoding = '7bit' | '8bit' | 'binary' | 'quoted-printable' | 'base64'

/** RFC 2046 §5.1.1: at most 70 characters. */
const longestBoundary = 70

/**
 * The message, lines ended by CRLF. `boundary`: a fresh identifier that no part holds, of at most 50 characters that a boundary
 * may have.
 */
export async function* composeMessage(
  message: ComposeMessage,
  boundary: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encodings = new Map<ComposePart, Encoding>()
  await plan(message.root, encodings)
  const hasVersion = message.fields.some((field) => /^mime-version[ \t]*:/i.test(field))
  const fields = hasVersion ? message.fields : [...message.fields, 'MIME-Version: 1.0\r\n']
  let parts = 0
  yield* write(message.root, {
    before: fields.join(''),
    encodings,
    // The number first: so none of them begins with another one (RFC 2046 §5.1.2).
    nextBoundary: () => `=_${++parts}.${boundary}`.slice(0, longestBoundary),
  })
}

/** Chooses how each part travels; that of the part. */
async function plan(part: ComposePart, encodings: Map<ComposePart, Encoding>): Promise<Encoding> {
  const encoding = await encodingOf(part, encodings)
  encodings.set(part, encoding)
  return encoding
}

async function encodingOf(part: ComposePart, encodings: Map<ComposePart, Encoding>): Promise<Encoding> {
  const { content, mediaType } = part
  const type = mediaType.toLowerCase()
  switch (content.type) {
    case 'multipart': {
      // RFC 2045 §6.4: a multipart is as wide as the widest of its parts.
      let widest: Encoding = '7bit'
      for (const child of content.parts) {
        const encoding = await plan(child, encodings)
        if (encoding === 'binary' || (encoding === '8bit' && widest === '7bit')) widest = encoding
      }
      return widest
    }
    case 'text': {
      const survey = new Survey()
      survey.push(Buffer.from(crlf(content.text), 'utf8'))
      return textEncoding(survey)
    }
    case 'octets': {
      if (!type.startsWith('text/') && !type.startsWith('message/')) return 'base64'
      const survey = new Survey()
      for await (const chunk of content.read()) survey.push(chunk)
      if (type.startsWith('text/')) return textEncoding(survey)
      if (survey.clean) return survey.eightBit === 0 ? '7bit' : '8bit'
      // RFC 2046 §5.2.1: "No encoding other than 7bit, 8bit, or binary is permitted"; RFC 6532 §3.7 lifts it for its own type.
      return type === 'message/global' ? 'base64' : 'binary'
    }
  }
}

function textEncoding(survey: Survey): Encoding {
  if (survey.clean && survey.eightBit === 0) return '7bit'
  // Quoted-printable while most of it stays readable; it triples what it encodes, base64 adds a third.
  return survey.eightBit * 6 > survey.size || survey.strayEnds * 6 > survey.size
    ? 'base64'
    : 'quoted-printable'
}

/** What octets are made of. */
class Survey {
  size = 0
  eightBit = 0
  /** CR and LF that stand alone. */
  strayEnds = 0
  #nul = false
  #longest = 0
  #line = 0
  #cr = false

  push(chunk: Uint8Array): void {
    this.size += chunk.length
    for (const octet of chunk) {
      if (octet === lf) {
        if (!this.#cr) this.strayEnds++
        this.#longest = Math.max(this.#longest, this.#line)
        this.#line = 0
        this.#cr = false
        continue
      }
      if (this.#cr) this.strayEnds++
      this.#cr = octet === cr
      if (this.#cr) continue
      this.#line++
      if (octet >= 0x80) this.eightBit++
      if (octet === 0) this.#nul = true
    }
  }

  /** RFC 2045 §2.7 and §2.8: lines of at most 998 octets, ended by CRLF, and no NUL. */
  get clean(): boolean {
    const ends = this.strayEnds === 0 && !this.#cr
    return ends && !this.#nul && Math.max(this.#longest, this.#line) <= 998
  }
}

interface Writing {
  /** What stands before the fields of the part. */
  readonly before: string
  readonly encodings: ReadonlyMap<ComposePart, Encoding>
  readonly nextBoundary: () => string
}

async function* write(part: ComposePart, writing: Writing): AsyncGenerator<Uint8Array, void, undefined> {
  const { before, encodings, nextBoundary } = writing
  const { content, mediaType } = part
  const encoding = encodings.get(part) ?? '7bit'
  const boundary = content.type === 'multipart' ? nextBoundary() : null
  const parameters = [
    ...part.parameters.filter(([name]) => boundary === null || name.toLowerCase() !== 'boundary'),
    ...(boundary === null ? [] : [['boundary', boundary] as const]),
  ]
  const type = formatWithParameters('Content-Type', mediaType, parameters)
  const transfer = encoding === '7bit' ? '' : `Content-Transfer-Encoding: ${encoding}\r\n`
  yield octets(`${before}${type}${part.fields.join('')}${transfer}\r\n`)
  if (content.type === 'multipart') {
    let first = true
    for (const child of content.parts) {
      // RFC 2046 §5.1.1: the line break before the boundary belongs to it.
      yield* write(child, { ...writing, before: `${first ? '' : '\r\n'}--${boundary}\r\n` })
      first = false
    }
    yield octets(`\r\n--${boundary}--\r\n`)
    return
  }
  if (content.type === 'text') {
    yield* encoded([Buffer.from(crlf(content.text), 'utf8')], encoding)
    return
  }
  yield* encoded(content.read(), encoding)
}

async function* encoded(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  encoding: Encoding,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = encoderOf(encoding)
  if (encoder === null) {
    for await (const chunk of chunks) yield chunk
    return
  }
  for await (const chunk of chunks) {
    const out = encoder.push(chunk)
    if (out.length > 0) yield out
  }
  const rest = encoder.finish()
  if (rest.length > 0) yield rest
}

function encoderOf(encoding: Encoding): TransferEncoder | null {
  if (encoding === 'base64') return new Base64Encoder()
  return encoding === 'quoted-printable' ? new QuotedPrintableEncoder() : null
}

/** RFC 2046 §4.1.1: lines of text end with CRLF. A CR alone stays one, and has the text encoded. */
function crlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n')
}

function octets(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

const lf = 10
const cr = 13

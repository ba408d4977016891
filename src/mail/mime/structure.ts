// What the MIME walk finds in a message, and the form in which the store keeps it.
//
// Strings taken from headers are *binary strings*: each UTF-16 unit is one octet (0-255) of the message, unfolded, with
// RFC 2047 encoded words still encoded. Nothing is lost (RFC 6532 UTF-8 and stray 8-bit alike), and IMAP can send them
// with `Buffer.from(text, 'latin1')`. `displayText` (header.ts) turns one into readable Unicode. The exceptions are
// `preview`, which is Unicode, and type names, which are lower-cased US-ASCII.
//
// Offsets are octets from the first byte that the walker was fed.

import type { EnvelopeAddress } from '../address-list.ts'
import type { Disposition, Parameter } from '../parameters.ts'

export type { Disposition, EnvelopeAddress, Parameter }

/** RFC 3501 §7.4.2 ENVELOPE. Null is NIL (the field is absent). `sender` and `replyTo` default to `from`. */
export interface Envelope {
  readonly date: string | null
  readonly subject: string | null
  readonly from: readonly EnvelopeAddress[] | null
  readonly sender: readonly EnvelopeAddress[] | null
  readonly replyTo: readonly EnvelopeAddress[] | null
  readonly to: readonly EnvelopeAddress[] | null
  readonly cc: readonly EnvelopeAddress[] | null
  readonly bcc: readonly EnvelopeAddress[] | null
  readonly inReplyTo: string | null
  readonly messageId: string | null
}

/** Of a message without a header, or whose header was beyond the walk's limits. */
export const emptyEnvelope: Envelope = {
  date: null,
  subject: null,
  from: null,
  sender: null,
  replyTo: null,
  to: null,
  cc: null,
  bcc: null,
  inReplyTo: null,
  messageId: null,
}

/** The message inside a message/rfc822 (or message/global) part. */
export interface EmbeddedMessage {
  readonly envelope: Envelope
  readonly root: Part
}

/** The content fields of an entity (RFC 2045 §3, RFC 2183, RFC 3282, RFC 2557 §4.2, RFC 1864). */
export interface EntityHeader {
  /** Lower-cased, for example `text`; RFC 2045 §5.2 defaults filled in. */
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly Parameter[]
  /** Content-ID with its angle brackets. */
  readonly id: string | null
  readonly description: string | null
  /** Lower-cased; `7bit` where absent (RFC 2045 §6.1). */
  readonly encoding: string
  readonly disposition: Disposition | null
  /** RFC 3282 language tags, in order; empty where absent. */
  readonly language: readonly string[]
  readonly location: string | null
  readonly md5: string | null
}

/** One MIME entity. Its header is `[headerStart, bodyStart)` with the blank line, its body `[bodyStart, bodyEnd)`. */
export interface Part extends EntityHeader {
  readonly headerStart: number
  readonly bodyStart: number
  /** The line break before the next boundary belongs to the boundary (RFC 2046 §5.1.1), so it is not in the body. */
  readonly bodyEnd: number
  /** Lines of the body, an unfinished last line counted. */
  readonly lines: number
  /** Children of a multipart, empty otherwise. */
  readonly parts: readonly Part[]
  /** Null unless message/rfc822 or message/global that was walked into. */
  readonly message: EmbeddedMessage | null
}

/** Everything that is known about a message without its bytes. */
export interface MessageStructure {
  /** Octets fed. */
  readonly size: number
  readonly envelope: Envelope
  readonly root: Part
  /** About 200 characters of readable text, white space folded; Unicode. */
  readonly preview: string
  /** RFC 5321 §6.3: Received fields at the top, for loop detection. */
  readonly receivedCount: number
  /** Addresses of Delivered-To fields, in order, bounded. */
  readonly deliveredTo: readonly string[]
  /** RFC 5322 §3.6.4 identifiers without angle brackets: the own one, and those that were answered, bounded. */
  readonly messageId: string | null
  readonly inReplyTo: readonly string[]
  readonly references: readonly string[]
  /** What was wrong or beyond a limit; words of the closed set `MimeDefect`. Each at most once, in order of finding. */
  readonly defects: readonly MimeDefect[]
}

/** What a walk may find wrong. None of them stops a delivery. */
export type MimeDefect =
  /** Nested deeper than `MimeLimits.depth`; the part there is opaque. */
  | 'depth-limit'
  /** More parts than `MimeLimits.parts`; the rest of the message is the body of the last one. */
  | 'parts-limit'
  /** A header or field was longer than its limit; the excess was not read. */
  | 'header-limit'
  /** More was found than `MimeLimits.keptOctets` allows to remember. */
  | 'kept-limit'
  /** A line in a header is no field. */
  | 'header-malformed'
  /** A header ended without an empty line. */
  | 'header-unfinished'
  /** From, Subject or another field that may stand once stands twice; the first counts. */
  | 'header-duplicate'
  | 'content-type-malformed'
  /** A multipart without a usable boundary; it is opaque. */
  | 'boundary-missing'
  /** The close delimiter of a multipart is missing. */
  | 'boundary-unclosed'
  /** RFC 2045 §6.4: a multipart or message with base64 or quoted-printable. */
  | 'composite-encoded'
  /** Lines that end without CR. */
  | 'bare-newline'

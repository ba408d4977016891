// How much of a message the MIME walk looks at and remembers. Beyond a limit nothing fails: the rest is opaque, and the
// structure says so in `defects`.

/** Limits of one walk; octets and counts. */
export interface MimeLimits {
  /** Entities inside one another, multipart and message/rfc822 alike. */
  readonly depth: number
  /** Entities in all. */
  readonly parts: number
  /** Octets of one header that are read. */
  readonly headerOctets: number
  /** Octets of one field that are read; the fields after an overlong one still count. */
  readonly fieldOctets: number
  /** Octets of a boundary; RFC 2046 §5.1.1 allows 70. */
  readonly boundaryOctets: number
  /** Entries of one address field, group marks counted. */
  readonly addresses: number
  /** Message identifiers kept of References and of In-Reply-To, and Delivered-To fields kept. */
  readonly references: number
  /** Octets of text that a structure may hold in all, with 32 for each thing counted. */
  readonly keptOctets: number
  /** Octets of a text/plain body that the preview is made from. */
  readonly previewPlainOctets: number
  /** Octets of a text/html body that the preview is made from; style sheets come first in many. */
  readonly previewHtmlOctets: number
  /** Characters of the preview. */
  readonly previewCharacters: number
}

export const defaultMimeLimits: MimeLimits = {
  depth: 100,
  parts: 1_000,
  headerOctets: 256 * 1024,
  fieldOctets: 64 * 1024,
  boundaryOctets: 250,
  addresses: 10_000,
  references: 100,
  keptOctets: 512 * 1024,
  previewPlainOctets: 2 * 1024,
  previewHtmlOctets: 16 * 1024,
  previewCharacters: 200,
}

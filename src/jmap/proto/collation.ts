// How strings are ordered (RFC 8620 §5.5 `collation`): by keys that are made of them once. The collations that have a name in
// RFC 4790's registry compare keys octet by octet. Where none is asked for it is the Unicode Collation Algorithm, which that section
// names beside i;unicode-casemap: people find "a@x" before "a2@x" and "é" before "f" there. It is English everywhere, which changes
// nothing of the root order: an order that went with the machine's language would not be the same on two servers of one store.
import { Buffer } from 'node:buffer'
import { fold } from '../../mail/search-text/fold.ts'

export interface TextOrder {
  readonly keyOf: (text: string) => string
  /** Of two keys: below, above or equal to 0. */
  readonly compare: (one: string, other: string) => number
}

/** `collation` is one of `collations`; undefined: ours. */
export function textOrder(collation: string | undefined): TextOrder {
  switch (collation) {
    case 'i;octet':
      return { keyOf: octets, compare: compareOctets }
    // RFC 4790 §9.2.1: letters of ASCII as capitals.
    case 'i;ascii-casemap':
      return {
        keyOf: (text) => octets(text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
        compare: compareOctets,
      }
    // RFC 5051 §2 compares title case.
    case 'i;unicode-casemap':
      return { keyOf: (text) => octets(fold(text).toUpperCase()), compare: compareOctets }
    default:
      return unicodeOrder()
  }
}

/** RFC 8620 §5.5: the default "MUST be unicode-aware" and "SHOULD be case insensitive": texts are folded before. */
function unicodeOrder(): TextOrder {
  const { compare } = new Intl.Collator('en')
  return { keyOf: fold, compare: (one, other) => (one === other ? 0 : compare(one, other)) }
}

/** A binary string: its order is that of the octets of UTF-8, which that of UTF-16 units is not. */
function octets(text: string): string {
  return /[\ud800-\uffff]/.test(text) ? Buffer.from(text).toString('latin1') : utf8(text)
}

function utf8(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has controls
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1')
}

function compareOctets(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

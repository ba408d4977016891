// Keys by which strings are compared (RFC 8620 §5.5 `collation`): two texts are in the order of their keys, octet by octet.
import { Buffer } from 'node:buffer'
import { fold } from '../../mail/search-text/fold.ts'

/** `collation` is one of `collations`; undefined: ours, i;unicode-casemap. */
export function collationKey(text: string, collation: string | undefined): string {
  switch (collation) {
    case 'i;octet':
      return octets(text)
    // RFC 4790 §9.2.1: letters of ASCII as capitals.
    case 'i;ascii-casemap':
      return octets(text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()))
    // RFC 5051 §2 compares title case.
    default:
      return octets(fold(text).toUpperCase())
  }
}

/** A binary string: its order is that of the octets of UTF-8, which that of UTF-16 units is not. */
function octets(text: string): string {
  return /[\ud800-\uffff]/.test(text) ? Buffer.from(text).toString('latin1') : utf8(text)
}

function utf8(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has controls
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1')
}

/** Of two keys. */
export function compareKeys(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

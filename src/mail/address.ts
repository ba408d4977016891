// Mailboxes as SMTP writes them (RFC 5321 §4.1.2, RFC 6531 §3.3): parse, format, compare.
//
// An `Address` exists only if it is well formed. Its `localPart` is the meaning, without quotes: `"ann"@x` and `ann@x`
// are one mailbox (RFC 5321 §4.1.2), so no later code can be fooled by quoting. There are no comments, groups or white
// space here: that is the header grammar (header.ts).
import type { AddressLiteral, Domain } from './domain.ts'

declare const localPartBrand: unique symbol
/** A local part without its quoting, NFC; at most 64 octets in UTF-8. */
export type LocalPart = string & { readonly [localPartBrand]: true }

/** A mailbox. Made only by `parseAddress` and `makeAddress`. */
export interface Address {
  readonly localPart: LocalPart
  /** The domain in A-label form, or null where the address has a literal. */
  readonly domain: Domain | null
  /** `[192.0.2.1]`, `[IPv6:…]` or `[tag:…]`, or null where the address has a domain. */
  readonly literal: AddressLiteral | null
  /** What stands after the at sign as it was written (U-labels kept), for headers and replies. */
  readonly domainText: string
  /** True where the local part or the domain as written needs SMTPUTF8 (RFC 6531 §3.2). */
  readonly utf8: boolean
}

// Mailboxes as SMTP writes them (RFC 5321 §4.1.2, RFC 6531 §3.3): parse, format, compare.
//
// An `Address` exists only if it is well formed. Its `localPart` is the meaning, without quotes: `"ann"@x` and `ann@x`
// are one mailbox (RFC 5321 §4.1.2), so no later code can be fooled by quoting. There are no comments, groups or white
// space here: that is the header grammar (address-list.ts). One pass over the text, no backtracking.
import {
  type AddressLiteral,
  displayDomain,
  type Domain,
  domainOctets,
  parseDomain,
  tryAddressLiteral,
  tryDomain,
} from './domain.ts'

declare const localPartBrand: unique symbol
/** A local part without its quoting: printable characters and spaces, no controls; it may be empty (`""@x`). */
export type LocalPart = string & { readonly [localPartBrand]: true }

/** A mailbox. Made only by this file. */
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

/** RFC 5321 §4.5.3.1.1: octets of a local part as written, in UTF-8. */
export const localPartOctets = 64
/** RFC 5321 §4.5.3.1.3: octets of a path with its angle brackets, so 254 for the mailbox inside. */
export const pathOctets = 256

/** Why a text is no address. `needs-utf8`: it would be one with SMTPUTF8 (reply 5.6.7). */
export type AddressFailure =
  | 'local-part-syntax'
  | 'local-part-too-long'
  | 'domain-missing'
  | 'domain-syntax'
  | 'domain-too-long'
  | 'path-too-long'
  | 'needs-utf8'

/** An address, or why there is none. */
export type ParsedAddress =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly failure: AddressFailure }

/** An address at the front of a longer text, and where it ends; or why there is none. */
export type ScannedAddress =
  | { readonly ok: true; readonly address: Address; readonly end: number }
  | { readonly ok: false; readonly failure: AddressFailure }

/** Whether characters beyond US-ASCII are allowed: only under SMTPUTF8 (RFC 6531 §3.4). */
export interface AddressOptions {
  readonly utf8?: boolean
}

/** RFC 5321 §4.1.2 `Mailbox`: the whole text must be one. Never throws. */
export function parseAddress(text: string, options: AddressOptions = {}): ParsedAddress {
  const scanned = scanAddress(text, 0, options)
  if (!scanned.ok) return scanned
  if (scanned.end !== text.length) return { ok: false, failure: 'domain-syntax' }
  return { ok: true, address: scanned.address }
}

/** The address, or undefined. */
export function tryAddress(text: string, options: AddressOptions = {}): Address | undefined {
  const parsed = parseAddress(text, options)
  return parsed.ok ? parsed.address : undefined
}

/** Reads a `Mailbox` that starts at `start` and ends before the first character that cannot belong to it. */
export function scanAddress(text: string, start: number, options: AddressOptions = {}): ScannedAddress {
  const local = text.charCodeAt(start) === quote ? scanQuoted(text, start) : scanDotString(text, start)
  if (local === undefined) return { ok: false, failure: 'local-part-syntax' }
  const nonAscii = !isAscii(local.value)
  if (nonAscii && !local.value.isWellFormed()) return { ok: false, failure: 'local-part-syntax' }
  if (nonAscii && options.utf8 !== true) return { ok: false, failure: 'needs-utf8' }
  // RFC 5321 §4.5.3.1.1: the maximum total length of a user name or other local-part is 64 octets.
  const octets = local.end - start + (nonAscii ? utf8Octets(local.value) - local.value.length : 0)
  if (octets > localPartOctets) return { ok: false, failure: 'local-part-too-long' }
  if (text.charCodeAt(local.end) !== at) return { ok: false, failure: 'domain-missing' }
  const from = local.end + 1
  const end = text.charCodeAt(from) === openBracket ? literalEnd(text, from) : domainEnd(text, from)
  if (end === from) return { ok: false, failure: 'domain-missing' }
  const made = build(local.value, text.slice(from, end), options)
  if (!made.ok) return made
  const total = octets + 1 + utf8Octets(made.address.domainText)
  // RFC 5321 §4.5.3.1.3: the maximum total length of a path is 256 octets, punctuation included.
  if (total > pathOctets - 2) return { ok: false, failure: 'path-too-long' }
  return { ok: true, address: made.address, end }
}

/** An address from an unquoted local part and a domain or literal; undefined where they make none. */
export function makeAddress(
  localPart: string,
  domainText: string,
  options: AddressOptions = {},
): Address | undefined {
  if (!isMailText(localPart)) return undefined
  return tryAddress(`${formatLocalPart(localPart)}@${domainText}`, options)
}

/** RFC 5321 §4.1.2: the form with the least quoting; the domain as it was written. */
export function formatAddress(address: Address): string {
  return `${formatLocalPart(address.localPart)}@${address.domainText}`
}

/** As `formatAddress`, with the domain in A-labels: what a peer without SMTPUTF8 gets if the local part is ASCII. */
export function formatAddressAscii(address: Address): string {
  return `${formatLocalPart(address.localPart)}@${address.domain ?? address.literal ?? address.domainText}`
}

/** An `addressKey`, or the `@domain` of a catch-all, with its domain in U-labels: for people. */
export function displayAddress(key: string): string {
  const from = key.lastIndexOf('@') + 1
  const domain = tryDomain(key.slice(from))
  return domain === undefined ? key : key.slice(0, from) + displayDomain(domain)
}

/** How `addressKey` treats the letters of the local part. */
export interface AddressKeyOptions {
  /** `fold` (default) for our own mailboxes; `preserve` where another host gives the letters their meaning. */
  readonly localPartCase?: 'fold' | 'preserve'
}

/**
 * One string per mailbox, for look-up and comparison: NFC local part (RFC 6532 §3.1), a quoted form only where it must
 * be, domain in lower-case A-labels. Folding makes `Ann` and `ann` one, as RFC 5321 §2.4 advises a receiving host.
 */
export function addressKey(address: Address, options: AddressKeyOptions = {}): string {
  const normal = localPartKey(address.localPart, options)
  return `${formatLocalPart(normal)}@${address.domain ?? address.literal ?? ''}`
}

/** The local part alone as `addressKey` writes it, but unquoted. */
export function localPartKey(localPart: string, options: AddressKeyOptions = {}): string {
  if (isAscii(localPart)) return options.localPartCase === 'preserve' ? localPart : localPart.toLowerCase()
  const normal = localPart.normalize('NFC')
  return options.localPartCase === 'preserve' ? normal : normal.toLowerCase().normalize('NFC')
}

/** A local part cut at its first separator. */
export interface Subaddress {
  readonly base: string
  /** What follows the separator (RFC 5233 §1 `:detail`), or null where there is none. */
  readonly detail: string | null
}

/** `ann+x` becomes `ann` and `x`. A separator at the very front does not count, and '' never splits. */
export function splitSubaddress(localPart: string, separator: string): Subaddress {
  const cut = separator === '' ? -1 : localPart.indexOf(separator)
  if (cut <= 0) return { base: localPart, detail: null }
  return { base: localPart.slice(0, cut), detail: localPart.slice(cut + separator.length) }
}

/** RFC 5321 §4.1.2: dot-string where it is one, else a quoted string with the fewest backslashes. */
export function formatLocalPart(localPart: string): string {
  const dotString = scanDotString(localPart, 0)
  if (dotString !== undefined && dotString.end === localPart.length) return localPart
  let quoted = '"'
  for (const character of localPart) {
    quoted += character === '"' || character === '\\' ? `\\${character}` : character
  }
  return `${quoted}"`
}

interface Scanned {
  readonly value: string
  readonly end: number
}

/** `Dot-string = Atom *("." Atom)`, atext extended by UTF8-non-ascii (RFC 6531 §3.3). */
function scanDotString(text: string, start: number): Scanned | undefined {
  let end = start
  let afterDot = true
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end)
    if (unit === dot) {
      if (afterDot) return undefined
      afterDot = true
    } else if (isAtext(unit)) afterDot = false
    else break
  }
  return afterDot ? undefined : { value: text.slice(start, end), end }
}

/** `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`; the value is without quotes and backslashes. */
function scanQuoted(text: string, start: number): Scanned | undefined {
  let value = ''
  let run = start + 1
  for (let index = run; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit === quote) return { value: value + text.slice(run, index), end: index + 1 }
    if (isControl(unit)) return undefined
    if (unit !== backslash) continue
    value += text.slice(run, index)
    run = ++index
    const escaped = text.charCodeAt(index)
    // quoted-pairSMTP = %d92 %d32-126; charCodeAt gives NaN past the end, which fails too.
    if (!(escaped >= 32 && escaped <= 126)) return undefined
  }
  return undefined
}

function build(localPart: string, domainText: string, options: AddressOptions): ParsedAddress {
  const localUtf8 = !isAscii(localPart)
  // The callers have checked the grammar of the local part, so this is where the brand is earned.
  const branded = localPart as LocalPart
  if (domainText.startsWith('[')) {
    if (domainText.length > domainOctets) return { ok: false, failure: 'domain-too-long' }
    const literal = tryAddressLiteral(domainText)
    if (literal === undefined) return { ok: false, failure: 'domain-syntax' }
    return {
      ok: true,
      address: { localPart: branded, domain: null, literal, domainText: literal, utf8: localUtf8 },
    }
  }
  const parsed = parseDomain(domainText, options)
  if (!parsed.ok) return parsed
  const utf8 = localUtf8 || !isAscii(domainText)
  return { ok: true, address: { localPart: branded, domain: parsed.domain, literal: null, domainText, utf8 } }
}

/** The end of a literal at `from`, its bracket included; the end of the text where no bracket closes it. */
function literalEnd(text: string, from: number): number {
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit === closeBracket) return index + 1
    if (unit <= 32) return index
  }
  return text.length
}

function domainEnd(text: string, from: number): number {
  let end = from
  while (end < text.length && isDomainUnit(text.charCodeAt(end))) end++
  return end
}

/** Printable characters and spaces only: what a quoted string can carry. */
function isMailText(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (isControl(text.charCodeAt(index))) return false
  return text.isWellFormed()
}

const quote = 0x22
const dot = 0x2e
const at = 0x40
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d

/** RFC 5322 §3.2.3 `atext`, and all beyond US-ASCII (RFC 6532 §3.2) but the C1 controls. */
function isAtext(unit: number): boolean {
  if (unit >= 0x80) return unit > 0x9f
  const lower = unit | 0x20
  if ((lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39)) return true
  return atextPunctuation.includes(String.fromCharCode(unit)) && unit > 32
}

const atextPunctuation = "!#$%&'*+-/=?^_`{|}~"

function isDomainUnit(unit: number): boolean {
  const lower = unit | 0x20
  if (unit >= 0x80 || (lower >= 0x61 && lower <= 0x7a) || (unit >= 0x30 && unit <= 0x39)) return true
  return unit === 0x2d || unit === dot || unit === 0x5f
}

/** C0, DEL and C1: never part of an address, so none can break a line, a log or a terminal. */
function isControl(unit: number): boolean {
  return unit < 32 || (unit >= 0x7f && unit <= 0x9f)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= 0x80) return false
  return true
}

function utf8Octets(text: string): number {
  let octets = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    // A surrogate pair is two units and four octets; any other unit from U+0800 on is three octets.
    if (unit >= 0x80) octets += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return octets
}

// Domain names and address literals as mail uses them (RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.3).
//
// A `Domain` is one name in one spelling: lower-case A-labels, no final dot, so that two are equal exactly when the
// strings are. U-labels are mapped by UTS #46 in its strict form. Refused: empty and overlong labels, a hyphen at either
// end, underscores, fake A-labels, and dotted decimals posing as names (RFC 1123 §2.1).
import tr46 from 'tr46'

declare const domainBrand: unique symbol
/** A domain in lower-case A-label form (`xn--…`), 1 to 255 octets, no final dot. */
export type Domain = string & { readonly [domainBrand]: true }

declare const literalBrand: unique symbol
/** An address literal with its brackets, normalised: `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[tag:…]`. */
export type AddressLiteral = string & { readonly [literalBrand]: true }

/** RFC 5321 §4.5.3.1.2: octets of a domain or literal. */
export const domainOctets = 255
/** RFC 1035 §2.3.4: octets of one label. */
export const labelOctets = 63

/** Why a text is no domain. */
export type DomainFailure = 'domain-syntax' | 'domain-too-long' | 'needs-utf8'

/** A domain, or why there is none. */
export type ParsedDomain =
  | { readonly ok: true; readonly domain: Domain }
  | { readonly ok: false; readonly failure: DomainFailure }

/** Whether U-labels are allowed: only where SMTPUTF8 or a header of RFC 6532 lets them be. */
export interface DomainOptions {
  readonly utf8?: boolean
}

/** RFC 5321 §4.1.2 `Domain`, with RFC 6531 §3.3 `U-label` when `utf8`. Never throws. */
export function parseDomain(text: string, options: DomainOptions = {}): ParsedDomain {
  const shape = inspect(text)
  if (shape === 'bad') return { ok: false, failure: 'domain-syntax' }
  if (shape === 'non-ascii') {
    if (options.utf8 !== true) return { ok: false, failure: 'needs-utf8' }
    return mapUnicode(text)
  }
  // RFC 5321 §4.5.3.1.2: The maximum total length of a domain name or number is 255 octets.
  if (text.length > domainOctets) return { ok: false, failure: 'domain-too-long' }
  const lower = text.toLowerCase()
  if (!hasGoodLabels(lower)) return { ok: false, failure: 'domain-syntax' }
  // RFC 5890 §2.3.2.1: a label that starts with xn-- is an A-label only if it stands for a valid U-label.
  if (lower.startsWith('xn--') || lower.includes('.xn--')) return mapUnicode(lower)
  return { ok: true, domain: brand(lower) }
}

/** The domain, or undefined. */
export function tryDomain(text: string, options: DomainOptions = {}): Domain | undefined {
  const parsed = parseDomain(text, options)
  return parsed.ok ? parsed.domain : undefined
}

/** The domain with U-labels, for people. A name that cannot be shown so stays as it is. */
export function displayDomain(domain: Domain): string {
  if (!domain.includes('xn--')) return domain
  const { domain: text, error } = tr46.toUnicode(domain, strict)
  return error ? domain : text
}

/** RFC 5321 §4.1.3 `address-literal` with its brackets; undefined where it is none. The result is normalised. */
export function tryAddressLiteral(text: string): AddressLiteral | undefined {
  if (text.length > domainOctets || !text.startsWith('[') || !text.endsWith(']')) return undefined
  const inside = text.slice(1, -1)
  const ipv4 = tryIpv4(inside)
  if (ipv4 !== undefined) return brandLiteral(`[${ipv4}]`)
  const colon = inside.indexOf(':')
  if (colon <= 0) return undefined
  const tag = inside.slice(0, colon)
  if (tag.toLowerCase() === 'ipv6') {
    const ipv6 = tryIpv6(inside.slice(colon + 1))
    return ipv6 === undefined ? undefined : brandLiteral(`[IPv6:${ipv6}]`)
  }
  return isTag(tag) && isDcontent(inside, colon + 1) ? brandLiteral(text) : undefined
}

/** The literal of an IP address in text form, or undefined where it is none. */
export function literalOf(ipAddress: string): AddressLiteral | undefined {
  const ipv4 = tryIpv4(ipAddress)
  if (ipv4 !== undefined) return brandLiteral(`[${ipv4}]`)
  const ipv6 = tryIpv6(ipAddress)
  return ipv6 === undefined ? undefined : brandLiteral(`[IPv6:${ipv6}]`)
}

/** The IP address inside a literal, or undefined for the general form, which nobody can connect to. */
export function ipOfLiteral(literal: AddressLiteral): string | undefined {
  if (literal.startsWith('[IPv6:')) return literal.slice(6, -1)
  const inside = literal.slice(1, -1)
  return inside.includes(':') ? undefined : inside
}

/** RFC 5321 §4.1.3 `IPv4-address-literal`: four decimal numbers to 255, without superfluous zeros in the result. */
export function tryIpv4(text: string): string | undefined {
  if (text.length > 15) return undefined
  let dots = 0
  let digits = 0
  let value = 0
  let plain = true
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === dot) {
      if (digits === 0) return undefined
      dots++
      digits = value = 0
    } else {
      if (!isDigit(unit)) return undefined
      if (digits === 1 && value === 0) plain = false
      value = value * 10 + unit - 0x30
      if (++digits > 3 || value > 255) return undefined
    }
  }
  if (dots !== 3 || digits === 0) return undefined
  return plain ? text : text.split('.').map(Number).join('.')
}

/** RFC 5321 §4.1.3 `IPv6-addr`, in the one spelling of RFC 5952 §4; undefined where it is none. Zones are refused. */
export function tryIpv6(text: string): string | undefined {
  if (text.length < 2 || text.length > 45) return undefined
  const gap = text.indexOf('::')
  if (gap < 0) {
    const groups = readGroups(text)
    return groups?.length === 8 ? formatIpv6(groups) : undefined
  }
  const before = gap === 0 ? [] : readGroups(text.slice(0, gap))
  const after = gap + 2 === text.length ? [] : readGroups(text.slice(gap + 2))
  if (before === undefined || after === undefined) return undefined
  // RFC 5321 §4.1.3: the "::" represents at least 2 groups of zeros, but RFC 4291 §2.2, which text forms made by
  // operating systems follow, allows 1; both are taken.
  const missing = 8 - before.length - after.length
  if (missing < 1 || text.slice(0, gap).includes('.')) return undefined
  return formatIpv6([...before, ...Array.from({ length: missing }, () => 0), ...after])
}

const strict = {
  checkBidi: true,
  checkHyphens: true,
  checkJoiners: true,
  useSTD3ASCIIRules: true,
  transitionalProcessing: false,
  verifyDNSLength: false,
} as const

function mapUnicode(text: string): ParsedDomain {
  // An A-label is never shorter than its U-label, so this refuses nothing good and bounds the mapping.
  if (text.length > domainOctets) return { ok: false, failure: 'domain-too-long' }
  const ascii = tr46.toASCII(text, strict)
  if (ascii === null || !hasGoodLabels(ascii)) return { ok: false, failure: 'domain-syntax' }
  // RFC 5890 §2.3.2.1: a U-label is what its A-label gives back. UTS #46 would also take invisible characters and other
  // dots, and drop or map them: two spellings that look alike would then be one name in one place and two in another.
  if (!sameName(text, ascii)) return { ok: false, failure: 'domain-syntax' }
  if (ascii.length > domainOctets) return { ok: false, failure: 'domain-too-long' }
  return { ok: true, domain: brand(ascii) }
}

function sameName(text: string, ascii: string): boolean {
  const folded = text.normalize('NFC').toLowerCase().normalize('NFC')
  return folded === ascii || folded === tr46.toUnicode(ascii, strict).domain
}

function inspect(text: string): 'ascii' | 'non-ascii' | 'bad' {
  if (text === '') return 'bad'
  let ascii = true
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit >= 0x80) ascii = false
    else if (!isLetterDigit(unit) && unit !== hyphen && unit !== dot) return 'bad'
  }
  if (ascii) return 'ascii'
  return text.isWellFormed() ? 'non-ascii' : 'bad'
}

/** RFC 5321 §4.1.2: `sub-domain = Let-dig [Ldh-str]`; takes ASCII that `inspect` has passed. */
function hasGoodLabels(text: string): boolean {
  let start = 0
  let allDigits = true
  for (let at = 0; at <= text.length; at++) {
    const unit = at === text.length ? dot : text.charCodeAt(at)
    if (unit !== dot) {
      if (!isLdh(unit)) return false
      if (!isDigit(unit)) allDigits = false
      continue
    }
    if (at === start || at - start > labelOctets) return false
    if (text.charCodeAt(start) === hyphen || text.charCodeAt(at - 1) === hyphen) return false
    if (at === text.length) break
    start = at + 1
    allDigits = true
  }
  // RFC 1123 §2.1: a valid host name can never have the dotted-decimal form, since the highest label is alphabetic.
  return !allDigits
}

function readGroups(text: string): number[] | undefined {
  const words = text.split(':')
  const groups: number[] = []
  for (const [index, word] of words.entries()) {
    if (word.includes('.')) {
      const ipv4 = index === words.length - 1 ? tryIpv4(word) : undefined
      if (ipv4 === undefined) return undefined
      const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
      groups.push(a * 256 + b, c * 256 + d)
    } else {
      if (word.length < 1 || word.length > 4 || !isEvery(word, isHexDigit)) return undefined
      groups.push(Number.parseInt(word, 16))
    }
  }
  return groups
}

/** RFC 5952 §4.2: the longest run of two or more zero groups is shortened, the first of equals. */
function formatIpv6(groups: readonly number[]): string {
  let start = -1
  let length = 1
  for (let at = 0; at < 8; at++) {
    let run = 0
    while (at + run < 8 && groups[at + run] === 0) run++
    if (run > length) [start, length] = [at, run]
  }
  const hex = groups.map((group) => group.toString(16))
  if (start < 0) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** RFC 5321 §4.1.3: `Standardized-tag = Ldh-str`. */
function isTag(tag: string): boolean {
  return isEvery(tag, isLdh) && !tag.endsWith('-')
}

/** RFC 5321 §4.1.3: `1*dcontent`, printable US-ASCII without brackets and backslash. */
function isDcontent(text: string, from: number): boolean {
  if (from >= text.length) return false
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 33 || unit > 126 || (unit >= 91 && unit <= 93)) return false
  }
  return true
}

const hyphen = 0x2d
const dot = 0x2e

function isEvery(text: string, test: (unit: number) => boolean): boolean {
  for (let at = 0; at < text.length; at++) if (!test(text.charCodeAt(at))) return false
  return true
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

function isHexDigit(unit: number): boolean {
  const lower = unit | 0x20
  return isDigit(unit) || (lower >= 0x61 && lower <= 0x66)
}

function isLetterDigit(unit: number): boolean {
  const lower = unit | 0x20
  return isDigit(unit) || (lower >= 0x61 && lower <= 0x7a)
}

function isLdh(unit: number): boolean {
  return isLetterDigit(unit) || unit === hyphen
}

function brand(text: string): Domain {
  // The one place where a Domain is made: every caller has checked the grammar.
  return text as Domain
}

function brandLiteral(text: string): AddressLiteral {
  // The one place where an AddressLiteral is made: every caller has checked the grammar.
  return text as AddressLiteral
}

// The grammar of command arguments (RFC 5321 §4.1.2), on lines that framing has already found to be printable text.
//
// Lenient in two places, where refusing helps nobody: spaces after the colon of MAIL FROM: and RCPT TO: (RFC 5321 §3.3
// knows them as a common error), and spaces at a line's end. Strict in all others: a path has its angle brackets, a
// parameter is known, stands once and has a value of its grammar.
import { Buffer } from 'node:buffer'
import { scanAddress, type Address } from '../../mail/address.ts'
import { parseDomain, tryAddressLiteral } from '../../mail/domain.ts'
import type { BodyType, Recipient } from './questions.ts'
import { replies, type Reply } from './reply.ts'

/** A verb in capitals and what follows it, without the space between. */
export interface CommandText {
  readonly verb: string
  readonly argument: string
}

/** Splits a line. RFC 5321 §2.4: verbs are not case sensitive. */
export function splitCommand(line: string): CommandText {
  const space = line.indexOf(' ')
  if (space < 0) return { verb: line.toUpperCase(), argument: '' }
  return { verb: line.slice(0, space).toUpperCase(), argument: line.slice(space + 1).trim() }
}

/** `esmtp-param`s by keyword in capitals; a keyword without value has null. */
export type Parameters = ReadonlyMap<string, string | null>

const noParameters: Parameters = new Map()

/** RFC 5321 §4.1.2: `esmtp-param *(SP esmtp-param)`. Parameters are few, whatever the line's limit. */
export function parseParameters(text: string): Parameters | Reply {
  if (text === '') return noParameters
  const parameters = new Map<string, string | null>()
  for (const part of text.split(' ')) {
    if (part === '') continue
    // esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); esmtp-value = 1*(%d33-60 / %d62-126), and RFC 6531 §3.3
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?$/.exec(part)
    if (match === null) return replies.syntax('keyword[=value] after the path')
    const keyword = (match[1] ?? '').toUpperCase()
    if (parameters.has(keyword)) return replies.repeatedParameter(keyword)
    parameters.set(keyword, match[2] ?? null)
  }
  return parameters
}

/** A path and what follows it. */
export interface ReversePathArgument {
  /** Null for `<>`. */
  readonly reversePath: Address | null
  readonly parameters: string
}

/** `"FROM:" Reverse-path [SP Mail-parameters]`, where `Reverse-path = Path / "<>"` (RFC 5321 §4.1.1.2). */
export function parseReversePath(argument: string): ReversePathArgument | Reply {
  const start = pathStart(argument, 'FROM:')
  if (start === undefined) return replies.syntax('MAIL FROM:<address> [parameters]')
  if (argument.startsWith('<>', start)) {
    const rest = afterPath(argument, start + 2)
    return rest === undefined ? replies.badReversePath : { reversePath: null, parameters: rest }
  }
  const path = parsePath(argument, start)
  if (path === 'too-long') return replies.reversePathTooLong
  if (path === undefined) return replies.badReversePath
  return { reversePath: path.address, parameters: path.rest }
}

export interface ForwardPathArgument {
  readonly recipient: Recipient
  readonly parameters: string
}

/** `"TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]` (RFC 5321 §4.1.1.3). */
export function parseForwardPath(argument: string): ForwardPathArgument | Reply {
  const start = pathStart(argument, 'TO:')
  if (start === undefined) return replies.syntax('RCPT TO:<address> [parameters]')
  if (argument.slice(start, start + 12).toLowerCase() === '<postmaster>') {
    const rest = afterPath(argument, start + 12)
    if (rest === undefined) return replies.badForwardPath
    return { recipient: plainRecipient(null, ''), parameters: rest }
  }
  const path = parsePath(argument, start)
  if (path === 'too-long') return replies.pathTooLong
  if (path === undefined) return replies.badForwardPath
  return {
    recipient: plainRecipient(path.address, path.sourceRoute),
    parameters: path.rest,
  }
}

/** Without parameters; written out, since every recipient makes one. */
function plainRecipient(address: Address | null, sourceRoute: string): Recipient {
  return { address, sourceRoute, notify: null, originalRecipient: null, requireValidSince: null }
}

/** Where the path begins after `FROM:` or `TO:`, in any case; undefined where that is missing. */
function pathStart(argument: string, keyword: string): number | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  let start = keyword.length
  while (argument[start] === ' ') start++
  return start
}

interface Path {
  readonly address: Address
  readonly sourceRoute: string
  readonly rest: string
}

/** `Path = "<" [ A-d-l ":" ] Mailbox ">"`. Whether non-ASCII is allowed is decided later, by the transaction. */
function parsePath(text: string, start: number): Path | 'too-long' | undefined {
  if (text[start] !== '<') return undefined
  const route = text[start + 1] === '@' ? scanSourceRoute(text, start + 1) : { text: '', end: start + 1 }
  if (route === undefined) return undefined
  const scanned = scanAddress(text, route.end, { utf8: true })
  if (!scanned.ok) return scanned.failure.endsWith('too-long') ? 'too-long' : undefined
  if (text[scanned.end] !== '>') return undefined
  const rest = afterPath(text, scanned.end + 1)
  return rest === undefined ? undefined : { address: scanned.address, sourceRoute: route.text, rest }
}

/** What follows a path: nothing, or a space and parameters. */
function afterPath(text: string, end: number): string | undefined {
  if (end === text.length) return ''
  return text[end] === ' ' ? text.slice(end + 1).trim() : undefined
}

/** RFC 5321 §4.1.2: `A-d-l = At-domain *( "," At-domain )`, `At-domain = "@" Domain`; to be accepted and ignored. */
function scanSourceRoute(text: string, start: number): { text: string; end: number } | undefined {
  const colon = text.indexOf(':', start)
  if (colon < 0) return undefined
  const route = text.slice(start, colon)
  for (const hop of route.split(',')) {
    if (!hop.startsWith('@') || !parseDomain(hop.slice(1), { utf8: true }).ok) return undefined
  }
  return { text: route, end: colon + 1 }
}

/**
 * The argument of HELO and EHLO: `Domain / address-literal` (RFC 5321 §4.1.1.1), as sent. Underscores are let through:
 * hosts have them, and a name that is only logged is no reason to refuse mail (RFC 5321 §4.1.4).
 */
export function tryHelloName(argument: string): string | undefined {
  if (argument.length > 255) return undefined
  if (argument.startsWith('[')) return tryAddressLiteral(argument)
  return /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(
    argument,
  )
    ? argument
    : undefined
}

/** RFC 1870 §6.1: `size-value ::= 1*20DIGIT`. */
export function trySize(value: string | null): number | undefined {
  return value !== null && /^[0-9]{1,20}$/.test(value) ? Number(value) : undefined
}

/** RFC 3030 §3: `body-value ::= "7BIT" / "8BITMIME" / "BINARYMIME"`. */
export function tryBodyType(value: string | null): BodyType | undefined {
  const body = value?.toUpperCase()
  return body === '7BIT' || body === '8BITMIME' || body === 'BINARYMIME' ? body : undefined
}

/** RFC 4954 §5: a mailbox in xtext, or `<>`, which gives ''. */
export function tryAuthParameter(value: string | null): string | undefined {
  if (value === null) return undefined
  if (value === '<>') return ''
  const mailbox = tryXtext(value)
  if (mailbox === undefined) return undefined
  const scanned = scanAddress(mailbox, 0, { utf8: true })
  return scanned.ok && scanned.end === mailbox.length ? mailbox : undefined
}

/** RFC 3461 §4: `xtext = *( xchar / hexchar )`, `hexchar = "+" 2HEXDIG` with capitals. The octets must be UTF-8. */
export function tryXtext(value: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(value)) return undefined
  if (!value.includes('+')) return value
  const octets = value.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  if (/^[\x00-\x7f]*$/.test(octets)) return octets
  try {
    return utf8.decode(Buffer.from(octets, 'latin1'))
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** RFC 3030 §2: `chunk-size ::= 1*DIGIT`, `[ SP end-marker ]`, `end-marker ::= "LAST"`. */
export function tryChunk(argument: string): { octets: number; last: boolean } | undefined {
  const match = /^([0-9]{1,15})( +LAST)?$/i.exec(argument)
  return match === null ? undefined : { octets: Number(match[1]), last: match[2] !== undefined }
}

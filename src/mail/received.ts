// The trace fields that Posthorn puts before a message: Return-Path, Delivered-To, Received (RFC 5321 §4.4).
//
// Each function gives whole lines that end in CRLF, folded below 78 characters where the words allow. Whatever came
// from a client (HELO name, host names, identifiers) is checked or replaced, so nothing can add a line, close a comment
// or forge a clause.
import { type Address, formatAddress, formatAddressAscii, tryAddress } from './address.ts'
import { type DomainOptions, literalOf, tryAddressLiteral, tryDomain } from './domain.ts'
import { formatDate } from './date.ts'

/** What happened in the session, for the `with` clause. */
export interface SessionTraits {
  readonly dialect: 'smtp' | 'lmtp'
  /** The client said EHLO (LHLO counts too), not HELO. */
  readonly extended: boolean
  readonly tls: boolean
  readonly authenticated: boolean
  /** SMTPUTF8 was given with MAIL FROM. */
  readonly utf8: boolean
}

/** RFC 3848 §1 and RFC 6531 §4.3; `HTTP` and `local` are no registered keywords, but what such mail says everywhere. */
export type WithProtocol =
  | 'HTTP'
  | 'local'
  | 'SMTP'
  | `${'ESMTP' | 'LMTP' | 'UTF8SMTP' | 'UTF8LMTP'}${'' | 'A' | 'S' | 'SA'}`

/** The `with` keyword of a session. */
export function withProtocol(traits: SessionTraits): WithProtocol {
  const security = traits.tls ? (traits.authenticated ? 'SA' : 'S') : traits.authenticated ? 'A' : ''
  if (traits.dialect === 'lmtp') return `${traits.utf8 ? 'UTF8LMTP' : 'LMTP'}${security}`
  if (traits.utf8) return `UTF8SMTP${security}`
  return traits.extended ? `ESMTP${security}` : 'SMTP'
}

/** What a Received field tells. */
export interface ReceivedTrace {
  /** The argument of EHLO or HELO as it came, or null where none was given. */
  readonly helo: string | null
  /** The client's IP address in text form. */
  readonly remoteAddress: string
  /** Its name by reverse DNS, verified forward; null where there is none. */
  readonly remoteName: string | null
  /** The name of this host. */
  readonly by: string
  readonly protocol: WithProtocol
  /** Ours, for finding the message in the log. */
  readonly id: string
  /** The recipient, where there was only one: more would tell of blind copies (RFC 5321 §7.2). */
  readonly recipient: Address | null
  /** As negotiated, for example `TLSv1.3` and `TLS_AES_256_GCM_SHA384`. */
  readonly tls: { readonly version: string; readonly cipher: string } | null
  /** RFC 3865 §2.6: classes of solicitation that the message was said to be of. */
  readonly solicitation?: readonly string[]
  /** RFC 6710 §4.1 (2): told where it is not the usual 0. */
  readonly priority?: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  /** Minutes east of UTC; default 0. */
  readonly zoneMinutes?: number
}

/** RFC 5321 §4.4 `Return-path-line`; null is the null reverse-path. */
export function formatReturnPath(reversePath: Address | null): string {
  return `Return-Path: <${reversePath === null ? '' : formatAddress(reversePath)}>\r\n`
}

/**
 * The final recipient, for loop detection (RFC 9228 §3). With `utf8` as it is written; else in A-labels, and '' where the local
 * part has no ASCII form: one field in UTF-8 would make an ASCII message unreadable to clients without it (RFC 6856 §2.1).
 */
export function formatDeliveredTo(recipient: Address, options: DomainOptions): string {
  if (options.utf8 === true) return `Delivered-To: ${formatAddress(recipient)}\r\n`
  const ascii = formatAddressAscii(recipient)
  return tryAddress(ascii) === undefined ? '' : `Delivered-To: ${ascii}\r\n`
}

/** RFC 5321 §4.4 `Time-stamp-line`. */
export function formatReceived(trace: ReceivedTrace): string {
  // RFC 6531 §3.7.3: only under a UTF8SMTP protocol may a clause hold more than US-ASCII.
  const options: DomainOptions = { utf8: trace.protocol.startsWith('UTF8') }
  const clauses = [`from ${fromDomain(trace, options)}`, `by ${hostText(trace.by, options) ?? 'localhost'}`]
  clauses.push(`with ${trace.protocol}`)
  if (trace.tls !== null) clauses.push(`(${commentText(`${trace.tls.version} ${trace.tls.cipher}`)})`)
  if (trace.solicitation !== undefined && trace.solicitation.length > 0) {
    clauses.push(`(SOLICIT=${keywordsText(trace.solicitation)})`)
  }
  clauses.push(`id ${atomText(trace.id)}`)
  const { recipient } = trace
  if (recipient !== null && (options.utf8 === true || !recipient.utf8)) {
    clauses.push(`for <${formatAddress(recipient)}>`)
  }
  // RFC 6710 §7: Pri = CFWS "PRIORITY" FWS priority-value
  if (trace.priority !== undefined && trace.priority !== 0) clauses.push(`PRIORITY ${trace.priority}`)
  clauses[clauses.length - 1] += ';'
  clauses.push(formatDate(trace.time, trace.zoneMinutes ?? 0))
  return fold(`Received:`, clauses)
}

/** What a Received field of ours says of the client. */
export interface ReceivedFrom {
  /** As it called itself; its address as a literal where that was no name. */
  readonly helo: string
  /** IPv4 or IPv6. */
  readonly address: string
  readonly protocol: string
}

/** Reads the first Received field of trace fields that were written here; undefined where there is none, or none with a client. */
export function tryReceivedFrom(trace: string): ReceivedFrom | undefined {
  const field = /^Received:((?:[^\r\n]|\r\n[ \t])*)/im.exec(trace)?.[1]?.replaceAll(/\r\n[ \t]/g, ' ')
  // The first comment is the connection's; what the client claimed to be is in none, or in one behind it.
  const found =
    /^ from (\S+) \((?:\S+ )?\[(?:IPv6:)?([0-9a-fA-F.:]+)\]\)(?: \(HELO [^()]*\))? by \S+ with (\S+)/.exec(
      field ?? '',
    )
  if (found === null) return undefined
  const [, helo = '', address = '', protocol = ''] = found
  return { helo, address, protocol }
}

/** `Extended-Domain`: what the client called itself, then in parentheses what the connection says. */
function fromDomain(trace: ReceivedTrace, options: DomainOptions): string {
  const literal = literalOf(trace.remoteAddress)
  const name = trace.remoteName === null ? undefined : hostText(trace.remoteName, options)
  const connection = [name, literal].filter((part) => part !== undefined).join(' ')
  const said = trace.helo === null ? undefined : hostText(trace.helo, options)
  const tcpInfo = connection === '' ? '' : ` (${connection})`
  if (said !== undefined) return `${said}${tcpInfo}`
  // The name is no domain: the address speaks for the client, and the claim stands in a comment.
  const claim = trace.helo === null || trace.helo === '' ? '' : ` (HELO ${commentText(trace.helo)})`
  return `${literal ?? 'unknown'}${tcpInfo}${claim}`
}

function hostText(text: string, options: DomainOptions): string | undefined {
  const literal = tryAddressLiteral(text)
  if (literal !== undefined) return literal
  const domain = tryDomain(text, options)
  if (domain === undefined) return undefined
  return options.utf8 === true ? text : domain
}

const longestComment = 100

/** RFC 5322 §3.2.2 `ctext` only; anything else is a question mark. */
function commentText(text: string): string {
  return text.slice(0, longestComment).replace(/[^\x20-\x7e]|[()\\]/g, '?')
}

/** RFC 3865 §2.2: whole keywords, as many as a line holds. */
function keywordsText(keywords: readonly string[]): string {
  const text = keywords.join(',').replace(/[^A-Za-z0-9._:,-]/g, '-')
  return text.length <= longestKeywords ? text : text.slice(0, text.lastIndexOf(',', longestKeywords))
}

const longestKeywords = 900

/** RFC 5322 §3.2.3 `dot-atom-text` only. */
function atomText(text: string): string {
  const atom = text.slice(0, longestComment).replace(/[^A-Za-z0-9.+=_-]/g, '-')
  return atom === '' ? 'none' : atom
}

/** RFC 5322 §2.1.1: lines of at most 78 characters, broken only between clauses. */
function fold(name: string, clauses: readonly string[]): string {
  const lines: string[] = []
  let line = name
  for (const clause of clauses) {
    if (line.length + 1 + clause.length > 78 && line !== name) {
      lines.push(line)
      line = `\t${clause}`
    } else line += ` ${clause}`
  }
  lines.push(line)
  return `${lines.join('\r\n')}\r\n`
}

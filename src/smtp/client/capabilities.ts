// What a server offers in its reply to EHLO or LHLO (RFC 5321 §4.1.1.1), as typed facts.
//
// An offer that is not in the form of its standard counts as none: what is not understood is not used. Keywords are not case
// sensitive. `except` makes the client blind to extensions that a server is known to get wrong.
import type { ServerReply } from './reply.ts'

/** RFC 9422: the least that a server takes; null where it says nothing. */
export interface OfferedLimits {
  /** Transactions in one session. */
  readonly mailMax: number | null
  /** Recipients in one transaction. */
  readonly rcptMax: number | null
  /** Different domains of recipients in one transaction. */
  readonly rcptDomainMax: number | null
}

export interface Capabilities {
  /** The name that the server gives itself. */
  readonly serverName: string
  /** `EHLO`, or `HELO` where the server knows no extensions; `LHLO` for LMTP. */
  readonly greeted: 'EHLO' | 'HELO' | 'LHLO'
  /** All keywords, in capitals, with their parameters as they came. */
  readonly extensions: ReadonlyMap<string, string>
  readonly pipelining: boolean
  /** RFC 1870 §4: null where SIZE is not offered, 0 where no limit is told. */
  readonly size: number | null
  readonly eightBitMime: boolean
  readonly binaryMime: boolean
  readonly chunking: boolean
  readonly smtpUtf8: boolean
  readonly dsn: boolean
  readonly startTls: boolean
  readonly requireTls: boolean
  /** RFC 4954 §3: SASL mechanisms in capitals, in the server's order. */
  readonly auth: readonly string[]
  /** RFC 2852 §2: the shortest time in seconds that mode R may ask for (0 where none is told); null where not offered. */
  readonly deliverBy: { readonly minimum: number } | null
  /** RFC 4865 §3: null where not offered. Times in seconds, and until when. */
  readonly futureRelease: { readonly maxInterval: number; readonly until: string } | null
  /** RFC 6710 §3; the name of the profile, '' for none; null where not offered. */
  readonly mtPriority: string | null
  readonly limits: OfferedLimits
  /** RFC 7293 §3. */
  readonly rrvs: boolean
  /** RFC 3865 §2: solicitation classes that the server refuses; null where not offered. */
  readonly noSoliciting: readonly string[] | null
  readonly etrn: boolean
  readonly atrn: boolean
  /** Attributes in capitals; null where not offered to us. */
  readonly xforward: readonly string[] | null
  readonly xclient: readonly string[] | null
  readonly enhancedStatusCodes: boolean
}

/** Reads the reply; `except` names keywords (in capitals) to be blind to. Linear, never throws. */
export function parseCapabilities(
  reply: ServerReply,
  {
    greeted,
    except = [],
  }: { readonly greeted: Capabilities['greeted']; readonly except?: readonly string[] },
): Capabilities {
  const [first = '', ...rest] = reply.texts
  const extensions = greeted === 'HELO' ? new Map<string, string>() : readExtensions(rest, except)
  const has = (keyword: string): boolean => extensions.has(keyword)
  return {
    serverName: first.split(' ', 1)[0] ?? '',
    greeted,
    extensions,
    pipelining: has('PIPELINING'),
    size: readSize(extensions.get('SIZE')),
    eightBitMime: has('8BITMIME'),
    binaryMime: has('BINARYMIME') && has('CHUNKING'),
    chunking: has('CHUNKING'),
    // RFC 6531 §3.1 (item 8): servers that offer SMTPUTF8 must offer 8BITMIME.
    smtpUtf8: has('SMTPUTF8'),
    dsn: has('DSN'),
    startTls: has('STARTTLS'),
    requireTls: has('REQUIRETLS'),
    auth: words(extensions.get('AUTH')) ?? [],
    deliverBy: readDeliverBy(extensions.get('DELIVERBY')),
    futureRelease: readFutureRelease(extensions.get('FUTURERELEASE')),
    mtPriority: extensions.get('MT-PRIORITY') ?? null,
    limits: readLimits(extensions.get('LIMITS') ?? ''),
    rrvs: has('RRVS'),
    noSoliciting: readSolicitation(extensions.get('NO-SOLICITING')),
    etrn: has('ETRN'),
    atrn: has('ATRN'),
    xforward: words(extensions.get('XFORWARD')),
    xclient: words(extensions.get('XCLIENT')),
    enhancedStatusCodes: has('ENHANCEDSTATUSCODES'),
  }
}

// RFC 5321 §4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param )
const ehloLine = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ \t]+(.*))?$/

function readExtensions(lines: readonly string[], except: readonly string[]): Map<string, string> {
  const extensions = new Map<string, string>()
  for (const line of lines) {
    // "AUTH=LOGIN" is older than the standard; servers that say it say the right line, too.
    const match = ehloLine.exec(line.trimEnd())
    const keyword = match?.[1]?.toUpperCase()
    if (keyword === undefined || except.includes(keyword)) continue
    const parameters = (match?.[2] ?? '').trim()
    // RFC 4954 §3: AUTH once; where servers repeat a keyword, both lists count.
    const before = extensions.get(keyword)
    extensions.set(keyword, before === undefined ? parameters : `${before} ${parameters}`.trim())
  }
  return extensions
}

function words(text: string | undefined): string[] | null {
  if (text === undefined) return null
  return text
    .toUpperCase()
    .split(/[ \t]+/)
    .filter((word) => word !== '')
}

/** RFC 1870 §4: `[1*20DIGIT]`. */
function readSize(text: string | undefined): number | null {
  if (text === undefined) return null
  return /^\d{1,20}$/.test(text) ? Number(text) : 0
}

/** RFC 2852 §2: `deliverby-param = min-by-time *( "," extension-token )`. */
function readDeliverBy(text: string | undefined): { minimum: number } | null {
  if (text === undefined) return null
  const match = /^(\d{0,9})(?:,|$)/.exec(text)
  return match === null ? null : { minimum: Number(match[1]) }
}

/** RFC 4865 §3: `max-future-release-interval SP max-future-release-date-time`. */
function readFutureRelease(text: string | undefined): { maxInterval: number; until: string } | null {
  const match = /^(\d{1,9})[ \t]+(\S+)$/.exec(text ?? '')
  return match === null ? null : { maxInterval: Number(match[1]), until: match[2] ?? '' }
}

/** RFC 9422: `name=value` pairs; unknown names are ignored, values are 1 to 6 digits and not 0. */
function readLimits(text: string): OfferedLimits {
  const values = new Map<string, number>()
  for (const pair of text.split(/[ \t]+/)) {
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)=([1-9][0-9]{0,5})$/.exec(pair)
    if (match?.[1] !== undefined) values.set(match[1].toUpperCase(), Number(match[2]))
  }
  return {
    mailMax: values.get('MAILMAX') ?? null,
    rcptMax: values.get('RCPTMAX') ?? null,
    rcptDomainMax: values.get('RCPTDOMAINMAX') ?? null,
  }
}

/** RFC 3865 §2: keywords separated by commas. */
function readSolicitation(text: string | undefined): string[] | null {
  if (text === undefined) return null
  return text.split(/[ \t,]+/).filter((word) => word !== '')
}

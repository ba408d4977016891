// The service extensions of the EHLO response, one row each (RFC 5321 §4.1.1.1). A row gives the parameters that a
// session is shown, or null where it is not offered now; what is shown is honoured, and nothing else is.
import { offerMechanisms } from '../../sasl/mechanisms.ts'
import type { SaslMechanismName } from '../../sasl/mechanism.ts'
import { xclientAttributes, xforwardAttributes } from './proxy-attributes.ts'
import type { Session } from './session.ts'
import { formatTimestamp } from './timestamp.ts'

export interface Extension {
  readonly keyword: string
  /** Null for those that are no RFC's. */
  readonly rfc: number | null
  /** '' for a keyword alone; null: not offered. */
  readonly parameters: (session: Session) => string | null
}

const always = (): string => ''

/** In the order in which they are listed. */
export const extensions: readonly Extension[] = [
  { keyword: 'PIPELINING', rfc: 2920, parameters: always },
  // RFC 1870 §3: zero is no fixed limit.
  { keyword: 'SIZE', rfc: 1870, parameters: ({ settings }) => String(settings.limits.maxMessageSize) },
  {
    keyword: 'STARTTLS',
    rfc: 3207,
    // RFC 3207 §4.2: not listed once TLS is active.
    parameters: ({ settings, client }) => (settings.startTls && client.tls === null ? '' : null),
  },
  { keyword: 'AUTH', rfc: 4954, parameters: authParameters },
  { keyword: 'ENHANCEDSTATUSCODES', rfc: 2034, parameters: always },
  { keyword: '8BITMIME', rfc: 6152, parameters: always },
  { keyword: 'CHUNKING', rfc: 3030, parameters: always },
  { keyword: 'BINARYMIME', rfc: 3030, parameters: always },
  { keyword: 'BURL', rfc: 4468, parameters: burlParameters },
  { keyword: 'SMTPUTF8', rfc: 6531, parameters: always },
  { keyword: 'DSN', rfc: 3461, parameters: ({ settings }) => when(settings.offers.dsn) },
  {
    keyword: 'REQUIRETLS',
    rfc: 8689,
    // RFC 8689 §2: advertised after the negotiation of TLS.
    parameters: ({ settings, client }) => when(settings.offers.requireTls && client.tls !== null),
  },
  { keyword: 'FUTURERELEASE', rfc: 4865, parameters: futureReleaseParameters },
  {
    keyword: 'DELIVERBY',
    rfc: 2852,
    // RFC 2852 §2: without a number no minimum is told.
    parameters: ({ settings: { offers } }) =>
      offers.deliverBy === null ? null : offers.deliverBy.minimum > 0 ? String(offers.deliverBy.minimum) : '',
  },
  {
    keyword: 'MT-PRIORITY',
    rfc: 6710,
    parameters: ({ settings: { offers } }) => offers.priority?.profile ?? null,
  },
  {
    keyword: 'NO-SOLICITING',
    rfc: 3865,
    // RFC 3865 §2.2: "Solicitation class keywords are separated by commas."
    parameters: ({ settings: { offers } }) => offers.noSoliciting?.keywords.join(',') ?? null,
  },
  { keyword: 'RRVS', rfc: 7293, parameters: ({ settings }) => when(settings.offers.requireValidSince) },
  { keyword: 'LIMITS', rfc: 9422, parameters: limitsParameters },
  { keyword: 'EXPN', rfc: 5321, parameters: ({ settings }) => when(settings.offers.expand) },
  { keyword: 'SEND', rfc: 821, parameters: ({ settings }) => when(settings.offers.terminals) },
  { keyword: 'SOML', rfc: 821, parameters: ({ settings }) => when(settings.offers.terminals) },
  { keyword: 'SAML', rfc: 821, parameters: ({ settings }) => when(settings.offers.terminals) },
  { keyword: 'TURN', rfc: 821, parameters: ({ settings }) => when(settings.offers.turn) },
  { keyword: 'ETRN', rfc: 1985, parameters: ({ settings }) => when(settings.offers.etrn) },
  { keyword: 'ATRN', rfc: 2645, parameters: ({ settings }) => when(settings.offers.atrn) },
  {
    keyword: 'XCLIENT',
    rfc: null,
    parameters: ({ settings }) => (settings.offers.xclient ? [...xclientAttributes.keys()].join(' ') : null),
  },
  {
    keyword: 'XFORWARD',
    rfc: null,
    parameters: ({ settings }) =>
      settings.offers.xforward ? [...xforwardAttributes.keys()].join(' ') : null,
  },
  { keyword: 'HELP', rfc: 5321, parameters: always },
]

function when(offered: boolean): '' | null {
  return offered ? '' : null
}

/** RFC 4468 §3.1, §3.3: without parameters until the client has logged in. */
function burlParameters({ settings: { offers }, client }: Session): string | null {
  if (offers.burl === null) return null
  return client.username === null ? '' : `imap imap://${offers.burl}`
}

/** RFC 4865 §3: the longest interval in seconds, and the moment that it reaches from now. */
function futureReleaseParameters({ settings: { offers } }: Session): string | null {
  if (offers.futureRelease === null) return null
  const { maxInterval, clock } = offers.futureRelease
  return `${maxInterval} ${formatTimestamp(clock.now() + maxInterval * 1000)}`
}

/** RFC 4954 §3: the mechanisms, until one has succeeded. */
function authParameters(session: Session): string | null {
  if (session.client.username !== null) return null
  const mechanisms = offeredMechanisms(session)
  return mechanisms.length === 0 ? null : mechanisms.join(' ')
}

/** What AUTH takes in this session at this moment. */
export function offeredMechanisms(session: Session): SaslMechanismName[] {
  const { sasl, admission } = session.settings
  const { tls } = session.client
  if (sasl === null || (admission.tls && tls === null)) return []
  return offerMechanisms({ ...sasl, tls })
}

/** RFC 9422: limits as `name=value`, separated by spaces; a value has six digits at most, so that more is told as less. */
function limitsParameters({ settings: { limits } }: Session): string {
  const told: readonly (readonly [string, number])[] = [
    ['RCPTMAX', limits.maxRecipients],
    ['MAILMAX', limits.maxMessagesPerConnection],
    ['RCPTDOMAINMAX', limits.maxRecipientDomains],
  ]
  const set = told.filter(([, limit]) => limit > 0)
  return set.map(([name, limit]) => `${name}=${Math.min(limit, 999_999)}`).join(' ')
}

/** The lines of the EHLO response after the first. */
export function extensionLines(session: Session): string[] {
  const lines: string[] = []
  for (const { keyword, parameters } of extensions) {
    if (session.settings.hidden?.has(keyword)) continue
    const shown = parameters(session)
    if (shown !== null) lines.push(shown === '' ? keyword : `${keyword} ${shown}`)
  }
  return lines
}

// The service extensions of the EHLO response, one row each (RFC 5321 §4.1.1.1). A row gives the parameters that a
// session is shown, or null where it is not offered now; what is shown is honoured, and nothing else is.
import { offerMechanisms } from '../../sasl/mechanisms.ts'
import type { SaslMechanismName } from '../../sasl/mechanism.ts'
import type { Session } from './session.ts'

export interface Extension {
  readonly keyword: string
  readonly rfc: number
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
  { keyword: 'SMTPUTF8', rfc: 6531, parameters: always },
  { keyword: 'LIMITS', rfc: 9422, parameters: limitsParameters },
  { keyword: 'HELP', rfc: 5321, parameters: always },
]

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
  return offerMechanisms({ tls, clearTextAllowed: sasl.clearTextAllowed, scram: sasl.scram })
}

/** RFC 9422: limits as `name=value`, separated by spaces. */
function limitsParameters({ settings: { limits } }: Session): string {
  const mailMax = limits.maxMessagesPerConnection === 0 ? '' : ` MAILMAX=${limits.maxMessagesPerConnection}`
  return `RCPTMAX=${limits.maxRecipients}${mailMax}`
}

/** The lines of the EHLO response after the first. */
export function extensionLines(session: Session): string[] {
  const lines: string[] = []
  for (const { keyword, parameters } of extensions) {
    const shown = parameters(session)
    if (shown !== null) lines.push(shown === '' ? keyword : `${keyword} ${shown}`)
  }
  return lines
}

// CAPABILITY data: what is offered now, and nothing that is not honoured.
//
// LITERAL+ is offered in every state (RFC 7888 §5 allows one of the two); before log-in the limit on a literal is small, and a
// larger non-synchronizing one ends the session.
import type { SaslMechanismName } from '../../sasl/mechanism.ts'

/** Extensions that need nothing but the commands of the table. */
const always = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE', 'IDLE']

/** What makes sense once there are mailboxes. CHILDREN is RFC 3348, MOVE RFC 6851. */
const afterLogin = ['NAMESPACE', 'CHILDREN', 'SPECIAL-USE', 'UIDPLUS', 'UNSELECT', 'MOVE', 'MULTIAPPEND', 'CATENATE', 'REPLACE']

export interface CapabilityFacts {
  readonly loggedIn: boolean
  readonly startTlsOffered: boolean
  readonly loginAllowed: boolean
  readonly mechanisms: readonly SaslMechanismName[]
}

/** `capability *(SP capability)` */
export function capabilityData(facts: CapabilityFacts): string {
  if (facts.loggedIn) return [...always, ...afterLogin].join(' ')
  const names = [...always]
  if (facts.startTlsOffered) names.push('STARTTLS')
  // RFC 3501 §6.2.3
  if (!facts.loginAllowed) names.push('LOGINDISABLED')
  return [...names, ...facts.mechanisms.map((name) => `AUTH=${name}`)].join(' ')
}

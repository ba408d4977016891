// CAPABILITY data: what is offered now, and nothing that is not honoured. One row for each token.
//
// - LITERAL+ is offered in every state (RFC 7888 §5 allows one of the two); before log-in the limit on a literal is small, and a
//   larger non-synchronizing one ends the session.
// - What makes sense only with mailboxes is shown after log-in, so that the greeting stays short.
// - An account may hide capabilities from its clients (`Account.hiddenCapabilities`), for one that breaks on them. A hidden
//   one still works for whoever uses it unasked.
import type { SaslMechanismName } from '../../sasl/mechanism.ts'

/** In every state. */
const always = ['IMAP4rev1', 'IMAP4rev2', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE', 'IDLE']

/** After log-in, by name. */
const afterLogin = [
  'ACL', // RFC 4314
  'BINARY', // RFC 3516
  'CATENATE', // RFC 4469
  'CHILDREN', // RFC 3348
  'CONDSTORE', // RFC 7162
  'CREATE-SPECIAL-USE', // RFC 6154
  'ESEARCH', // RFC 4731
  'ESORT', // RFC 5267
  'I18NLEVEL=1', // RFC 5255
  'INPROGRESS', // RFC 9585
  'LIST-EXTENDED', // RFC 5258
  'LIST-METADATA', // RFC 9590
  'LIST-MYRIGHTS', // RFC 8440
  'LIST-STATUS', // RFC 5819
  'METADATA', // RFC 5464
  'MOVE', // RFC 6851
  'MULTIAPPEND', // RFC 3502
  'MULTISEARCH', // RFC 7377
  'NAMESPACE', // RFC 2342
  'NOTIFY', // RFC 5465
  'OBJECTID', // RFC 8474
  'PARTIAL', // RFC 9394
  'PREVIEW', // RFC 8970
  'QRESYNC', // RFC 7162
  'QUOTA', // RFC 9208
  'QUOTA=RES-ANNOTATION-STORAGE',
  'QUOTA=RES-MAILBOX',
  'QUOTA=RES-MESSAGE',
  'QUOTA=RES-STORAGE',
  'REPLACE', // RFC 8508
  'RIGHTS=kxte', // RFC 4314
  'SAVEDATE', // RFC 8514
  'SEARCH=FUZZY', // RFC 6203
  'SEARCHRES', // RFC 5182
  'SORT', // RFC 5256
  'SORT=DISPLAY', // RFC 5957
  'SPECIAL-USE', // RFC 6154
  'STATUS=SIZE', // RFC 8438
  'THREAD=ORDEREDSUBJECT', // RFC 5256
  'THREAD=REFERENCES',
  'THREAD=REFS', // draft-ietf-morg-inthread
  'UIDBATCHES', // RFC 10022
  'UIDONLY', // RFC 9586
  'UIDPLUS', // RFC 4315
  'UNSELECT', // RFC 3691
  'URL-PARTIAL', // RFC 5550
  'URLAUTH', // RFC 4467
  'URLAUTH=BINARY', // RFC 5524
  'UTF8=ACCEPT', // RFC 9755
  'WITHIN', // RFC 5032
  'XLIST', // what SPECIAL-USE was before it had a name
]

export interface CapabilityFacts {
  readonly loggedIn: boolean
  readonly startTlsOffered: boolean
  readonly loginAllowed: boolean
  readonly compressed: boolean
  readonly mechanisms: readonly SaslMechanismName[]
  /** Octets of one message; `Number.MAX_SAFE_INTEGER` is no limit. */
  readonly messageSize: number
  /** Messages that one command works on, or saves; 0 is no limit. */
  readonly messageLimit: number
  readonly saveLimit: number
  /** RFC 9698: the same mail is to be had by JMAP. */
  readonly jmapAccess: boolean
  /** Not to be shown; upper case. */
  readonly hidden: readonly string[]
}

/** `capability *(SP capability)` */
export function capabilityData(facts: CapabilityFacts): string {
  const { loggedIn, hidden } = facts
  const names = [...always, ...(loggedIn ? namesAfterLogin(facts) : namesBeforeLogin(facts))]
  if (hidden.length === 0) return names.join(' ')
  return names.filter((name) => name === 'IMAP4rev1' || !isHidden(name, hidden)).join(' ')
}

/** `RIGHTS` hides `RIGHTS=kxte` as well. */
function isHidden(name: string, hidden: readonly string[]): boolean {
  const upper = name.toUpperCase()
  return hidden.includes(upper) || hidden.includes(upper.split('=', 1)[0] ?? upper)
}

function namesBeforeLogin(facts: CapabilityFacts): string[] {
  const names: string[] = []
  if (facts.startTlsOffered) names.push('STARTTLS')
  // RFC 3501 §6.2.3
  if (!facts.loginAllowed) names.push('LOGINDISABLED')
  return [...names, ...facts.mechanisms.map((name) => `AUTH=${name}`)]
}

function namesAfterLogin(facts: CapabilityFacts): string[] {
  const { compressed, messageSize, messageLimit, saveLimit, jmapAccess } = facts
  const names = [...afterLogin]
  // RFC 9698 §3: OBJECTID is offered above, and ids are the same in both.
  if (jmapAccess) names.push('JMAPACCESS')
  // RFC 9738 §3: the one or the other.
  if (messageLimit > 0) names.push(`MESSAGELIMIT=${messageLimit}`)
  else if (saveLimit > 0) names.push(`SAVELIMIT=${saveLimit}`)
  // RFC 7889 §2: with its value where all mailboxes have the same.
  if (messageSize < Number.MAX_SAFE_INTEGER) names.push(`APPENDLIMIT=${messageSize}`)
  // RFC 4978 §3: not twice. RFC 8437 §4.1 would end the compression, which is not done here.
  if (!compressed) names.push('COMPRESS=DEFLATE', 'UNAUTHENTICATE')
  return names
}

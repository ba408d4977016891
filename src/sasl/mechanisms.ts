// Which mechanisms there are, and which of them a session is offered. Others join by a row.
import { cramMd5 } from './cram-md5.ts'
import { believedAddresses, external } from './external.ts'
import { login } from './login.ts'
import { oauthBearer, xoauth2 } from './oauth.ts'
import { plain } from './plain.ts'
import { scramSha1, scramSha1Plus, scramSha256, scramSha256Plus } from './scram.ts'
import type { TlsState } from '../base/core.ts'
import type { SaslMechanism, SaslMechanismName } from './mechanism.ts'

/** In order of preference, strongest first: the order in which they are offered. */
const all: readonly SaslMechanism[] = [
  scramSha256Plus,
  scramSha256,
  scramSha1Plus,
  scramSha1,
  external,
  oauthBearer,
  xoauth2,
  plain,
  login,
  cramMd5,
]

export interface OfferRequest {
  /** Null in clear text. */
  readonly tls: TlsState | null
  /** True where passwords may cross an unencrypted connection (the dev profile). */
  readonly clearTextAllowed: boolean
  /** False where no verifiers are kept (the catcher, which takes any password). */
  readonly scram: boolean
  /** CRAM-MD5 is switched on. Default false. */
  readonly cramMd5?: boolean
  /** There is somebody who can tell whose an access token is. Default false. */
  readonly tokens?: boolean
  /** Whoever shows a believed certificate with a mail address may log in with it. Default false. */
  readonly certificates?: boolean
  /** None but these. Default: all that fit. */
  readonly only?: ReadonlySet<string>
}

/** The mechanisms to offer, by name, strongest first. */
export function offerMechanisms(request: OfferRequest): SaslMechanismName[] {
  const { only } = request
  const names = all.map(({ name }) => name)
  return names.filter((name) => (only === undefined || only.has(name)) && isOffered(name, request))
}

function isOffered(name: SaslMechanismName, request: OfferRequest): boolean {
  const {
    tls,
    clearTextAllowed,
    scram,
    cramMd5: cram = false,
    tokens = false,
    certificates = false,
  } = request
  switch (name) {
    case 'EXTERNAL':
      // RFC 4422 §A: only where the outside has authenticated the client.
      return certificates && believedAddresses(tls).length > 0
    case 'OAUTHBEARER':
    case 'XOAUTH2':
      // RFC 7628 §3: never without TLS, whatever the operator says: a token opens more than this server.
      return tokens && tls !== null
    case 'CRAM-MD5':
      return cram
    case 'SCRAM-SHA-1-PLUS':
    case 'SCRAM-SHA-256-PLUS':
      return scram && tls !== null && (tls.exporter !== null || tls.serverEndPoint !== null)
    case 'SCRAM-SHA-1':
    case 'SCRAM-SHA-256':
      return scram
    case 'PLAIN':
    case 'LOGIN':
      // RFC 4616 §6, RFC 5034 §4: no clear-text password without TLS, unless the operator says so.
      return tls !== null || clearTextAllowed
  }
}

/** The mechanism of that name (in any case) if it was offered, else undefined. */
export function tryFindMechanism(
  name: string,
  offered: readonly SaslMechanismName[],
): SaslMechanism | undefined {
  const wanted = name.toUpperCase()
  return all.find((mechanism) => mechanism.name === wanted && offered.includes(mechanism.name))
}

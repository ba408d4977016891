// Which mechanisms there are, and which of them a session is offered. EXTERNAL, OAUTHBEARER and others join by a row.
import { login } from './login.ts'
import { plain } from './plain.ts'
import { scramSha256, scramSha256Plus } from './scram.ts'
import type { TlsState } from '../base/core.ts'
import type { SaslMechanism, SaslMechanismName } from './mechanism.ts'

/** In order of preference, strongest first: the order in which they are offered. */
const all: readonly SaslMechanism[] = [scramSha256Plus, scramSha256, plain, login]

export interface OfferRequest {
  /** Null in clear text. */
  readonly tls: TlsState | null
  /** True where passwords may cross an unencrypted connection (the dev profile). */
  readonly clearTextAllowed: boolean
  /** False where no verifiers are kept (the catcher, which takes any password). */
  readonly scram: boolean
}

/** The mechanisms to offer, by name, strongest first. */
export function offerMechanisms(request: OfferRequest): SaslMechanismName[] {
  return all.filter((mechanism) => isOffered(mechanism.name, request)).map((mechanism) => mechanism.name)
}

function isOffered(name: SaslMechanismName, { tls, clearTextAllowed, scram }: OfferRequest): boolean {
  switch (name) {
    case 'SCRAM-SHA-256-PLUS':
      return scram && tls !== null && (tls.exporter !== null || tls.serverEndPoint !== null)
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

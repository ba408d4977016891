// PLAIN and LOGIN, client side.
import { Buffer } from 'node:buffer'
import type { Secret } from '../base/secret.ts'
import type { SaslClientExchange } from './mechanism.ts'

export interface ClientCredentials {
  readonly username: string
  readonly password: Secret
  /** Whom to act as; absent is the user himself. */
  readonly authorizationId?: string
}

/** RFC 4616 §2: `[authzid] NUL authcid NUL passwd`. */
export function plainClient(credentials: ClientCredentials): SaslClientExchange {
  const { username, password, authorizationId = '' } = credentials
  return {
    startsFirst: true,
    complete: true,
    respond: () => ({
      type: 'response',
      bytes: Buffer.from(`${authorizationId}\0${username}\0${password.reveal()}`),
    }),
  }
}

/** Answers the first prompt with the name and the second with the password, whatever words the server uses. */
export function loginClient(credentials: ClientCredentials): SaslClientExchange {
  const answers = [credentials.username, credentials.password.reveal()]
  return {
    startsFirst: false,
    get complete() {
      return answers.length === 0
    },
    respond() {
      const next = answers.shift()
      return next === undefined
        ? { type: 'failure', reason: 'malformed' }
        : { type: 'response', bytes: Buffer.from(next) }
    },
  }
}

// The client side of the mechanisms that are one message or two: PLAIN, LOGIN, CRAM-MD5, EXTERNAL and access tokens. None of them
// lets the server prove itself: TLS has to, before they begin.
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { escapeName } from './scram-messages.ts'
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

/** RFC 2195 §2: the name, a space, and HMAC-MD5 of the challenge. */
export function cramMd5Client(credentials: ClientCredentials): SaslClientExchange {
  let answered = false
  return {
    startsFirst: false,
    get complete() {
      return answered
    },
    respond(challenge) {
      if (challenge === null || answered) return { type: 'failure', reason: 'malformed' }
      answered = true
      const digest = createHmac('md5', credentials.password.reveal()).update(challenge).digest('hex')
      return { type: 'response', bytes: Buffer.from(`${credentials.username} ${digest}`) }
    },
  }
}

/** RFC 4422 §A.1: whom to act as, or nothing; TLS has shown the certificate. */
export function externalClient({
  authorizationId = '',
}: {
  readonly authorizationId?: string
}): SaslClientExchange {
  return {
    startsFirst: true,
    complete: true,
    respond: () => ({ type: 'response', bytes: Buffer.from(authorizationId) }),
  }
}

export interface TokenCredentials {
  readonly username: string
  /** An OAuth 2 access token. */
  readonly token: Secret
}

/** Google's form. The server's error is answered with an empty response, for its refusal to follow. */
export function xoauth2Client({ username, token }: TokenCredentials): SaslClientExchange {
  return tokenClient(`user=${username}\x01auth=Bearer ${token.reveal()}\x01\x01`, '')
}

/** RFC 7628 §3.1; `host` and `port` are where the client connected to. §3.2.3: an error is answered with one octet. */
export function oauthBearerClient(
  credentials: TokenCredentials & { readonly host: string; readonly port: number },
): SaslClientExchange {
  const { username, token, host, port } = credentials
  const pairs = [`host=${host}`, `port=${port}`, `auth=Bearer ${token.reveal()}`]
  const list = pairs.map((pair) => `${pair}\x01`).join('')
  return tokenClient(`n,a=${escapeName(username)},\x01${list}\x01`, '\x01')
}

function tokenClient(message: string, acknowledgement: string): SaslClientExchange {
  let sent = 0
  return {
    startsFirst: true,
    get complete() {
      return sent === 1
    },
    respond() {
      sent++
      if (sent > 2) return { type: 'failure', reason: 'malformed' }
      return { type: 'response', bytes: Buffer.from(sent === 1 ? message : acknowledgement) }
    },
  }
}

// OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's older form of the same), server side: an access token instead of a password.
//
// A token that is refused is told so in a challenge (JSON, RFC 7628 §3.2.2), which the client answers with a dummy; the
// exchange fails then. A proxy must not see tokens: only under TLS. `host` and `port` of RFC 7628 §3.1 are taken and not
// compared: they are for tokens that are bound to a request by a signature, which bearer tokens are not.
import { Buffer } from 'node:buffer'
import { Secret } from '../base/secret.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import { tryUnescapeName } from './scram-messages.ts'
import type { SaslAnswer, SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'

export const oauthBearer: SaslMechanism = {
  name: 'OAUTHBEARER',
  start: () => new TokenExchange('OAUTHBEARER'),
}

export const xoauth2: SaslMechanism = {
  name: 'XOAUTH2',
  start: () => new TokenExchange('XOAUTH2'),
}

type TokenMechanism = 'OAUTHBEARER' | 'XOAUTH2'

interface TokenMessage {
  readonly username: string | null
  readonly token: string
}

/** RFC 7628 §3.2.2, and what Google's servers say; no scope is named, since any that reads mail is as good. */
const errors: Record<TokenMechanism, Uint8Array> = {
  OAUTHBEARER: Buffer.from('{"status":"invalid_token"}'),
  XOAUTH2: Buffer.from('{"status":"401","schemes":"Bearer"}'),
}

class TokenExchange implements SaslExchange {
  readonly #mechanism: TokenMechanism
  #asked: TokenMessage | null = null
  /** The failure that waits for the client's dummy response. */
  #refused: Extract<SaslStep, { type: 'failure' }> | null = null

  constructor(mechanism: TokenMechanism) {
    this.#mechanism = mechanism
  }

  step(response: Uint8Array | null): SaslStep {
    if (this.#refused !== null) return this.#refused
    if (response === null) return { type: 'challenge', bytes: new Uint8Array() }
    const text = tryDecodeUtf8(response)
    const message =
      text === undefined || this.#asked !== null
        ? undefined
        : this.#mechanism === 'XOAUTH2'
          ? tryXoauth2(text)
          : tryOauthBearer(text)
    if (message === undefined) {
      return { type: 'failure', reason: 'malformed', username: this.#asked?.username ?? null }
    }
    this.#asked = message
    const { username, token } = message
    return { type: 'check-token', username, token: new Secret(token) }
  }

  resume(answer: SaslAnswer): SaslStep {
    if (this.#asked === null || (answer.type !== 'identified' && answer.type !== 'refused')) {
      throw new Error('resume without a token to check, or with the answer to another question')
    }
    if (answer.type === 'identified') {
      return { type: 'success', username: answer.username, authorizationId: null, finalChallenge: null }
    }
    const failure = { type: 'failure', reason: answer.reason, username: this.#asked.username } as const
    // What is wrong with us is no fault of the token: a client would throw it away.
    if (answer.reason === 'throttled' || answer.reason === 'unavailable') return failure
    this.#refused = failure
    return { type: 'challenge', bytes: errors[this.#mechanism] }
  }
}

/** A token as HTTP writes it (b64token), behind the scheme's name in any case. */
const bearer = /^bearer +([\w.~+/-]+=*)$/i

/** Google: `user=` name ^A `auth=Bearer ` token ^A ^A. */
function tryXoauth2(text: string): TokenMessage | undefined {
  const match = /^user=([^\x01]+)\x01auth=([^\x01]+)\x01\x01$/.exec(text)
  if (match === null) return undefined
  const [, user = '', auth = ''] = match
  return tryMessage(user, auth)
}

/**
 * RFC 7628 §3.1: client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep, kvpair = key "=" value kvsep. A lone kvsep is the
 * dummy response to an error, and no begin.
 */
function tryOauthBearer(text: string): TokenMessage | undefined {
  // RFC 7628 §3.1: no channel binding; `y` says that the client could have some.
  const match = /^[ny],(?:a=([^,\x01]+))?,\x01((?:[A-Za-z]+=[^\0\x01]*\x01)*)\x01$/.exec(text)
  if (match === null) return undefined
  const [, authzid, list = ''] = match
  const pairs = new Map<string, string>()
  for (const pair of list.split('\x01').slice(0, -1)) {
    const at = pair.indexOf('=')
    // RFC 7628 §3.1: unknown keys are ignored; a known one twice says two things.
    if (pairs.has(pair.slice(0, at))) return undefined
    pairs.set(pair.slice(0, at), pair.slice(at + 1))
  }
  const user = authzid === undefined ? null : tryUnescapeName(authzid)
  if (user === undefined) return undefined
  return tryMessage(user, pairs.get('auth') ?? '')
}

function tryMessage(user: string | null, auth: string): TokenMessage | undefined {
  const token = bearer.exec(auth)?.[1]
  const username = user === null ? null : tryPrepare(user)
  return token === undefined || username === undefined ? undefined : { username, token }
}

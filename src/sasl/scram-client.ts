// SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS, client side (RFC 5802, RFC 7677). It proves that it knows the password and demands that the
// server prove the same: until then `complete` is false, and a connection that says "welcome" early is an impostor's.
//
// Refused: a nonce that does not begin with ours, iteration counts below RFC 7677's minimum (they would make guessing
// cheap) or above our ceiling (they would keep us computing), any message out of order.
import { Buffer } from 'node:buffer'
import { encodeBase64, tryDecodeBase64 } from './base64.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import { deriveKeys, equalInConstantTime, hmac, saltPasswordSync, xor } from './scram-keys.ts'
import { escapeName, tryParseServerFirst } from './scram-messages.ts'
import type { ScramHash } from './scram-keys.ts'
import type { ClientCredentials } from './client.ts'
import type { SaslClientExchange, SaslClientFailure } from './mechanism.ts'

/** RFC 7677 §3. */
const minimumIterations = 4096
const maximumIterations = 1_000_000

export interface ScramClientOptions extends ClientCredentials {
  /** Default SHA-256. */
  readonly scramHash?: ScramHash
  /** Printable ASCII without commas, fresh for each exchange. */
  readonly nonce: string
  /**
   * What to bind to, for -PLUS; `not-offered` when this client could bind and the server did not offer it (RFC 5802 §6);
   * absent when it cannot.
   */
  readonly channelBinding?: { readonly name: string; readonly data: Uint8Array } | 'not-offered'
}

type Response = { readonly type: 'response'; readonly bytes: Uint8Array } | SaslClientFailure

/** Begins an exchange. The PBKDF2 work is done where it stands, so this is for tools and relays, not for servers. */
export function scramClient(options: ScramClientOptions): SaslClientExchange {
  return new ScramClientExchange(options)
}

class ScramClientExchange implements SaslClientExchange {
  readonly startsFirst = true
  readonly #options: ScramClientOptions
  readonly #gs2Header: string
  readonly #bare: string
  #sent: 'nothing' | 'first' | 'final' | 'acknowledgement' = 'nothing'
  #expectedSignature: Uint8Array = new Uint8Array()

  constructor(options: ScramClientOptions) {
    this.#options = options
    const { channelBinding, authorizationId, username, nonce } = options
    const flag =
      channelBinding === undefined ? 'n' : channelBinding === 'not-offered' ? 'y' : `p=${channelBinding.name}`
    const authzid = authorizationId === undefined ? '' : `a=${escapeName(authorizationId)}`
    this.#gs2Header = `${flag},${authzid},`
    this.#bare = `n=${escapeName(tryPrepare(username) ?? username)},r=${nonce}`
  }

  get complete(): boolean {
    return this.#sent === 'acknowledgement'
  }

  respond(challenge: Uint8Array | null): Response {
    if (this.#sent === 'nothing') {
      this.#sent = 'first'
      return { type: 'response', bytes: Buffer.from(this.#gs2Header + this.#bare) }
    }
    const text = challenge === null ? undefined : tryDecodeUtf8(challenge)
    if (text === undefined) return { type: 'failure', reason: 'malformed' }
    if (this.#sent === 'first') return this.#answerServerFirst(text)
    return this.#sent === 'final' ? this.#checkServerFinal(text) : { type: 'failure', reason: 'malformed' }
  }

  #answerServerFirst(serverFirst: string): Response {
    const parsed = tryParseServerFirst(serverFirst)
    const password = tryPrepare(this.#options.password.reveal())
    if (parsed === undefined || password === undefined) return { type: 'failure', reason: 'malformed' }
    const { nonce, salt, iterations } = parsed
    // RFC 5802 §5.1: the client MUST verify that the nonce begins with what it sent.
    const extendsOurs = nonce.startsWith(this.#options.nonce) && nonce.length > this.#options.nonce.length
    if (!extendsOurs || iterations < minimumIterations || iterations > maximumIterations) {
      return { type: 'failure', reason: 'malformed' }
    }
    const { channelBinding, scramHash = 'sha256' } = this.#options
    const data = typeof channelBinding === 'object' ? channelBinding.data : new Uint8Array()
    const binding = encodeBase64(Buffer.concat([Buffer.from(this.#gs2Header), data]))
    const withoutProof = `c=${binding},r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const { clientKey, storedKey, serverKey } = deriveKeys(
      scramHash,
      saltPasswordSync(password, { scramHash, salt, iterations }),
    )
    const proof = xor(clientKey, hmac(scramHash, storedKey, authMessage))
    this.#expectedSignature = hmac(scramHash, serverKey, authMessage)
    this.#sent = 'final'
    return { type: 'response', bytes: Buffer.from(`${withoutProof},p=${encodeBase64(proof)}`) }
  }

  // RFC 5802 §7: server-final-message = (server-error / verifier) ["," extensions]
  #checkServerFinal(text: string): Response {
    const [outcome = ''] = text.split(',', 1)
    if (outcome.startsWith('e=')) return { type: 'failure', reason: 'server-refused' }
    const signature = outcome.startsWith('v=') ? tryDecodeBase64(outcome.slice(2)) : undefined
    if (signature === undefined) return { type: 'failure', reason: 'malformed' }
    if (!equalInConstantTime(signature, this.#expectedSignature)) {
      return { type: 'failure', reason: 'server-not-authentic' }
    }
    this.#sent = 'acknowledgement'
    return { type: 'response', bytes: new Uint8Array() }
  }
}

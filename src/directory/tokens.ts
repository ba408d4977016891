// Whose is this access token? JSON Web Tokens of the issuers in the configuration, by the keys that those publish (a JSON Web Key
// Set), or whatever a function of the configuration says.
//
// A token counts where it names a configured issuer and audience, ends, has not ended, and is signed by one of that issuer's keys
// with an asymmetric algorithm. Keys are fetched when they are needed, kept for a while, and asked for again when a token names one that is
// not among them, but not more often than `refetchMilliseconds`, so that made-up names cause no flood. What is refused: symmetric
// signatures and `none`, key sets beyond a size, and an address that the issuer says is not verified.
import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { Secret } from '../base/secret.ts'
import type { TokenIssuer, VerifyToken } from '../config/sections/auth.ts'

export type TokenVerdict =
  | { readonly type: 'valid'; readonly username: string }
  | { readonly type: 'invalid' }
  /** The keys cannot be had now, or the function failed. */
  | { readonly type: 'unavailable'; readonly error: unknown }

export interface TokenVerifier {
  verify(token: Secret): Promise<TokenVerdict>
}

/** Gets a document by HTTPS: its text, bounded. Rejects for any answer but a good one. */
export type FetchText = (
  url: string,
  limits: { readonly milliseconds: number; readonly octets: number },
) => Promise<string>

export interface TokenVerifierOptions {
  readonly issuers: readonly TokenIssuer[]
  /** Asked where no issuer knows the token, and for tokens that are no JWT. */
  readonly verifyToken?: VerifyToken | undefined
  readonly clock: Clock
  readonly fetchText: FetchText
}

/** Algorithms are ours to choose; symmetric ones would make every key of the set a secret of ours. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const keptMilliseconds = 600_000
const refetchMilliseconds = 30_000
const fetchLimits = { milliseconds: 10_000, octets: 262_144 }
/** Between the issuer's clock and ours. */
const toleratedSeconds = 60

/** Null where the configuration knows nobody who could tell. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier | null {
  const { issuers, verifyToken, clock } = options
  if (issuers.length === 0 && verifyToken === undefined) return null
  const known = issuers.map((issuer) => ({ issuer, keys: new IssuerKeys(issuer, options) }))
  return {
    async verify(token) {
      const text = token.reveal()
      const named = issuerOf(text)
      const verdicts = known.filter(({ issuer }) => issuer.issuer === named)
      for (const { issuer, keys } of verdicts) {
        const verdict = await verifyJwt(text, { issuer, keys, now: clock.now() })
        if (verdict.type !== 'invalid') return verdict
      }
      return verifyToken === undefined ? { type: 'invalid' } : askFunction(verifyToken, text)
    },
  }
}

/** What an unverified token says of its issuer: only good for choosing whom to ask. */
function issuerOf(text: string): string | undefined {
  try {
    return decodeJwt(text).iss
  } catch {
    return undefined
  }
}

async function askFunction(verifyToken: VerifyToken, text: string): Promise<TokenVerdict> {
  try {
    const username = await verifyToken(text)
    return username === null ? { type: 'invalid' } : { type: 'valid', username }
  } catch (error) {
    return { type: 'unavailable', error }
  }
}

async function verifyJwt(
  text: string,
  { issuer, keys, now }: { readonly issuer: TokenIssuer; readonly keys: IssuerKeys; readonly now: number },
): Promise<TokenVerdict> {
  const check = async (fetched: 'kept' | 'fresh'): Promise<TokenVerdict> => {
    const set = await keys.get(fetched)
    const { payload } = await jwtVerify(text, set, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms,
      currentDate: new Date(now),
      clockTolerance: toleratedSeconds,
      requiredClaims: ['exp'],
    })
    const username = usernameOf(payload, issuer.usernameClaim)
    return username === undefined ? { type: 'invalid' } : { type: 'valid', username }
  }
  try {
    return await check('kept').catch((error: unknown) => {
      // The issuer may have new keys.
      if (error instanceof errors.JWKSNoMatchingKey && keys.mayRefetch()) return check('fresh')
      throw error
    })
  } catch (error) {
    return error instanceof errors.JOSEError ? { type: 'invalid' } : { type: 'unavailable', error }
  }
}

function usernameOf(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim]
  // OpenID Connect Core 1.0 §5.1: an address that its owner has not proven is anybody's.
  if (claim === 'email' && payload['email_verified'] === false) return undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** The keys of one issuer, from a URL or a file. */
class IssuerKeys {
  readonly #issuer: TokenIssuer
  readonly #clock: Clock
  readonly #fetchText: FetchText
  #set: Promise<KeySet> | null = null
  #loadedAt = 0

  constructor(issuer: TokenIssuer, { clock, fetchText }: Pick<TokenVerifierOptions, 'clock' | 'fetchText'>) {
    this.#issuer = issuer
    this.#clock = clock
    this.#fetchText = fetchText
  }

  mayRefetch(): boolean {
    return this.#clock.monotonic() >= this.#loadedAt + refetchMilliseconds
  }

  get(wanted: 'kept' | 'fresh'): Promise<KeySet> {
    const stale = this.#clock.monotonic() >= this.#loadedAt + keptMilliseconds
    if (this.#set === null || stale || (wanted === 'fresh' && this.mayRefetch())) {
      this.#loadedAt = this.#clock.monotonic()
      const loading = this.#load()
      this.#set = loading
      loading.catch(() => {
        // The next token tries again.
        if (this.#set === loading) this.#set = null
      })
    }
    return this.#set
  }

  async #load(): Promise<KeySet> {
    const { jwks } = this.#issuer
    const text = jwks.startsWith('https://')
      ? await this.#fetchText(jwks, fetchLimits)
      : await readFile(jwks, 'utf8')
    if (Buffer.byteLength(text) > fetchLimits.octets) throw new Error(`the key set ${jwks} is too large`)
    // `createLocalJWKSet` checks what it is given.
    return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
  }
}

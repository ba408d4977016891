// Access tokens for smart hosts that want OAuth 2.0 instead of passwords: refreshed when needed (RFC 6749 §6), kept until
// shortly before they expire. One request at a time for each endpoint and client, however many lanes wait for it.
import { Secret } from '../base/secret.ts'
import type { Clock } from '../base/clock.ts'
import type { RouteConfig } from '../config/sections/relay.ts'
import type { HttpsRequest } from './https-request.ts'

type Authentication = NonNullable<Extract<RouteConfig, { kind: 'host' }>['authentication']>
export type TokenConfig = NonNullable<Authentication['token']>

export type TokenResult =
  | { readonly ok: true; readonly token: Secret }
  | { readonly ok: false; readonly problem: string }

export interface TokenSource {
  /** Never rejects. */
  token(config: TokenConfig): Promise<TokenResult>
  /** Forgets what is kept: the host did not take it. */
  forget(config: TokenConfig): void
}

/** A token that is about to expire is none. */
const margin = 60_000
/** RFC 6749 §5.1: `expires_in` is recommended only; without it a token is used for this long. */
const assumedLife = 300_000
const longestAnswer = 65_536

export function createTokenSource(options: {
  readonly request: HttpsRequest
  readonly readFile: (path: string) => Promise<string>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timeoutMilliseconds: number
}): TokenSource {
  const { clock } = options
  const kept = new Map<string, { readonly token: Secret; readonly until: number }>()
  const underWay = new Map<string, Promise<TokenResult>>()
  /** RFC 6749 §6: servers may hand out a new refresh token; the file keeps the first. */
  const rotated = new Map<string, Secret>()

  async function refresh(config: TokenConfig): Promise<TokenResult> {
    const key = keyOf(config)
    try {
      const form = await refreshForm(config, { readFile: options.readFile, rotated: rotated.get(key) })
      const answer = await options.request({
        url: new URL(config.endpoint),
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: form,
        maxOctets: longestAnswer,
        timeoutMilliseconds: options.timeoutMilliseconds,
      })
      if (!answer.ok) return answer
      const read = readAnswer(answer)
      if (!read.ok) return read
      if (read.refreshToken !== null) rotated.set(key, read.refreshToken)
      kept.set(key, {
        token: read.token,
        until: clock.monotonic() + read.life - Math.min(margin, read.life / 2),
      })
      return { ok: true, token: read.token }
    } catch (error) {
      return { ok: false, problem: error instanceof Error ? error.message : 'no token' }
    }
  }

  return {
    token(config) {
      const key = keyOf(config)
      const known = kept.get(key)
      if (known !== undefined && clock.monotonic() < known.until)
        return Promise.resolve({ ok: true, token: known.token })
      const running = underWay.get(key)
      if (running !== undefined) return running
      const started = refresh(config).finally(() => underWay.delete(key))
      underWay.set(key, started)
      return started
    },
    forget: (config) => void kept.delete(keyOf(config)),
  }
}

function keyOf(config: TokenConfig): string {
  return `${config.endpoint} ${config.clientId} ${config.refreshTokenFile}`
}

/** RFC 6749 §6, with the client's secret in the form (§2.3.1). */
async function refreshForm(
  config: TokenConfig,
  options: { readonly readFile: (path: string) => Promise<string>; readonly rotated: Secret | undefined },
): Promise<string> {
  const { readFile, rotated } = options
  const refreshToken = rotated?.reveal() ?? (await readFile(config.refreshTokenFile)).trim()
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: config.clientId,
  })
  if (config.clientSecretFile !== undefined)
    form.set('client_secret', (await readFile(config.clientSecretFile)).trim())
  if (config.scope !== undefined) form.set('scope', config.scope)
  return form.toString()
}

type Read =
  | { readonly ok: true; readonly token: Secret; readonly refreshToken: Secret | null; readonly life: number }
  | { readonly ok: false; readonly problem: string }

function readAnswer({ status, body }: { readonly status: number; readonly body: string }): Read {
  let answer: unknown
  try {
    answer = JSON.parse(body)
  } catch {
    return { ok: false, problem: `status ${status}, and no JSON` }
  }
  // A JSON value is looked at field by field; anything else than an object has none.
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>
  const { access_token: token, refresh_token: refreshToken, expires_in: seconds, error } = fields
  if (status !== 200 || typeof token !== 'string' || token === '') {
    // RFC 6749 §5.2: `error` is one word of a list; its description may hold secrets and is left out.
    const word = typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? `, ${error}` : ''
    return { ok: false, problem: `status ${status}${word}` }
  }
  const life = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : assumedLife
  return {
    ok: true,
    token: new Secret(token),
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? new Secret(refreshToken) : null,
    life,
  }
}

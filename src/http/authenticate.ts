// Who asks: HTTP Basic with an account's name and password or app password, a bearer token where the directory knows how to judge one, or
// the cookie of a session of the pages.
//
// - Credentials are not looked at on connections in the clear, unless the configuration allows it. All doors share one count of wrong
//   guesses, since the directory does the counting.
// - A browser sends the cookie by itself: with it, what changes something must come from our own pages, and say so.
// - A password or a session may do everything that its account may; an app password what it was made for.
import { Buffer } from 'node:buffer'
import type { HttpCaller, HttpScope } from '../base/http-mount.ts'
import { Secret } from '../base/secret.ts'
import type { Authentication, LoginRefusal } from '../directory/directory.ts'
import type { Account } from '../store/model.ts'
import { isSafe, pageOriginOf } from './origin.ts'
import type { HttpParts } from './parts.ts'
import { makeProblem, type Problem, unavailable } from './problem.ts'
import { readSessionCookie } from './session-cookie.ts'

/** The connection that a request came on. */
export interface RequestOrigin {
  readonly remoteAddress: string
  readonly secure: boolean
}

export type Caller = HttpCaller<Account>

const basicChallenge = 'Basic realm="posthorn", charset="UTF-8"'
const bearerChallenge = 'Bearer realm="posthorn"'

/** The caller, or why there is none. `origin`: ours, as the client named us. */
export async function authenticate(
  parts: HttpParts,
  request: Request,
  from: RequestOrigin & { readonly origin: string },
): Promise<Caller | Problem> {
  const refused = clearTextProblem(parts, from)
  if (refused !== null) return refused
  const authorization = request.headers.get('authorization')
  if (authorization !== null) return byAuthorization(parts, authorization, from)
  const token = readSessionCookie(request.headers, from)
  if (token === null) return unauthorized(parts, request)
  if (!isSafe(request) && pageOriginOf(request.headers, from.origin) !== 'same') {
    return makeProblem(403, 'cross-site', 'With a session, changes are taken from our own pages alone.')
  }
  const session = await parts.logins.sessions.find(token, from.remoteAddress)
  if (session === undefined) return unauthorized(parts, request)
  const { account, id } = session
  return { account, via: 'session', scopes: allScopes(account), sessionId: String(id), appPasswordId: null }
}

/** Why nothing secret is taken on this connection, or null. */
export function clearTextProblem({ clearText }: HttpParts, { secure }: RequestOrigin): Problem | null {
  if (secure || clearText === 'allowed') return null
  return makeProblem(403, 'tls-required', 'Credentials are taken over TLS alone.')
}

/** All that an account may do. */
export function allScopes({ role }: Account): ReadonlySet<HttpScope> {
  const everybody = ['mail', 'send', 'settings'] as const
  return new Set(role === 'admin' ? [...everybody, 'admin'] : everybody)
}

async function byAuthorization(
  { directory }: HttpParts,
  authorization: string,
  { remoteAddress }: RequestOrigin,
): Promise<Caller | Problem> {
  const { tokens } = directory.sasl
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+)$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'basic') {
    const [username, password] = readBasic(value)
    if (password === undefined || username === undefined) return challengedBy(tokens)
    const attempt = { username, password: new Secret(password), remoteAddress, protocol: 'http' }
    return outcome(await directory.authenticate(attempt), { via: 'password', tokens })
  }
  if (scheme.toLowerCase() === 'bearer' && tokens) {
    const attempt = { token: new Secret(value), username: null, remoteAddress, protocol: 'http' }
    return outcome(await directory.authenticateToken(attempt), { via: 'token', tokens })
  }
  return challengedBy(tokens)
}

const withoutChallenge = makeProblem(401, 'unauthorized', 'Log in with the name and password of an account.')

/** RFC 9110 §11.6.1: with each scheme that is taken. */
function challengedBy(tokens: boolean, bearer: string = bearerChallenge): Problem {
  const challenges = tokens ? `${basicChallenge}, ${bearer}` : basicChallenge
  return { ...withoutChallenge, headers: { 'www-authenticate': challenges } }
}

/** A browser asks its user for a password by itself where it is challenged: not from our pages, which have their own log-in. */
function unauthorized({ directory }: HttpParts, { headers }: Request): Problem {
  return headers.has('sec-fetch-site') && headers.get('sec-fetch-mode') !== 'navigate'
    ? withoutChallenge
    : challengedBy(directory.sasl.tokens)
}

function readBasic(value: string): [username?: string, password?: string] {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  // A control character in either is nobody's name or password.
  if (colon < 1 || /[\0-\x1f\x7f]/.test(text)) return []
  return [text.slice(0, colon), text.slice(colon + 1)]
}

function outcome(
  authentication: Authentication,
  { via, tokens }: { readonly via: 'password' | 'token'; readonly tokens: boolean },
): Caller | Problem {
  if (!authentication.ok) {
    if (authentication.reason !== 'bad-credentials') return loginProblem(authentication.reason)
    return via === 'token'
      ? challengedBy(true, `${bearerChallenge}, error="invalid_token"`)
      : challengedBy(tokens)
  }
  const { account, appPassword } = authentication
  const all = allScopes(account)
  if (appPassword === undefined) {
    return { account, via, scopes: all, sessionId: null, appPasswordId: null }
  }
  // Whoever is no admin any more has no app password that is.
  const scopes = new Set(appPassword.scopes.filter((scope) => all.has(scope)))
  return { account, via: 'app-password', scopes, sessionId: null, appPasswordId: appPassword.id }
}

/** Why a log-in failed, as the answer to it. */
export function loginProblem(reason: LoginRefusal): Problem {
  switch (reason) {
    case 'bad-credentials':
      return withoutChallenge
    case 'disabled':
      return makeProblem(403, 'disabled', 'The account is disabled.')
    case 'throttled':
      return {
        ...makeProblem(429, 'throttled', 'Too many wrong log-ins. Try again later.'),
        headers: { 'retry-after': '300' },
      }
    case 'unavailable':
      return unavailable
  }
}

// Who asks: HTTP Basic with an account's name and password, or a bearer token where the directory knows how to judge one.
//
// Credentials are not looked at on connections in the clear, unless the configuration allows it. All doors share one count of wrong
// guesses, since the directory does the counting.
import { Buffer } from 'node:buffer'
import { Secret } from '../base/secret.ts'
import type { Authentication, Directory } from '../directory/directory.ts'
import type { Account } from '../store/model.ts'
import { makeProblem, type Problem, unavailable } from './problem.ts'

/** The connection that a request came on. */
export interface RequestOrigin {
  readonly remoteAddress: string
  readonly secure: boolean
}

export interface AuthenticatorParts {
  readonly directory: Pick<Directory, 'sasl' | 'authenticate' | 'authenticateToken'>
  /** Whether credentials may come in the clear. */
  readonly clearText: 'allowed' | 'refused'
}

const challenge = { 'www-authenticate': 'Basic realm="posthorn", charset="UTF-8"' }

/** The account, or why there is none. */
export async function authenticate(
  { directory, clearText }: AuthenticatorParts,
  authorization: string | undefined,
  origin: RequestOrigin,
): Promise<Account | Problem> {
  if (!origin.secure && clearText === 'refused') {
    return makeProblem(403, 'tls-required', 'Credentials are taken over TLS alone.')
  }
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+)$/.exec(authorization ?? '') ?? []
  const { remoteAddress } = origin
  if (scheme.toLowerCase() === 'basic') {
    const [username, password] = readBasic(value)
    if (password === undefined || username === undefined) return unauthorized
    const attempt = { username, password: new Secret(password), remoteAddress, protocol: 'http' }
    return outcome(await directory.authenticate(attempt))
  }
  if (scheme.toLowerCase() === 'bearer' && directory.sasl.tokens) {
    const token = new Secret(value)
    return outcome(
      await directory.authenticateToken({ token, username: null, remoteAddress, protocol: 'http' }),
    )
  }
  return unauthorized
}

const unauthorized: Problem = {
  ...makeProblem(401, 'unauthorized', 'Log in with the name and password of an account.'),
  headers: challenge,
}

function readBasic(value: string): [username?: string, password?: string] {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  // A control character in either is nobody's name or password.
  if (colon < 1 || /[\0-\x1f\x7f]/.test(text)) return []
  return [text.slice(0, colon), text.slice(colon + 1)]
}

function outcome(authentication: Authentication): Account | Problem {
  if (authentication.ok) return authentication.account
  switch (authentication.reason) {
    case 'bad-credentials':
      return unauthorized
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

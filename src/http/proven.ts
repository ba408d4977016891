// Whether the session of a request is fresh enough for what is dangerous.
//
// The session must be the one that the caller was judged by: a request that brings credentials in `Authorization` may carry the cookie of
// anybody's session beside them.
import type { Caller } from './authenticate.ts'
import type { HttpParts } from './parts.ts'
import type { Call } from './route.ts'
import { readSessionCookie } from './session-cookie.ts'

/** False also where there is no session. */
export async function isProven(
  { logins }: HttpParts,
  { request, env, caller }: Pick<Call, 'request' | 'env'> & { readonly caller: Caller },
): Promise<boolean> {
  if (caller.via !== 'session') return false
  const token = readSessionCookie(request.headers, env)
  const session = token === null ? undefined : await logins.sessions.find(token, env.remoteAddress)
  return session !== undefined && logins.sessions.isProven(session)
}

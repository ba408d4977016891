// Whether the session of a request is fresh enough for what is dangerous.
import type { HttpParts } from './parts.ts'
import type { Call } from './route.ts'
import { readSessionCookie } from './session-cookie.ts'

/** False also where there is no session. */
export async function isProven(
  { logins }: HttpParts,
  { request, env }: Pick<Call, 'request' | 'env'>,
): Promise<boolean> {
  const token = readSessionCookie(request.headers, env)
  const session = token === null ? undefined : await logins.sessions.find(token, env.remoteAddress)
  return session !== undefined && logins.sessions.isProven(session)
}

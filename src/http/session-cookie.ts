// The cookie that carries a session of the pages. Over TLS its name begins with `__Host-`, which browsers take from this host alone, for
// all its paths, and never from a page without TLS. Scripts do not see it, and other sites' pages do not make a browser send it.
import type { RequestOrigin } from './authenticate.ts'

const plainName = 'posthorn-session'
const secureName = '__Host-posthorn-session'

/** The token, or null where the request carries none. */
export function readSessionCookie(
  headers: Headers,
  { secure }: Pick<RequestOrigin, 'secure'>,
): string | null {
  const wanted = secure ? secureName : plainName
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === wanted) return pair.slice(at + 1).trim()
  }
  return null
}

/** A value of `Set-Cookie`; `maxAge` in seconds. */
export function writeSessionCookie(
  token: string,
  { secure, maxAge }: { readonly secure: boolean; readonly maxAge: number },
): string {
  const name = secure ? secureName : plainName
  return `${name}=${token}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}

/** Makes the browser forget it. */
export function clearSessionCookie({ secure }: Pick<RequestOrigin, 'secure'>): string {
  return writeSessionCookie('', { secure, maxAge: 0 })
}

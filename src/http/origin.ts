// Where a request comes from as a browser sees it: our own pages, or somebody else's. Browsers say so in `Sec-Fetch-Site` (over TLS
// and on loopback) and in `Origin`; programs say nothing.
import { tryIpOctets } from '../base/ip-address.ts'
import { isPrivateName } from '../net/private-name.ts'

/** `same`: from our own pages. `foreign`: from another site's. `unknown`: nothing says. */
export type PageOrigin = 'same' | 'foreign' | 'unknown'

/** `origin` is ours, as the client named us. */
export function pageOriginOf(headers: Headers, origin: string): PageOrigin {
  const site = headers.get('sec-fetch-site')
  // `none`: typed by the person, or from a bookmark.
  if (site !== null) return site === 'same-origin' || site === 'none' ? 'same' : 'foreign'
  const named = headers.get('origin')
  if (named === null) return 'unknown'
  return named === origin ? 'same' : 'foreign'
}

/** RFC 9110 §9.2.1: methods that change nothing. A request to upgrade opens a connection that may change anything. */
export function isSafe(request: Request): boolean {
  if (request.headers.get('upgrade') !== null) return false
  return request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS'
}

/**
 * Whether a name in `Host` can be ours and nobody else's: an address, a name that the public DNS does not know, or one of `ours`. A
 * page elsewhere can have its own name lead to this machine, and would then count as same-origin (DNS rebinding).
 */
export function isLocalName(host: string, ours: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (ours.includes(name)) return true
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  if (tryIpOctets(bare) !== undefined) return true
  return isPrivateName(name)
}

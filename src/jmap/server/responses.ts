// Responses of HTTP that all of JMAP's resources share: JSON, problem details (RFC 7807), and what pages of other origins may see.
import type { RequestProblem } from '../proto/errors.ts'
import { toIJsonText } from '../proto/i-json.ts'
import type { Json } from '../proto/json.ts'

/** RFC 8620 §2: the Session, and with it all API responses, are not for caches. */
const uncached = { 'cache-control': 'no-cache, no-store, must-revalidate' }

export function jsonResponse(
  value: Json | object,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  return new Response(toIJsonText(value), {
    status,
    // RFC 8620 §3.1: "the response MUST also be of type "application/json"".
    headers: { 'content-type': 'application/json; charset=utf-8', ...uncached, ...headers },
  })
}

/** RFC 8620 §3.6.1: problem details. */
export function problemResponse(problem: RequestProblem): Response {
  return problemJson(problem)
}

/** A refusal that RFC 8620 has no type for. */
export function plainProblem(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return problemJson({ type: 'about:blank', status, detail }, headers)
}

function problemJson(problem: RequestProblem, headers: Readonly<Record<string, string>> = {}): Response {
  const { status } = problem
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...uncached,
      // RFC 9110 §10.2.3: seconds to wait. What is too much at once soon is no more.
      ...(status === 429 ? { 'retry-after': '1' } : {}),
      ...headers,
    },
  })
}

/**
 * Pages of other origins may use JMAP with credentials in `Authorization`. With `*` a browser sends no cookie along, so that none of
 * ours is theirs to use (Fetch standard, CORS protocol and credentials).
 */
export function withCors(response: Response): Response {
  response.headers.set('access-control-allow-origin', '*')
  response.headers.set(
    'access-control-expose-headers',
    'content-disposition, content-range, etag, retry-after, www-authenticate',
  )
  return response
}

export function preflightResponse(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers':
        'authorization, content-type, last-event-id, range, if-none-match, if-range',
      'access-control-max-age': '86400',
    },
  })
}

/** RFC 9110 §15.5.6. */
export function wrongMethod(allow: string): Response {
  return plainProblem(405, `Here is only ${allow}.`, { allow })
}

// What the catcher's mounts have in common before a request is looked at: who may ask, whose pages may ask, and bounded bodies.
//
// The names of `catcher.users` are no accounts (any password opens those), so they are judged here and nowhere else.
import { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpEnvironment } from '../base/http-mount.ts'
import { readBody } from '../base/request-body.ts'
import type { CatcherConfig } from '../config/sections/catcher.ts'
import type { Account } from '../store/model.ts'

export type CatcherEnvironment = HttpEnvironment<Account>
export type CatcherBindings = { Bindings: CatcherEnvironment }

/** The response that refuses the request, or null. Preflight requests carry no credentials (Fetch §3.2.2). */
export function refusal(config: Pick<CatcherConfig, 'users'>, request: Request): Response | null {
  if (config.users.length === 0 || request.method === 'OPTIONS') return null
  const [, encoded = ''] =
    /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  const given = Buffer.from(encoded, 'base64').toString('utf8')
  // All are compared, so that the time tells nothing of which name is right.
  const known = config.users.filter(({ name, password }) => isSame(given, `${name}:${password.reveal()}`))
  if (known.length > 0) return null
  return new Response('Unauthorised.\n', {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="Catcher", charset="UTF-8"', 'content-type': 'text/plain' },
  })
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

/** Fields that let a page of a listed origin read the answer; empty for all others. */
export function corsHeaders({ cors }: Pick<CatcherConfig, 'cors'>, request: Request): Record<string, string> {
  const origin = request.headers.get('origin')
  if (origin === null || !(cors.includes('*') || cors.includes(origin))) return {}
  return {
    'access-control-allow-origin': cors.includes('*') ? '*' : origin,
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': 'authorization, content-type',
    vary: 'origin',
  }
}

/** Around a mount: the gate before it, the fields of CORS behind it. */
export async function guarded(
  config: Pick<CatcherConfig, 'users' | 'cors'>,
  request: Request,
  work: () => Promise<Response> | Response,
): Promise<Response> {
  const cors = corsHeaders(config, request)
  const refused = refusal(config, request)
  const preflight = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
  const response = refused ?? (preflight ? new Response(null, { status: 204 }) : await work())
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(cors)) headers.set(name, value)
  headers.set('cache-control', headers.get('cache-control') ?? 'no-store')
  headers.set('referrer-policy', 'no-referrer')
  return new Response(response.body, { status: response.status, headers })
}

/** The body, or undefined where it is longer than the limit. */
export async function bodyText(request: Request, limit: number): Promise<string | undefined> {
  const octets = await readBody(request, limit)
  return octets === null ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
}

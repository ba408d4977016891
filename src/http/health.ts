// For whoever watches over the process: `/livez` (it runs), `/readyz` (its store answers) and `/metrics` (counters in Prometheus' text
// format). The first two tell nothing else and are for everyone; the counters are for this machine, and for admins.
import { Buffer } from 'node:buffer'
import type { HttpEnvironment, HttpMount } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { isLocalName } from './origin.ts'
import type { HttpParts } from './parts.ts'
import { problemResponse } from './problem.ts'
import { scopeProblem } from './route.ts'

export function createHealth(parts: HttpParts): HttpMount<Account> {
  return {
    paths: ['GET /livez', 'GET /readyz', 'GET /metrics'],
    async fetch(request, env) {
      switch (new URL(request.url).pathname) {
        case '/livez':
          return text('ok\n', 200)
        case '/readyz':
          return (await isReady(parts, env)) ? text('ready\n', 200) : text('not ready\n', 503)
        default:
          return metrics(parts, request, env)
      }
    },
  }
}

/** A store that hangs is as good as one that fails. */
async function isReady(
  { store, clock, config }: HttpParts,
  { stopping }: HttpEnvironment<Account>,
): Promise<boolean> {
  if (stopping.aborted) return false
  const late = Promise.withResolvers<false>()
  const timer = clock.after(config.readyTimeout, () => late.resolve(false))
  const asked = store.oldestAccount().then(
    () => true,
    () => false,
  )
  return Promise.race([asked, late.promise]).finally(() => timer.cancel())
}

async function metrics(parts: HttpParts, request: Request, env: HttpEnvironment<Account>): Promise<Response> {
  if (!isLocal(parts, request, env)) {
    const asked = await env.authenticate(request)
    if (!asked.ok) return asked.response
    if (!asked.caller.scopes.has('admin')) return problemResponse(scopeProblem('admin'))
  }
  return text(await parts.metrics(), 200, 'text/plain; version=0.0.4; charset=utf-8')
}

/** From this machine itself, not on behalf of another one, and not by a page whose name was made to lead here (DNS rebinding). */
function isLocal(
  { hostname, web }: HttpParts,
  { headers, url }: Request,
  { remoteAddress }: HttpEnvironment<Account>,
): boolean {
  if (!isLocalName(new URL(url).host, [hostname, ...web.hosts])) return false
  const forwarded = ['x-forwarded-for', 'forwarded', 'via', 'sec-fetch-site'].some((name) =>
    headers.has(name),
  )
  return !forwarded && (remoteAddress === '::1' || remoteAddress.startsWith('127.'))
}

function text(body: string, status: number, type = 'text/plain; charset=utf-8'): Response {
  return new Response(Buffer.from(body), {
    status,
    headers: { 'content-type': type, 'cache-control': 'no-store' },
  })
}

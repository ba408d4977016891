// The HTTP API's routes: from a request to an answer, without a socket. What a route takes and gives is in schema.ts; the OpenAPI
// document (openapi.ts) tells it to others.
import { type Context, Hono } from 'hono'
import type { HttpEnvironment, HttpMount, HttpScope } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { adminRoutes } from './admin-routes.ts'
import { apiPage } from './api-page.ts'
import { readFeed } from './event-feed.ts'
import { cancel, send, status } from './messages.ts'
import { openApiDocument } from './openapi.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, type Problem, problemResponse } from './problem.ts'
import { apiRoutes } from './routes.ts'
import { addRoutes, scopeProblem } from './route.ts'
import { stillMay } from './still-may.ts'
import { openTerminal } from './terminal.ts'

type AppContext = Context<{ Bindings: HttpEnvironment<Account> }>
type App = Hono<{ Bindings: HttpEnvironment<Account> }>

/** All of `/api/`. */
export function createApi(parts: HttpParts): HttpMount<Account> {
  const app = createApp(parts)
  return { paths: ['/api/*'], fetch: async (request, env) => app.fetch(request, env) }
}

/** Made once for all listeners. */
export function createApp(parts: HttpParts): App {
  const app: App = new Hono()
  /** For what needs an account, and a scope. */
  const withAccount =
    (scope: HttpScope, work: (context: AppContext, account: Account) => Promise<Response> | Response) =>
    async (context: AppContext): Promise<Response> => {
      const asked = await context.env.authenticate(context.req.raw)
      if (!asked.ok) return asked.response
      if (!asked.caller.scopes.has(scope)) return problemResponse(scopeProblem(scope))
      return work(context, asked.caller.account)
    }
  app.get('/api/v1/health', (context) => context.json({ status: 'ok' }))
  app.get('/api/v1/openapi.json', (context) => context.json(openApiDocument(parts.operations)))
  app.get('/api/', () =>
    apiPage({ ...parts.documents, '/api/v1/openapi.json': openApiDocument(parts.operations) }),
  )
  app.post(
    '/api/v1/messages',
    withAccount('send', async (context, account) => {
      const { req, env } = context
      const answer = await send(parts, req.raw, { account, origin: env })
      const direct = req.query('mode') === 'direct'
      return reply(answer, direct ? 200 : 202)
    }),
  )
  app.get(
    '/api/v1/messages/:id',
    withAccount('send', async ({ req }, account) =>
      reply(await status(parts, req.param('id') ?? '', account), 200),
    ),
  )
  app.delete(
    '/api/v1/messages/:id',
    withAccount('send', async ({ req }, account) =>
      reply(await cancel(parts, req.param('id') ?? '', account), 200),
    ),
  )
  app.get('/api/v1/events', async ({ req, env }) => reply(await readFeed(parts, req.raw, env), 200))
  app.get(
    '/api/v1/terminal',
    withAccount('mail', ({ req, env }, account) =>
      openTerminal(parts, account, {
        ...{ signal: req.raw.signal, stopping: env.stopping },
        holds: () => stillMay(req.raw, env, 'mail'),
      }),
    ),
  )
  addRoutes(app, parts, [...apiRoutes(), ...adminRoutes(parts.operations)])
  refuseOtherMethods(app)
  app.notFound(() => problemResponse(makeProblem(404, 'not-found', 'There is nothing here.')))
  // The site answers for what fails, whoever's mount it is.
  app.onError((error) => {
    throw error
  })
  return app
}

/** RFC 9110 §15.5.6: a path that is there, asked by a method that it does not know, says which it knows. */
function refuseOtherMethods(app: App): void {
  const methods = new Map<string, Set<string>>()
  for (const { path, method } of app.routes) {
    const known = methods.get(path) ?? new Set()
    // RFC 9110 §9.1: HEAD comes with GET.
    for (const one of method === 'GET' ? ['GET', 'HEAD'] : [method]) known.add(one)
    methods.set(path, known)
  }
  for (const [path, known] of methods) {
    const allow = [...known].join(', ')
    const problem = {
      ...makeProblem(405, 'method-not-allowed', `Here is only ${allow}.`),
      headers: { allow },
    }
    app.all(path, () => problemResponse(problem))
  }
}

function reply(answer: object | Problem, code: 200 | 202): Response {
  if (isProblem(answer)) return problemResponse(answer)
  return Response.json(answer, { status: code, headers: { 'cache-control': 'no-store' } })
}

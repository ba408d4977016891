// The HTTP API's routes: from a request to an answer, without a socket. What a route takes and gives is in schema.ts; the OpenAPI
// document (openapi.ts) tells it to others.
import { type Context, Hono } from 'hono'
import { errorText } from '../events/error-text.ts'
import { apiTrouble } from '../events/http.ts'
import type { Account } from '../store/model.ts'
import { StoreUnavailable } from '../store/store.ts'
import { authenticate, type RequestOrigin } from './authenticate.ts'
import { readFeed } from './event-feed.ts'
import { cancel, send, status } from './messages.ts'
import { openApiDocument } from './openapi.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, type Problem, problemResponse, unavailable } from './problem.ts'
import { openTerminal } from './terminal.ts'

/** What the carrier knows of a request's connection; `stopping` aborts when the server is to end. */
export interface Surroundings extends RequestOrigin {
  readonly stopping: AbortSignal
}

type AppContext = Context<{ Bindings: Surroundings }>
type App = Hono<{ Bindings: Surroundings }>

/** Made once for all listeners. */
export function createApp(parts: HttpParts): App {
  const app: App = new Hono()
  /** For what needs an account. */
  const withAccount =
    (work: (context: AppContext, account: Account) => Promise<Response> | Response) =>
    async (context: AppContext): Promise<Response> => {
      const account = await authenticate(parts, context.req.header('authorization'), context.env)
      return isProblem(account) ? problemResponse(account) : work(context, account)
    }
  app.get('/api/v1/health', (context) => context.json({ status: 'ok' }))
  app.get('/api/v1/openapi.json', (context) => context.json(openApiDocument()))
  app.post(
    '/api/v1/messages',
    withAccount(async (context, account) => {
      const { req, env } = context
      const answer = await send(parts, req.raw, { account, origin: env })
      const direct = req.query('mode') === 'direct'
      return reply(answer, direct ? 200 : 202)
    }),
  )
  app.get(
    '/api/v1/messages/:id',
    withAccount(async ({ req }, account) => reply(await status(parts, req.param('id') ?? '', account), 200)),
  )
  app.delete(
    '/api/v1/messages/:id',
    withAccount(async ({ req }, account) => reply(await cancel(parts, req.param('id') ?? '', account), 200)),
  )
  app.get('/api/v1/events', async ({ req, env }) => reply(await readFeed(parts, req.raw, env), 200))
  app.get(
    '/api/v1/terminal',
    withAccount(({ req, env }, account) =>
      openTerminal(parts, account, { signal: req.raw.signal, stopping: env.stopping }),
    ),
  )
  refuseOtherMethods(app)
  app.notFound(() => problemResponse(makeProblem(404, 'not-found', 'There is nothing here.')))
  app.onError((error, { req }) => {
    // The client went away in the middle of its request: nobody hears the answer, and nothing of ours failed.
    if (req.raw.signal.aborted) return problemResponse(unavailable)
    parts.events.emit(apiTrouble, { path: req.path, error: errorText(error) })
    if (error instanceof StoreUnavailable) return problemResponse(unavailable)
    return problemResponse(makeProblem(500, 'internal', 'Something of ours failed; nothing was promised.'))
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

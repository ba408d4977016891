// A route of the API as a row: what it takes, what it gives, who may, and what it does. From the rows come the checks, the answers and the
// OpenAPI document, so that none can say what the others do not do.
import type { Hono } from 'hono'
import type { z } from 'zod'
import type { HttpEnvironment, HttpScope } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { type Caller } from './authenticate.ts'
import { boundedBody } from './body.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, type Problem, problemResponse } from './problem.ts'

/**
 * Who may: anyone; whoever has the scope; or the person himself, who may change how his account is protected: by a session or the account's
 * own password, never by an app password.
 */
export type Access = 'anyone' | 'person' | HttpScope

export interface Call {
  readonly parts: HttpParts
  readonly request: Request
  readonly env: HttpEnvironment<Account>
  /** Of the path, by name. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/api/v1/sessions/{id}`. */
  readonly path: string
  readonly summary: string
  readonly group: string
  readonly access: Access
  /** As it is shown: what checks it may be another one's affair. */
  readonly body: z.ZodType | null
  readonly answer: z.ZodType | null
  readonly status: number
  respond(call: Call): Promise<Response>
}

interface Given<B extends z.ZodType | null> extends Call {
  readonly body: B extends z.ZodType ? z.output<B> : null
}

interface RouteOptions<B extends z.ZodType | null, A extends z.ZodType | null> {
  readonly summary: string
  readonly group: string
  readonly body: B
  /** What the document shows instead of `body`, where somebody else checks the request. */
  readonly shownBody?: z.ZodType
  readonly answer: A
  /** Default 200; 204 where nothing is answered. */
  readonly status?: number
}

type Answer<A extends z.ZodType | null> = (A extends z.ZodType ? z.input<A> : undefined) | Problem | Response

/** A route that anyone may ask. */
export function openRoute<B extends z.ZodType | null, A extends z.ZodType | null>(
  target: `${Route['method']} /${string}`,
  options: RouteOptions<B, A>,
  run: (given: Given<B>) => Promise<Answer<A>>,
): Route {
  return row(target, 'anyone', options, async (call, body) => answered(await run({ ...call, body }), options))
}

/** A route for callers who may. */
export function route<B extends z.ZodType | null, A extends z.ZodType | null>(
  target: `${Route['method']} /${string}`,
  options: RouteOptions<B, A> & { readonly access: Exclude<Access, 'anyone'> },
  run: (given: Given<B> & { readonly caller: Caller }) => Promise<Answer<A>>,
): Route {
  const { access } = options
  return row(target, access, options, async (call, body) => {
    const caller = await callerOf(call, access)
    if (caller instanceof Response) return caller
    return answered(await run({ ...call, body, caller }), options)
  })
}

/** Adds them to the app. */
export function addRoutes(
  app: Hono<{ Bindings: HttpEnvironment<Account> }>,
  parts: HttpParts,
  routes: readonly Route[],
): void {
  for (const { method, path, respond } of routes) {
    app.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), ({ req, env }) => {
      const query = new URL(req.url).searchParams
      return respond({ parts, request: req.raw, env, params: req.param(), query })
    })
  }
}

function row<B extends z.ZodType | null, A extends z.ZodType | null>(
  target: string,
  access: Access,
  { summary, group, body, shownBody, answer, status }: RouteOptions<B, A>,
  work: (call: Call, body: Given<B>['body']) => Promise<Response>,
): Route {
  const [, method = '', path = ''] = /^(\S+) (\S+)$/.exec(target) ?? []
  return {
    // The template type of the target says so.
    method: method as Route['method'],
    ...{ path, summary, group, access, body: shownBody ?? body, answer },
    status: status ?? (answer === null ? 204 : 200),
    async respond(call) {
      const given = body === null ? null : await readJson(call, body)
      if (given instanceof Response) return given
      // Checked by the schema, or null where there is none.
      return work(call, given as Given<B>['body'])
    },
  }
}

async function callerOf(call: Call, access: Exclude<Access, 'anyone'>): Promise<Caller | Response> {
  const asked = await call.env.authenticate(call.request)
  if (!asked.ok) return asked.response
  const { caller } = asked
  if (access !== 'person') return caller.scopes.has(access) ? caller : problemResponse(scopeProblem(access))
  if (caller.via !== 'app-password') return caller
  return problemResponse(makeProblem(403, 'session-required', 'An app password cannot do this: log in.'))
}

/** What a request holds, checked; or the refusal. */
async function readJson({ request, parts }: Call, schema: z.ZodType): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const bytes = await boundedBody(request, parts.config.maxBody)
  if (isProblem(bytes)) return problemResponse(bytes)
  // Forms of other sites' pages can send text and forms, never JSON.
  if (bytes.length > 0 && type !== 'application/json') {
    return problemResponse(makeProblem(415, 'unsupported-media-type', 'The request is application/json.'))
  }
  const text = new TextDecoder().decode(bytes)
  const value = tryJson(text === '' ? '{}' : text)
  if (value === undefined) return problemResponse(makeProblem(400, 'bad-json', 'The request is no JSON.'))
  const checked = schema.safeParse(value.json)
  if (checked.success) return checked.data
  const { z: zod } = await import('zod')
  return problemResponse(makeProblem(400, 'bad-request', zod.prettifyError(checked.error)))
}

function tryJson(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function answered(
  answer: unknown,
  { status, answer: schema }: { status?: number; answer: unknown },
): Response {
  if (answer instanceof Response) return answer
  if (typeof answer === 'object' && isProblem(answer)) return problemResponse(answer)
  const headers = { 'cache-control': 'no-store' }
  if (schema === null) return new Response(null, { status: status ?? 204, headers })
  return Response.json(answer, { status: status ?? 200, headers })
}

/** The account may not, or the app password was not made for it. */
export function scopeProblem(scope: HttpScope): Problem {
  return makeProblem(
    403,
    'scope-missing',
    `This needs the scope "${scope}", which these credentials do not have.`,
  )
}

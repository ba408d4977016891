// `/api/v1/admin/…`: a route for each operation of the server's table, under the name that the command line and its socket know it by,
// with the same arguments and the same answer. By POST with JSON; what is watched by GET, as server-sent events.
//
// For admins, by session or by an app password with the scope `admin`. What lets somebody in, shuts somebody out or cannot be undone wants
// a session in which the admin has shown recently who he is.
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { Operator } from '../base/operator.ts'
import { errorText } from '../events/error-text.ts'
import { apiTrouble } from '../events/http.ts'
import { accountProblems } from './api/account.ts'
import { adminAnswers } from './api/admin.ts'
import type { Caller } from './authenticate.ts'
import { eventStream } from './event-stream.ts'
import type { HttpParts } from './parts.ts'
import { makeProblem, type Problem, problemResponse, unavailable } from './problem.ts'
import { isProven } from './proven.ts'
import { type Call, route, type Route } from './route.ts'
import { stillMay } from './still-may.ts'

/** An operation of the server, whoever runs it. */
export interface AdminOperation {
  /** `domain.add`. */
  readonly name: string
  readonly about: string
  readonly parameters: z.ZodType
  /** `watch`: it tells of things until nobody listens any more. */
  readonly kind: 'ask' | 'watch'
  run(parameters: unknown, asker: AdminAsker): Promise<AdminOutcome>
}

export interface AdminAsker {
  readonly operator: Operator
  readonly onEvent: (event: unknown) => void
  readonly gone: AbortSignal
}

/** `refused`: an expected no. `deferred`: ask again later. With a sentence for the person. */
export type AdminOutcome =
  | { readonly type: 'done'; readonly result: unknown }
  | { readonly type: 'refused' | 'deferred'; readonly message: string }

const group = 'Administration'

const guarded: ReadonlySet<string> = new Set([
  'account.add',
  'account.app-password.add',
  'account.import',
  'account.passkey.remove',
  'account.password',
  'account.remove',
  'account.set',
  'account.totp.remove',
  'alias.set',
])

export function adminRoutes(operations: readonly AdminOperation[]): Route[] {
  return operations.map((one) => (one.kind === 'watch' ? watchRoute(one) : askRoute(one)))
}

function askRoute(operation: AdminOperation): Route {
  const { name, about, parameters } = operation
  return route(
    `POST /api/v1/admin/${name}`,
    {
      group,
      summary: about,
      access: 'admin',
      body: z.unknown(),
      shownBody: parameters,
      answer: answerOf(name),
    },
    async (call) => {
      const { caller, body, parts } = call
      if (guarded.has(name) && caller.via === 'session' && !(await isProven(parts, call))) {
        return makeProblem(403, 'proof-required', accountProblems['proof-required'])
      }
      const gone = AbortSignal.any([call.request.signal, call.env.stopping])
      const outcome = await operation.run(body, { operator: operatorOf(call), onEvent: () => {}, gone })
      // What an operation answers is plain data.
      return outcome.type === 'done' ? Response.json(outcome.result ?? {}, noStore) : outcomeProblem(outcome)
    },
  )
}

/** Whom events name. */
function operatorOf({ caller, env }: Pick<Call, 'env'> & { readonly caller: Caller }): Operator {
  const { account, via, appPasswordId } = caller
  return {
    name: account.address,
    via: appPasswordId === null ? via : `${via} ${appPasswordId}`,
    remoteAddress: env.remoteAddress,
  }
}

/** As `api/admin.ts` has it; of an operation that it does not know, anything. */
function answerOf(name: string): z.ZodType {
  const known: Readonly<Record<string, z.ZodType>> = adminAnswers
  return known[name] ?? z.unknown()
}

const noStore = { headers: { 'cache-control': 'no-store' } }

function watchRoute(operation: AdminOperation): Route {
  const { name, about } = operation
  return route(
    `GET /api/v1/admin/${name}`,
    { group, summary: about, access: 'admin', body: null, answer: null },
    async (call) => watch(call, operation),
  )
}

/** Server-sent events until either side ends it, or the asker is no admin any more; the arguments are the query. */
function watch(call: Call & { readonly caller: Caller }, operation: AdminOperation): Response {
  const { query, request, env, parts } = call
  const operator = operatorOf(call)
  const checked = operation.parameters.safeParse(Object.fromEntries(query))
  if (!checked.success) {
    return problemResponse(makeProblem(400, 'bad-request', z.prettifyError(checked.error)))
  }
  const left = new AbortController()
  const gone = AbortSignal.any([request.signal, env.stopping, left.signal])
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const say = (text: string): void => {
          // Whoever does not read misses records, and sees it by their numbers.
          if (!gone.aborted && (controller.desiredSize ?? 0) > 0) controller.enqueue(Buffer.from(text))
        }
        const end = (): void => {
          if (gone.aborted) return
          controller.close()
          left.abort()
        }
        const trouble = (error: unknown): void => {
          parts.events.emit(apiTrouble, { path: new URL(request.url).pathname, error: errorText(error) })
          end()
        }
        say(': watching\n\n')
        const pinging = keepOpen(parts, () => {
          say(': ping\n\n')
          void stillMay(request, env, 'admin').then((still) => (still ? undefined : end()), trouble)
        })
        const onEvent = (event: unknown): void => say(`data: ${JSON.stringify(event)}\n\n`)
        void operation
          .run(checked.data, { operator, onEvent, gone })
          .then(end, trouble)
          .finally(() => pinging.cancel())
      },
      cancel: () => left.abort(),
    },
    { highWaterMark: parts.config.maxWaitingEvents },
  )
  return eventStream(body)
}

function keepOpen({ clock, config }: HttpParts, ping: () => void): { cancel(): void } {
  let timer = clock.after(config.eventPing, tick)
  function tick(): void {
    timer = clock.after(config.eventPing, tick)
    ping()
  }
  return { cancel: () => timer.cancel() }
}

function outcomeProblem({ type, message }: Exclude<AdminOutcome, { type: 'done' }>): Problem {
  return type === 'refused' ? makeProblem(422, 'refused', message) : { ...unavailable, detail: message }
}

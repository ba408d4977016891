// The catcher's own API as a mount: `/api/v1/catcher/…`, with live events as server-sent events and over a WebSocket.
import { Hono } from 'hono'
import { z } from 'zod'
import type { HttpMount, WebSocketHandler } from '../../base/http-mount.ts'
import { catcherTrouble } from '../../events/catcher.ts'
import { errorText } from '../../events/error-text.ts'
import type { Account } from '../../store/model.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { Catcher } from '../catcher.ts'
import { bodyText, type CatcherBindings, corsHeaders, guarded, refusal } from '../gate.ts'
import type { CatcherEvent } from '../message.ts'
import { catcherOpenApi } from './openapi.ts'
import { type ApiParts, Refused } from './route.ts'
import { catcherRoutes } from './routes.ts'

const base = '/api/v1/catcher'

/** Milliseconds between two comments of an idle stream: proxies close what is silent. */
const heartbeat = 25_000

export function createCatcherMount(parts: ApiParts): HttpMount<Account> {
  const { catcher } = parts
  const { config } = catcher.parts
  const app = createCatcherApp(parts)
  return {
    paths: [`${base}/*`],
    fetch: (request, env) => guarded(config, request, () => app.fetch(request, env)),
    upgrade: async (request, env) => {
      const refused = refusal(config, request)
      if (refused !== null) return refused
      const { pathname, searchParams } = new URL(request.url)
      const origin = request.headers.get('origin')
      const foreign =
        origin !== null && origin !== env.origin && Object.keys(corsHeaders(config, request)).length === 0
      if (foreign) return new Refused(403, 'cross-site', 'Pages of other sites may not listen here.').response
      if (pathname !== `${base}/live`) return nothingHere.response
      return liveSocket(catcher, searchParams.get('inbox'))
    },
  }
}

const nothingHere = new Refused(404, 'not-found', 'There is nothing here.')

export function createCatcherApp(parts: ApiParts): Hono<CatcherBindings> {
  const { catcher } = parts
  const { requestSize } = catcher.parts.config.limits
  const app = new Hono<CatcherBindings>()
  app.notFound(() => nothingHere.response)
  app.onError((error, { req }) => {
    catcher.parts.events.emit(catcherTrouble, { path: req.path, error: errorText(error) })
    return error instanceof StoreUnavailable
      ? new Refused(503, 'unavailable', 'The store cannot serve now.').response
      : new Refused(500, 'internal', 'Something of ours failed.').response
  })
  app.get(`${base}/openapi.json`, (context) => context.json(catcherOpenApi()))
  app.get(`${base}/events`, ({ req, env }) =>
    eventStream(catcher, { inbox: req.query('inbox') ?? null, gone: [req.raw.signal, env.stopping] }),
  )
  for (const { method, path, body: schema, run } of catcherRoutes) {
    app.on(method, `${base}${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, async ({ req, env }) => {
      const body = schema === null ? null : await readJson(req.raw, { schema, most: requestSize })
      if (body instanceof Refused) return body.response
      const query = new URL(req.url).searchParams
      const answer = await run({ parts, catcher, request: req.raw, env, params: req.param(), query, body })
      if (answer instanceof Refused) return answer.response
      if (answer instanceof Response) return answer
      return answer === undefined ? new Response(null, { status: 204 }) : Response.json(answer)
    })
  }
  return app
}

async function readJson(
  request: Request,
  { schema, most }: { schema: z.ZodType; most: number },
): Promise<unknown> {
  const text = await bodyText(request, most)
  if (text === undefined) return new Refused(413, 'too-large', 'The request is too large.')
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    return new Refused(400, 'bad-json', 'The request is no JSON.')
  }
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : new Refused(400, 'bad-request', z.prettifyError(parsed.error))
}

/** Whether somebody who looks at one inbox hears of it. */
function concerns(event: CatcherEvent, inbox: string | null): boolean {
  if (inbox === null) return true
  if (event.type === 'new') return event.message.inbox === inbox
  return event.type === 'update' ? event.inbox === inbox : true
}

function eventStream(
  catcher: Catcher,
  { inbox, gone }: { readonly inbox: string | null; readonly gone: readonly AbortSignal[] },
): Response {
  const { clock } = catcher.parts
  const encoder = new TextEncoder()
  const { liveBacklog } = catcher.parts.config.limits
  const over = new AbortController()
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (over.signal.aborted) return
          over.abort()
          controller.close()
        }
        const send = (text: string): void => {
          if ((controller.desiredSize ?? 0) < -liveBacklog) end()
          else controller.enqueue(encoder.encode(text))
        }
        const beat = (): void => {
          if (over.signal.aborted) return
          send(':\n\n')
          timer = clock.after(heartbeat, beat)
        }
        let timer = clock.after(heartbeat, beat)
        const leave = catcher.subscribe((event) => {
          if (!over.signal.aborted && concerns(event, inbox))
            send(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
        })
        over.signal.addEventListener('abort', () => {
          leave()
          timer.cancel()
        })
        for (const signal of gone) {
          if (signal.aborted) end()
          else signal.addEventListener('abort', end, { once: true, signal: over.signal })
        }
        if (over.signal.aborted) return
        send(`event: stats\ndata: ${JSON.stringify({ type: 'stats', ...catcher.stats })}\n\n`)
      },
      cancel() {
        over.abort()
      },
    },
    { highWaterMark: 0, size: (chunk) => chunk?.length ?? 0 },
  )
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

function liveSocket(catcher: Catcher, inbox: string | null): WebSocketHandler {
  let leave: () => void = () => {}
  return {
    protocol: null,
    maxMessageSize: 1024,
    opened(peer) {
      leave = catcher.subscribe((event) => {
        if (!concerns(event, inbox)) return
        if (peer.buffered > catcher.parts.config.limits.liveBacklog) peer.close(1013, 'too slow')
        else peer.send(JSON.stringify(event))
      })
      peer.send(JSON.stringify({ type: 'stats', ...catcher.stats }))
    },
    message() {
      // Clients have nothing to say here.
    },
    closed() {
      leave()
    },
  }
}

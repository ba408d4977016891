// A route of the catcher's API as a row: what it takes, what it gives, and what it does. The checks of requests and the OpenAPI document
// come from the rows.
import type { z } from 'zod'
import type { Catcher } from '../catcher.ts'
import type { CaughtContent } from '../content.ts'
import type { CatcherEnvironment } from '../gate.ts'
import type { CaughtSummary } from '../message.ts'

export interface ApiParts {
  readonly catcher: Catcher
  /** Octets of a message that is handed in. */
  readonly maxMessageSize: number
  /** Hands in a message as it is. */
  readonly ingest: (message: {
    readonly content: Iterable<Uint8Array>
    readonly reversePath: string
    readonly recipients: readonly string[]
    readonly remoteAddress: string
  }) => Promise<{ readonly ok: true; readonly id: string } | { readonly ok: false; readonly error: string }>
  /** Those that are open, with their real ports. */
  readonly listeners: () => readonly {
    readonly service: string
    readonly port: number
    /** Of a UNIX socket. */
    readonly path: string | null
  }[]
}

export interface Call<Body = unknown> {
  readonly parts: ApiParts
  readonly catcher: Catcher
  readonly request: Request
  readonly env: CatcherEnvironment
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Body
}

/** A refusal, as `application/problem+json`. */
export class Refused {
  readonly status: number
  readonly code: string
  readonly detail: string

  constructor(status: number, code: string, detail: string) {
    this.status = status
    this.code = code
    this.detail = detail
  }

  get response(): Response {
    const { status, code, detail } = this
    return new Response(JSON.stringify({ status, code, detail }), {
      status,
      headers: { 'content-type': 'application/problem+json' },
    })
  }
}

export const notFound = new Refused(404, 'not-found', 'There is no such message, or not any more.')

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/v1/catcher`: `/messages/{id}`. */
  readonly path: string
  readonly summary: string
  readonly parameters: Readonly<Record<string, string>>
  readonly body: z.ZodType | null
  /** Null where it is no JSON, or nothing. */
  readonly answer: z.ZodType | null
  readonly run: (call: Call) => Promise<unknown>
}

interface RouteOptions<B extends z.ZodType | null, A extends z.ZodType | null> {
  readonly summary: string
  /** Of the query, with what they mean. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: B
  readonly answer: A
}

type Given<B> = B extends z.ZodType ? z.output<B> : null
type Answer<A> = (A extends z.ZodType ? z.input<A> : Response | undefined) | Refused

export function apiRoute<A extends z.ZodType | null, B extends z.ZodType | null = null>(
  target: `${ApiRoute['method']} /${string}`,
  { summary, parameters = {}, body, answer }: RouteOptions<B, A>,
  run: (call: Call<Given<B>>) => Promise<Answer<A>> | Answer<A>,
): ApiRoute {
  const space = target.indexOf(' ')
  return {
    // The type of `target` says what stands before the space.
    method: target.slice(0, space) as ApiRoute['method'],
    path: target.slice(space + 1),
    ...{ summary, parameters, answer, body: body ?? null },
    // The body was checked by the schema of this very route.
    run: async (call) => run(call as Call<Given<B>>),
  }
}

/** The message that the path names, opened. */
export async function withCaught<T>(
  { catcher, params }: Pick<Call, 'catcher' | 'params'>,
  work: (summary: CaughtSummary, content: CaughtContent) => Promise<T>,
): Promise<T | Refused> {
  const id = params['id'] ?? ''
  const summary = catcher.summary(id)
  const content = await catcher.open(id)
  return summary === undefined || content === undefined ? notFound : work(summary, content)
}

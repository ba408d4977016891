// Refusals of the HTTP API: an expected one is a value that becomes `application/problem+json`, with a code for programs and a
// sentence for people.
import type { ProblemBody } from './schema.ts'

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 411 | 413 | 415 | 422 | 429 | 431 | 500 | 503

export interface Problem extends Omit<ProblemBody, 'status'> {
  readonly type: 'problem'
  readonly status: ProblemStatus
  /** Fields of the response beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>
}

export function makeProblem(status: ProblemStatus, code: string, detail: string): Problem {
  return { type: 'problem', status, code, detail }
}

export function isProblem(value: object | null): value is Problem {
  return value !== null && 'type' in value && value.type === 'problem'
}

export function problemResponse({ type: _, headers, ...body }: Problem): Response {
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })
}

/** Nothing of ours is promised to have happened; the same request may be sent again. */
export const unavailable: Problem = {
  ...makeProblem(503, 'unavailable', 'The server cannot do this now. Try again later.'),
  headers: { 'retry-after': '60' },
}

// The body of a request, bounded, or the problem that it is too large.
import { readBody } from '../base/request-body.ts'
import { makeProblem, type Problem } from './problem.ts'

/** All of it. */
export async function boundedBody(request: Request, limit: number): Promise<Uint8Array | Problem> {
  return (await readBody(request, limit)) ?? tooLarge(limit)
}

export function tooLarge(limit: number): Problem {
  return makeProblem(413, 'too-large', `The request is larger than ${limit} octets.`)
}

/** Piece by piece. */
export async function* bodyOf(request: Request): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of request.body ?? []) yield piece
}

// The body of a request, bounded. What is larger than its limit is not read to its end.
import { Buffer } from 'node:buffer'
import { makeProblem, type Problem } from './problem.ts'

/** All of it. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array | Problem> {
  const pieces: Uint8Array[] = []
  let octets = 0
  for await (const piece of bodyOf(request)) {
    octets += piece.length
    if (octets > limit) return tooLarge(limit)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

export function tooLarge(limit: number): Problem {
  return makeProblem(413, 'too-large', `The request is larger than ${limit} octets.`)
}

/** Piece by piece. */
export async function* bodyOf(request: Request): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of request.body ?? []) yield piece
}

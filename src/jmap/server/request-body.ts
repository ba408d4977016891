// The octets of a request's body, as many as a limit allows and no more.

import { Buffer } from 'node:buffer'

/** Null: there are more than that. Rejects where the client goes away. */
export async function readBody(request: Request, most: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > most) return null
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let octets = 0
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    octets += chunk.length
    // Leaving the loop cancels the rest.
    if (octets > most) return null
    chunks.push(chunk)
  }
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, octets)
}

// The octets of a request's body, as many as a limit allows and no more. Some of what comes behind those is read and forgotten while the
// answer is on its way, so that the connection of a client that was a little too large can be used again; of one without an end it is cut.

import { Buffer } from 'node:buffer'

/** Null: there are more than `most`. Rejects where the client goes away. */
export async function readBody(request: Request, most: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > most) return null
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  const octets = await readUpTo(request.body as AsyncIterable<Uint8Array>, most, (chunk) => {
    chunks.push(chunk)
  })
  if (octets === null) return null
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, octets)
}

/** How many octets there were; null: more than `most`. Rejects where they end early, and as `take` does. */
export async function readUpTo(
  body: AsyncIterable<Uint8Array>,
  most: number,
  take: (chunk: Uint8Array) => void | Promise<void>,
): Promise<number | null> {
  const chunks = body[Symbol.asyncIterator]()
  let octets = 0
  for (;;) {
    const { done, value } = await chunks.next()
    if (done === true) return octets
    octets += value.length
    if (octets > most) {
      void forget(chunks, forgotten)
      return null
    }
    try {
      await take(value)
    } catch (error) {
      await chunks.return?.()
      throw error
    }
  }
}

/** Octets beyond the limit that are read for nothing. */
const forgotten = 1024 * 1024

async function forget(chunks: AsyncIterator<Uint8Array>, most: number): Promise<void> {
  try {
    for (let left = most; left > 0;) {
      const { done, value } = await chunks.next()
      if (done === true) return
      left -= value.length
    }
    await chunks.return?.()
  } catch {
    // Whoever sent it has gone, or was cut.
  }
}

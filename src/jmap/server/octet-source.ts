// Octets that can be read by ranges, and ranges of octets with a transfer encoding taken off (RFC 2045 §6): what blobs are read by.
import { transferDecoder } from '../../mail/transfer.ts'
import type { BlobRange } from '../proto/blob-ids.ts'

export interface OctetSource {
  readonly size: number
  /** Octets [start, end); all of them by default. */
  read(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>
}

/** Octets that are here before others. */
export function withPrefix(prefix: Uint8Array, rest: OctetSource): OctetSource {
  const size = prefix.length + rest.size
  return {
    size,
    async *read({ start, end } = { start: 0, end: size }) {
      if (start < prefix.length) yield prefix.subarray(start, end)
      if (end > prefix.length) {
        yield* rest.read({ start: Math.max(0, start - prefix.length), end: end - prefix.length })
      }
    },
  }
}

/** A part of one; undefined where it is not in it. Of an encoded one the size is found by decoding it once. */
export async function partOf(outer: OctetSource, range: BlobRange): Promise<OctetSource | undefined> {
  const { start, end, encoding } = range
  if (end > outer.size) return undefined
  if (encoding === 'identity') return window(outer, { start, end })
  const decode = (): AsyncIterable<Uint8Array> => decoded(outer.read({ start, end }), encoding)
  let size = 0
  for await (const chunk of decode()) size += chunk.length
  return { size, read: (wanted = { start: 0, end: size }) => cut(decode(), wanted) }
}

function window(outer: OctetSource, { start, end }: { start: number; end: number }): OctetSource {
  const size = end - start
  return {
    size,
    read: (wanted = { start: 0, end: size }) =>
      outer.read({ start: start + wanted.start, end: start + wanted.end }),
  }
}

async function* decoded(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Uint8Array> {
  const decoder = transferDecoder(encoding)
  for await (const chunk of chunks) {
    const octets = decoder.push(chunk)
    if (octets.length > 0) yield octets
  }
  const rest = decoder.finish()
  if (rest.length > 0) yield rest
}

async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  { start, end }: { start: number; end: number },
): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of chunks) {
    const from = Math.max(0, start - at)
    const to = Math.min(chunk.length, end - at)
    if (from < to) yield chunk.subarray(from, to)
    at += chunk.length
    if (at >= end) return
  }
}

// Tells mail that answers by itself: reports (null reverse-path) and automatic replies (RFC 3834 §5). Two such parties that answer
// each other are a storm.
//
// Mail that a program sends on its own (`auto-generated`: a list, a nightly job) is no answer, so it cannot be half of a
// storm, and there may rightly be much of it.
import { Buffer } from 'node:buffer'
import type { BlobStore } from '../store/store.ts'
import type { Arrival } from './delivery.ts'

/** How much of a large message's header is looked at. */
const headerOctets = 64 * 1024

/** Whose domain the answer is from; undefined where it is no automatic answer. */
export async function automaticSender(
  arrival: Arrival,
  blobs: Pick<BlobStore, 'readStaged'>,
): Promise<string | undefined> {
  const { reversePath, structure } = arrival
  if (reversePath === null) return structure.envelope.from?.[0]?.host?.toLowerCase() ?? 'unknown'
  const end = Math.min(structure.root.bodyStart, headerOctets)
  const { blob } = arrival.message
  if (blob.type === 'inline') {
    return isReply(blob.bytes.subarray(0, end)) ? domainOf(arrival) : undefined
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of blobs.readStaged(blob, { start: 0, end })) chunks.push(chunk)
  return isReply(Buffer.concat(chunks)) ? domainOf(arrival) : undefined
}

function domainOf({ reversePath }: Arrival): string {
  return reversePath?.domain ?? reversePath?.literal ?? 'unknown'
}

function isReply(header: Uint8Array): boolean {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('latin1')
  return /^auto-submitted[ \t]*:[ \t]*(?:\r?\n[ \t]+)?auto-(?:replied|notified)\b/im.test(text)
}

// Uploads (RFC 8620 §6.1): octets stream into a blob of the store's and get a row that names who may use them, and until when.
import { Buffer } from 'node:buffer'
import { limitProblem } from '../proto/errors.ts'
import { uploadBlobId } from '../proto/blob-ids.ts'
import { Accounts } from './accounts.ts'
import type { Asked } from './endpoint.ts'
import type { AccountPlace } from './module.ts'
import type { JmapParts } from './parts.ts'
import { readUpTo } from '../../base/request-body.ts'
import { jsonResponse, plainProblem, problemResponse } from './responses.ts'

/** `type "/" subtype` with parameters (RFC 9110 §8.3.1), in what may stand in a header field. */
const mediaType = /^[\w!#$%&'*+.^`|~-]{1,127}\/[\w!#$%&'*+.^`|~-]{1,127}(?:\s*;[\t\x20-\x7e]{0,500})?$/

/** As it was told, or what RFC 9110 §8.3 says of unknown ones. */
export function mediaTypeOr(text: string | null, unknown = 'application/octet-stream'): string {
  const told = text?.trim() ?? ''
  return mediaType.test(told) ? told : unknown
}

export async function upload(parts: JmapParts, asked: Asked, accountId: string): Promise<Response> {
  const { request, caller } = asked
  const { maxSizeUpload, maxConcurrentUpload } = parts.config
  const place = await new Accounts(parts.store, caller.account).find(accountId)
  if (place === undefined) return plainProblem(404, 'There is no such account.')
  const tooLarge = (): Response => {
    const detail = `A file may have ${maxSizeUpload} octets at most.`
    return problemResponse(limitProblem('maxSizeUpload', detail, 413))
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxSizeUpload) return tooLarge()
  const release = parts.uploads.tryTake(caller.account.id)
  if (release === null) {
    const detail = `At most ${maxConcurrentUpload} files are uploaded at once.`
    return problemResponse(limitProblem('maxConcurrentUpload', detail, 429))
  }
  try {
    const type = mediaTypeOr(request.headers.get('content-type'))
    const kept = await keepUpload(parts, place, {
      type,
      octets: request.body as AsyncIterable<Uint8Array> | null,
      most: maxSizeUpload,
    })
    if (kept === 'too-large') return tooLarge()
    if (kept === 'no-such-account') return plainProblem(404, 'There is no such account.')
    return jsonResponse({ accountId: place.id, ...kept, type }, { status: 201 })
  } finally {
    release()
  }
}

export interface NewUpload {
  readonly type: string
  /** Null: none. */
  readonly octets: AsyncIterable<Uint8Array> | null
  readonly most: number
}

/** Rejects where the store cannot serve, or the octets end early. */
export async function keepUpload(
  { store, config, clock }: Pick<JmapParts, 'store' | 'config' | 'clock'>,
  { account, viewer }: AccountPlace,
  { type, octets, most }: NewUpload,
): Promise<{ blobId: string; size: number } | 'too-large' | 'no-such-account'> {
  const writer = store.blobs.stage()
  let size: number | null = 0
  try {
    if (octets !== null) {
      size = await readUpTo(octets, most, async (chunk) => {
        await writer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      })
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
  if (size === null) {
    await writer.discard()
    return 'too-large'
  }
  const blob = await writer.finish()
  const now = clock.now()
  const added = await store.addUpload({
    ...{ account: account.id, uploader: viewer.id, blob, type, now },
    room: config.uploadQuota,
    expiresAt: now + config.uploadTime,
  })
  if (!added.ok) return added.reason
  return { blobId: uploadBlobId(account.id, added.upload.id), size }
}

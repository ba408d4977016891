// Downloads (RFC 8620 §6.2): the octets of a blobId under the name and type that the client wants, whole or a range of them (RFC 9110 §14).
//
// What is downloaded was written by strangers: whatever type the client names, a browser that is led here runs nothing of it, and
// saves it rather than shows it.
import { Accounts } from './accounts.ts'
import type { FoundBlob } from './blob-access.ts'
import type { Asked } from './endpoint.ts'
import type { JmapParts } from './parts.ts'
import { plainProblem } from './responses.ts'
import { mediaTypeOr } from './upload.ts'

export interface Download {
  /** As they stand in the path. */
  readonly accountId: string
  readonly blobId: string
  readonly fileName: string
}

export async function download(parts: JmapParts, asked: Asked, wanted: Download): Promise<Response> {
  const { request, url, caller } = asked
  const place = await new Accounts(parts.store, caller.account).find(wanted.accountId)
  if (place === undefined) return plainProblem(404, 'There is no such account.')
  const found = await parts.blobs.find(place, wanted.blobId)
  if (found === undefined) return plainProblem(404, 'There is no such blob.')
  const etag = `"${found.id}"`
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    // RFC 8620 §6.2: what an id means never changes.
    'cache-control': 'private, immutable, max-age=31536000',
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  }
  if (request.headers.get('if-none-match')?.includes(etag) === true) {
    return new Response(null, { status: 304, headers })
  }
  const range = rangeOf(request, { size: found.size, etag })
  if (range === 'unsatisfiable') {
    return plainProblem(416, 'That range is not in it.', { 'content-range': `bytes */${found.size}` })
  }
  const { start, end } = range ?? { start: 0, end: found.size }
  return new Response(request.method === 'HEAD' ? null : streamOf(found, { start, end }), {
    status: range === null ? 200 : 206,
    headers: {
      ...headers,
      'content-type': mediaTypeOr(typeOf(url)),
      'content-length': String(end - start),
      'content-disposition': contentDisposition(decoded(wanted.fileName)),
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${found.size}` }),
    },
  })
}

/** RFC 8620 §6.2: a template knows no `+` for a space, and `image/svg+xml` may come as it is; before a parameter it is one. */
function typeOf({ search }: URL): string | null {
  const [, told = null] = /[?&]accept=([^&]*)/.exec(search) ?? []
  return told && decoded(told.replace(/;\+/g, '; '))
}

function streamOf(blob: FoundBlob, range: { start: number; end: number }): ReadableStream<Uint8Array> {
  const chunks = blob.read(range)[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** RFC 6266 §4.1 and RFC 8187: the name in US-ASCII for old clients, and as it is. */
export function contentDisposition(name: string): string {
  const clean = name.replace(/[\0-\x1f\x7f]/g, '').toWellFormed()
  const plain = clean.replace(/[^\x20-\x7e]/g, '_').replace(/["\\/%]/g, '_')
  const encoded = encodeURIComponent(clean).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return plain === clean
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

/** RFC 9110 §14.2: one range of octets; several, or what is not understood, count as none (null). */
function rangeOf(
  request: Request,
  { size, etag }: { size: number; etag: string },
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.headers.get('range') ?? '')
  if (match === null || request.method !== 'GET') return null
  // RFC 9110 §13.1.5: the range of something else is no range of this.
  const condition = request.headers.get('if-range')
  if (condition !== null && condition !== etag) return null
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Number(last)
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size }
  }
  if (last !== '' && Number(last) < Number(first)) return null
  if (Number(first) >= size) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? size : Math.min(size, Number(last) + 1) }
}

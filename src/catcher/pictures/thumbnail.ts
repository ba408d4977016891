// The answer to a request for the thumbnail of a part: 180x120 as JPEG, as Mailpit has it; white for what is no picture, or none that can
// be scaled.
import { Buffer } from 'node:buffer'
import type { CaughtContent } from '../content.ts'
import type { Thumbnailer } from './thumbnailer.ts'

/** Undefined where there is no such part. */
export async function thumbnailResponse(
  content: CaughtContent,
  { partId, thumbnailer }: { readonly partId: string; readonly thumbnailer: Thumbnailer },
): Promise<Response | undefined> {
  const part = await content.part(partId)
  if (part === undefined) return undefined
  const small = part.contentType.startsWith('image/') ? await thumbnailer.make(part.bytes) : undefined
  return new Response(small ?? blank, {
    headers: {
      'content-type': 'image/jpeg',
      'content-disposition': `inline; filename="thumb-${encodeURIComponent(part.fileName)}.jpg"`,
      // A part never changes.
      'cache-control': 'private, max-age=3600',
    },
  })
}

/** 180x120, grey scale, all of it white. */
const blank = Uint8Array.from(
  Buffer.from(
    `/9j/2wBDAAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAj/wAALCAB4ALQBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AL+${'A'.repeat(117)}D//2Q==`,
    'base64',
  ),
)

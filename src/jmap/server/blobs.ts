// Looks up what blobIds mean: uploads and messages in the store, and octets inside of them.
import { Buffer } from 'node:buffer'
import type { BlobId, EmailId, ObjectId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { tryBlobReference, type BlobReference } from '../proto/blob-ids.ts'
import type { BlobAccess, EmailSight } from './blob-access.ts'
import type { AccountPlace } from './module.ts'
import { type OctetSource, partOf, withPrefix } from './octet-source.ts'

export interface BlobAccessParts {
  readonly store: Pick<Store, 'blobs' | 'findUpload' | 'emailTexts'>
  readonly sight: EmailSight
  readonly now: () => number
}

/** A root: what its id means, and what ranges inside of it count from. */
interface Root {
  readonly whole: OctetSource
  readonly inner: OctetSource
  readonly type: string | null
}

export function createBlobAccess(parts: BlobAccessParts): BlobAccess {
  return {
    async find(place, blobId) {
      const reference = tryBlobReference(blobId)
      if (reference === undefined || reference.root.account !== place.account.id) return undefined
      const root = await findRoot(parts, place, reference)
      if (root === undefined) return undefined
      const { ranges } = reference
      if (ranges.length === 0) return { id: blobId, type: root.type, ...root.whole }
      let source: OctetSource | undefined = root.inner
      for (const range of ranges) source = source && (await partOf(source, range))
      return source && { id: blobId, type: null, ...source }
    },
  }
}

async function findRoot(
  parts: BlobAccessParts,
  place: AccountPlace,
  { root }: BlobReference,
): Promise<Root | undefined> {
  const { store, now } = parts
  const account = place.account.id
  if (root.type === 'upload') {
    // Numbers of the store's; one that is nobody's finds nothing.
    const id = root.upload as ObjectId
    const found = await store.findUpload({ account, uploader: place.viewer.id, id, now: now() })
    if (found === undefined) return undefined
    const whole = stored(store, found)
    return { whole, inner: whole, type: found.type }
  }
  const email = root.email as EmailId
  if ((await parts.sight.find(place, email)) === undefined) return undefined
  for await (const [text] of store.emailTexts({ account, emails: [email] })) {
    if (text === undefined) break
    const prefix = Buffer.from(text.prefix)
    const inner = stored(store, { blob: text.blob, size: text.size - prefix.length })
    return { whole: withPrefix(prefix, inner), inner, type: 'message/rfc822' }
  }
  return undefined
}

function stored(
  { blobs }: Pick<Store, 'blobs'>,
  { blob, size }: { readonly blob: BlobId; readonly size: number },
): OctetSource {
  return { size, read: (range) => blobs.read(blob, range) }
}

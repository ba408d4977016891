// Blob/upload (RFC 9404 §4.1): small blobs made of text, base64, and ranges of other blobs, those of the same call among them.
import { Buffer } from 'node:buffer'
import { blob } from '../proto/capabilities.ts'
import { invalidProperties, MethodError, SetError } from '../proto/errors.ts'
import { isJsonArray, isJsonObject, memberOf, objectOf, type JsonObject } from '../proto/json.ts'
import {
  id,
  idOrReference,
  listOf,
  mapOf,
  nullable,
  record,
  string,
  unsignedInt,
  anyObject,
  Wrong,
  type FieldsOf,
} from '../proto/shape.ts'
import { accountId } from '../proto/standard.ts'
import type { BlobModuleParts } from './blob-methods.ts'
import { type AccountCall, accountMethod, type Method } from './module.ts'
import { errorsOrNull } from './standard-methods.ts'
import { keepUpload, mediaTypeOr } from './upload.ts'

const uploadShape = record({ accountId, create: mapOf(id, anyObject) })

const uploadFields = { data: listOf(anyObject), type: nullable(string) }
const uploadObject = record(uploadFields)

/** RFC 9404 §4.1 DataSourceObject. */
const sourceFields = {
  'data:asText': nullable(string),
  'data:asBase64': nullable(string),
  blobId: nullable(idOrReference),
  offset: nullable(unsignedInt),
  length: nullable(unsignedInt),
}
const dataSource = record(sourceFields)
type DataSource = FieldsOf<typeof sourceFields>

/** RFC 4648 §4, padded or not. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

export function blobUploadMethod(parts: BlobModuleParts): Method {
  return accountMethod({
    name: 'Blob/upload',
    capability: blob,
    access: 'read',
    shape: uploadShape,
    async run(call, { create }) {
      if (create.size > call.limits.maxObjectsInSet) return new MethodError('requestTooLarge')
      const created = new Map<string, JsonObject>()
      const notCreated = new Map<string, SetError>()
      for (const [creationId, object] of inOrder(create)) {
        const made = await makeBlob(parts, call, object)
        if (made instanceof SetError) notCreated.set(creationId, made)
        else {
          call.createdIds.add(creationId, made.id)
          created.set(creationId, { ...made })
        }
      }
      return {
        arguments: {
          accountId: call.place.id,
          created: created.size === 0 ? null : objectOf(created),
          notCreated: errorsOrNull(notCreated),
        },
      }
    },
  })
}

/** RFC 8620 §5.3: creates "happen before their creation ids are referenced"; of those that go round in circles one is told so. */
function inOrder(create: ReadonlyMap<string, JsonObject>): ReadonlyMap<string, JsonObject> {
  const ordered = new Map<string, JsonObject>()
  const begun = new Set<string>()
  const visit = (creationId: string): void => {
    const object = create.get(creationId)
    if (object === undefined || begun.has(creationId)) return
    begun.add(creationId)
    for (const named of namedIn(object)) visit(named)
    ordered.set(creationId, object)
  }
  for (const creationId of create.keys()) visit(creationId)
  return ordered
}

/** The creation ids that it is made of. */
function namedIn(object: JsonObject): readonly string[] {
  const data = memberOf(object, 'data')
  if (!isJsonArray(data)) return []
  return data.flatMap((source) => {
    const blobId = isJsonObject(source) ? memberOf(source, 'blobId') : undefined
    return typeof blobId === 'string' && blobId.startsWith('#') ? [blobId.slice(1)] : []
  })
}

async function makeBlob(
  parts: BlobModuleParts,
  call: AccountCall,
  object: JsonObject,
): Promise<{ id: string; type: string; size: number } | SetError> {
  const read = uploadObject(object)
  if (read instanceof Wrong) return invalidProperties([String(read.path[0] ?? 'data')], read.description)
  const { maxDataSources, maxBlobOctets } = call.limits
  if (read.data.length > maxDataSources) {
    return new SetError('tooLarge', `A blob is made of ${maxDataSources} pieces at most.`)
  }
  const pieces: Uint8Array[] = []
  let size = 0
  for (const source of read.data) {
    const piece = await readSource(parts, call, { source, room: maxBlobOctets - size })
    if (piece instanceof SetError) return piece
    size += piece.length
    if (size > maxBlobOctets) return new SetError('tooLarge')
    pieces.push(piece)
  }
  const type = mediaTypeOr(read.type)
  const octets = (async function* () {
    yield* pieces
  })()
  const kept = await keepUpload(parts, call.place, { type, octets, most: maxBlobOctets })
  if (typeof kept === 'string') return new SetError(kept === 'too-large' ? 'tooLarge' : 'forbidden')
  return { id: kept.blobId, type, size: kept.size }
}

async function readSource(
  parts: BlobModuleParts,
  call: AccountCall,
  { source, room }: { source: JsonObject; room: number },
): Promise<Uint8Array | SetError> {
  const wrong = (description: string): SetError => invalidProperties(['data'], description)
  const read = dataSource(source)
  if (read instanceof Wrong) return wrong(read.description)
  const { 'data:asText': text, 'data:asBase64': encoded, blobId } = read
  const given = [text, encoded, blobId].filter((value) => value !== null).length
  if (given !== 1) return wrong('A piece is one of data:asText, data:asBase64 and blobId.')
  if (text !== null) return Buffer.from(text, 'utf8')
  if (encoded !== null) {
    return base64.test(encoded) ? Buffer.from(encoded, 'base64') : wrong('data:asBase64 is not base64.')
  }
  return readRange(parts, call, { ...read, room })
}

async function readRange(
  { blobs }: BlobModuleParts,
  call: AccountCall,
  { blobId, offset, length, room }: DataSource & { readonly room: number },
): Promise<Uint8Array | SetError> {
  const real = call.createdIds.resolve(blobId ?? '')
  const found = real === undefined ? undefined : await blobs.find(call.place, real)
  if (found === undefined) return new SetError('blobNotFound', null, { notFound: [blobId] })
  const start = offset ?? 0
  const end = length === null ? found.size : start + length
  // RFC 9404 §4.1: a range that is not in the blob makes the creation fail.
  if (start > found.size || end > found.size) {
    return invalidProperties(['data'], `${blobId} has ${found.size} octets.`)
  }
  if (end - start > room) return new SetError('tooLarge')
  const chunks: Uint8Array[] = []
  for await (const chunk of start < end ? found.read({ start, end }) : []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

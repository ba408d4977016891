// Blob/copy (RFC 8620 §6.3), and Blob/upload, Blob/get and Blob/lookup (RFC 9404 §4): binary data without HTTP requests of their own.
import { createHash } from 'node:crypto'
import { Buffer, isUtf8 } from 'node:buffer'
import { encodeObjectId } from '../../mail/object-id.ts'
import type { EmailId, ObjectId } from '../../store/model.ts'
import { tryBlobReference, uploadBlobId } from '../proto/blob-ids.ts'
import { blob, core, mail } from '../proto/capabilities.ts'
import { MethodError, SetError } from '../proto/errors.ts'
import { objectOf, type Json, type JsonObject } from '../proto/json.ts'
import { idOrReference, listOf, nullable, record, string, unsignedInt } from '../proto/shape.ts'
import { accountId } from '../proto/standard.ts'
import type { BlobAccess, EmailSight, FoundBlob } from './blob-access.ts'
import { type AccountCall, accountMethod, type AccountPlace, type JmapModule, type Method } from './module.ts'
import type { JmapParts } from './parts.ts'
import { errorsOrNull } from './standard-methods.ts'
import { blobUploadMethod } from './blob-upload.ts'

export interface BlobModuleParts extends Pick<JmapParts, 'store' | 'config' | 'clock'> {
  readonly blobs: BlobAccess
  readonly sight: EmailSight
}

/** RFC 9404 §4.2: names of the registry of HTTP digests, each with Node's name for it. */
const digests: Readonly<Record<string, string>> = { sha: 'sha1', 'sha-256': 'sha256', 'sha-512': 'sha512' }

/** RFC 9404 §4.3: types whose objects may hold a blobId, all of the mail capability. */
const typeNames = ['Mailbox', 'Thread', 'Email'] as const

export function createBlobModule(parts: BlobModuleParts): JmapModule {
  const { config } = parts
  return {
    capabilities: [
      {
        uri: blob,
        server: () => ({}),
        // RFC 9404 §3.1.
        account: () => ({
          maxSizeBlobSet: config.maxBlobOctets,
          maxDataSources: config.maxDataSources,
          supportedTypeNames: [...typeNames],
          supportedDigestAlgorithms: Object.keys(digests),
        }),
      },
    ],
    methods: [copyMethod(parts), blobUploadMethod(parts), getMethod(parts), lookupMethod(parts)],
    types: [],
  }
}

/** Each blob that is asked for, once: as it was named, by its id where that was a creation id, and undefined where it is not there. */
async function* blobsOf(
  { blobs }: BlobModuleParts,
  { createdIds }: AccountCall,
  { of, ids }: { readonly of: AccountPlace; readonly ids: readonly string[] },
): AsyncGenerator<{ named: string; id: string; found: FoundBlob | undefined }> {
  for (const named of new Set(ids)) {
    const id = createdIds.resolve(named) ?? named
    yield { named, id, found: await blobs.find(of, id) }
  }
}

const copyShape = record({ fromAccountId: accountId, accountId, blobIds: listOf(idOrReference) })

/** RFC 8620 §6.3. */
function copyMethod(parts: BlobModuleParts): Method {
  return accountMethod({
    name: 'Blob/copy',
    capability: core,
    access: 'read',
    shape: copyShape,
    async run(call, args) {
      const from = await call.findAccount(args.fromAccountId)
      if (from === undefined) return new MethodError('fromAccountNotFound')
      // RFC 8620 §6.3: "between two different accounts".
      if (from.id === call.place.id) {
        return new MethodError('invalidArguments', 'fromAccountId: another account than accountId is wanted')
      }
      if (args.blobIds.length > call.limits.maxObjectsInSet) return new MethodError('requestTooLarge')
      const copied = new Map<string, Json>()
      const notCopied = new Map<string, SetError>()
      for await (const { named, id, found } of blobsOf(parts, call, { of: from, ids: args.blobIds })) {
        const made = found && (await copyOne(parts, call, found))
        if (made === undefined) notCopied.set(named, new SetError('notFound'))
        else copied.set(id, made)
      }
      return {
        arguments: {
          ...{ fromAccountId: from.id, accountId: call.place.id },
          copied: copied.size === 0 ? null : objectOf(copied),
          notCopied: errorsOrNull(notCopied),
        },
      }
    },
  })
}

/** An upload shares its octets with its copy; parts of messages become uploads. */
async function copyOne(
  { store, config, clock }: BlobModuleParts,
  call: AccountCall,
  found: FoundBlob,
): Promise<string | undefined> {
  const { account, viewer } = call.place
  const now = clock.now()
  const kept = {
    ...{ account: account.id, uploader: viewer.id, now },
    room: config.uploadQuota,
    expiresAt: now + config.uploadTime,
  }
  const root = tryBlobReference(found.id)
  if (root?.root.type === 'upload' && root.ranges.length === 0) {
    // Found a moment ago, so its numbers are the store's.
    const from = { account: root.root.account as typeof account.id, id: root.root.upload as ObjectId }
    const copied = await store.copyUpload({ ...kept, from })
    return copied.ok ? uploadBlobId(account.id, copied.upload.id) : undefined
  }
  const writer = store.blobs.stage()
  try {
    for await (const chunk of found.read()) await writer.write(chunk)
  } catch (error) {
    await writer.discard()
    throw error
  }
  const type = found.type ?? 'application/octet-stream'
  const added = await store.addUpload({ ...kept, blob: await writer.finish(), type })
  return added.ok ? uploadBlobId(account.id, added.upload.id) : undefined
}

const getShape = record({
  accountId,
  ids: listOf(idOrReference),
  properties: nullable(listOf(string)),
  offset: nullable(unsignedInt),
  length: nullable(unsignedInt),
})

/** What one blob is asked for. */
interface Wanted {
  readonly properties: readonly string[]
  readonly offset: number
  readonly length: number | null
}

/** RFC 9404 §4.2. */
function getMethod(parts: BlobModuleParts): Method {
  return accountMethod({
    name: 'Blob/get',
    capability: blob,
    access: 'read',
    shape: getShape,
    async run(call, args) {
      const properties = args.properties ?? ['data', 'size']
      const stranger = properties.find((name) => !isProperty(name))
      if (stranger !== undefined) {
        return new MethodError('invalidArguments', `properties: there is no ${stranger}`)
      }
      if (args.ids.length > call.limits.maxObjectsInGet) return new MethodError('requestTooLarge')
      const wanted = { properties, offset: args.offset ?? 0, length: args.length }
      const list: JsonObject[] = []
      const notFound: string[] = []
      let room = call.limits.maxBlobOctets
      let toRead = call.limits.maxSizeUpload
      for await (const { named, found } of blobsOf(parts, call, { of: call.place, ids: args.ids })) {
        if (found === undefined) {
          notFound.push(named)
          continue
        }
        const { start, end } = rangeOf(found, wanted)
        if (properties.some((name) => name.startsWith('data'))) room -= end - start
        if (room < 0) return new MethodError('requestTooLarge', 'That is too much data for a response.')
        // One is always read, however large.
        if (properties.some((name) => name.startsWith('digest:'))) toRead -= end - start
        if (toRead < 0 && list.length > 0) {
          return new MethodError('requestTooLarge', 'That is too much to read for digests.')
        }
        list.push(await tell(found, wanted))
      }
      return { arguments: { accountId: call.place.id, list, notFound } }
    },
  })
}

function isProperty(name: string): boolean {
  const plain = ['id', 'data', 'data:asText', 'data:asBase64', 'size']
  return plain.includes(name) || (name.startsWith('digest:') && Object.hasOwn(digests, name.slice(7)))
}

function rangeOf({ size }: FoundBlob, { offset, length }: Wanted): { start: number; end: number } {
  return { start: Math.min(offset, size), end: length === null ? size : Math.min(offset + length, size) }
}

async function tell(found: FoundBlob, wanted: Wanted): Promise<JsonObject> {
  const { properties, offset, length } = wanted
  const range = rangeOf(found, wanted)
  const hashes = properties
    .filter((name) => name.startsWith('digest:'))
    .map((name) => [name, createHash(digests[name.slice(7)] ?? '')] as const)
  const chunks: Uint8Array[] = []
  const keeps = properties.some((name) => name.startsWith('data'))
  if (keeps || hashes.length > 0) {
    for await (const chunk of range.start < range.end ? found.read(range) : []) {
      for (const [, hash] of hashes) hash.update(chunk)
      if (keeps) chunks.push(chunk)
    }
  }
  // RFC 9404 §4.2: the range that was asked for goes beyond the end of the blob.
  const isTruncated = keeps && (offset > found.size || (length !== null && offset + length > found.size))
  return {
    id: found.id,
    ...dataOf(Buffer.concat(chunks), properties),
    ...Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('base64')])),
    ...(isTruncated ? { isTruncated: true } : {}),
    ...(properties.includes('size') ? { size: found.size } : {}),
  }
}

/** RFC 9404 §4.2: `data` is text where the octets are, else base64; text that is wanted and is none is null. */
function dataOf(octets: Buffer, properties: readonly string[]): JsonObject {
  const wantsText = properties.includes('data:asText')
  const wantsEither = properties.includes('data')
  const isText = (wantsText || wantsEither) && isUtf8(octets)
  const asText = isText ? octets.toString('utf8') : null
  const wantsBase64 = properties.includes('data:asBase64') || (wantsEither && !isText)
  return {
    ...(wantsText || (wantsEither && isText) ? { 'data:asText': asText } : {}),
    ...(wantsBase64 ? { 'data:asBase64': octets.toString('base64') } : {}),
    ...((wantsText || wantsEither) && !isText ? { isEncodingProblem: true } : {}),
  }
}

const lookupShape = record({ accountId, typeNames: listOf(string), ids: listOf(idOrReference) })

/** RFC 9404 §4.3. */
function lookupMethod(parts: BlobModuleParts): Method {
  return accountMethod({
    name: 'Blob/lookup',
    capability: blob,
    access: 'read',
    shape: lookupShape,
    async run(call, args) {
      // RFC 9404 §4.3: a type is known to requests that use its capability.
      const known: readonly string[] = call.using.has(mail) ? typeNames : []
      const stranger = args.typeNames.find((name) => !known.includes(name))
      if (stranger !== undefined) {
        return new MethodError(
          'unknownDataType',
          `There is no type ${stranger}, or its capability is not used.`,
        )
      }
      if (args.ids.length > call.limits.maxObjectsInGet) return new MethodError('requestTooLarge')
      const list: JsonObject[] = []
      const notFound: string[] = []
      for await (const { named, id, found } of blobsOf(parts, call, { of: call.place, ids: args.ids })) {
        if (found === undefined) {
          notFound.push(named)
          continue
        }
        const holders = await holdersOf(parts, call, id)
        const matchedIds = objectOf(args.typeNames.map((name) => [name, holders[name] ?? []]))
        list.push({ id, matchedIds })
      }
      return { arguments: { accountId: call.place.id, list, notFound } }
    },
  })
}

/** Which objects hold a blob that is there, by type. */
async function holdersOf(
  { sight }: BlobModuleParts,
  { place }: AccountCall,
  blobId: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const root = tryBlobReference(blobId)?.root
  if (root?.type !== 'email') return {}
  // Found a moment ago, so it is one of the store's.
  const email = await sight.find(place, root.email as EmailId)
  if (email === undefined) return {}
  return {
    Email: [encodeObjectId('email', root.account, root.email)],
    Thread: [email.threadId],
    Mailbox: email.mailboxIds,
  }
}

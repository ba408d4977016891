// Email/get (RFC 8621 §4.2) and Email/parse (§4.9).
import { MimeWalker } from '../../../mail/mime/walker.ts'
import { encodeObjectId, tryObjectId } from '../../../mail/object-id.ts'
import type { EmailId } from '../../../store/model.ts'
import { tryBlobReference } from '../../proto/blob-ids.ts'
import { mail } from '../../proto/capabilities.ts'
import { formatUtcDate } from '../../proto/date.ts'
import {
  bodyArguments,
  defaultProperties,
  emailProperties,
  isHeaderProperty,
  metadataProperties,
  parsedProperties,
} from '../../proto/email-properties.ts'
import { MethodError } from '../../proto/errors.ts'
import { rawFields } from '../../proto/header-value.ts'
import { objectOf, type Json, type JsonObject } from '../../proto/json.ts'
import { idOrReference, listOf, nullable, record, string } from '../../proto/shape.ts'
import { accountId } from '../../proto/standard.ts'
import type { BlobAccess } from '../blob-access.ts'
import type { MailAccess } from '../mail-access.ts'
import type { MailView } from '../mail-index/mail-view.ts'
import { formatPoint } from '../mail-index/point.ts'
import { accountMethod, type AccountCall, type AccountPlace, type Method } from '../module.ts'
import { getMethod } from '../standard-methods.ts'
import { emailMembers, wantsOctets, type Wanted } from './email-object.ts'
import { collected, storedSource, type EmailSource } from './email-source.ts'
import { emailBlobId } from '../../proto/blob-ids.ts'
import type { PartSizes } from './part-sizes.ts'

export interface EmailReading {
  readonly access: MailAccess
  readonly blobs: BlobAccess
  readonly sizes: PartSizes
}

export function emailGet({ access, sizes }: EmailReading): Method {
  return getMethod({
    ...{ type: 'Email', capability: mail, properties: emailProperties, defaultProperties },
    isProperty: isHeaderProperty,
    extra: bodyArguments,
    async load(call, { ids, properties, args }) {
      const rights = await access.rights(call.place)
      const view = await access.view(rights)
      const state = formatPoint({ modSeq: view.last.email, id: null }, rights.fingerprint)
      const slots = slotsOf(view, { call, ids })
      if (slots instanceof MethodError) return slots
      const account = rights.account
      const rows = new Map(
        slots.map((slot) => {
          const email = emailIdOf(view, slot)
          return [email, metadataOf(view, { account, slot, properties })] as const
        }),
      )
      const wanted: Wanted = { properties, args }
      const metadata: readonly string[] = metadataProperties
      if ([...properties].every((name) => metadata.includes(name))) return { state, list: [...rows.values()] }
      const list: JsonObject[] = []
      const byEmail = new Map<EmailId, JsonObject>()
      const request = { account, emails: [...rows.keys()], data: wantsOctets(wanted) }
      for await (const texts of access.store.emailTexts(request)) {
        for (const text of texts) {
          const source = storedSource(access.store.blobs, account, text)
          const members = await emailMembers(source, wanted, sizes)
          byEmail.set(text.email, { ...rows.get(text.email), ...objectOf(members) })
        }
      }
      // In the order of the request; one that went meanwhile is not found.
      for (const email of rows.keys()) {
        const object = byEmail.get(email)
        if (object !== undefined) list.push(object)
      }
      return { state, list }
    },
  })
}

function emailIdOf({ index }: MailView, slot: number): EmailId {
  // The index holds what came from rows.
  return (index.emails.array[slot] ?? 0) as EmailId
}

function slotsOf(
  view: MailView,
  { call, ids }: { call: AccountCall; ids: readonly string[] | null },
): number[] | MethodError {
  const slots: number[] = []
  if (ids !== null) {
    for (const text of ids) {
      const email = tryObjectId('email', call.place.account.id, text)
      const slot = email === undefined ? -1 : view.find(email)
      if (slot !== -1) slots.push(slot)
    }
    return slots
  }
  const { maxObjectsInGet } = call.limits
  for (let slot = 0; slot < view.index.emails.length; slot++) {
    if (!view.hasEmail(slot)) continue
    if (slots.length === maxObjectsInGet) {
      return new MethodError('requestTooLarge', `There are more than ${maxObjectsInGet}.`)
    }
    slots.push(slot)
  }
  return slots
}

/** RFC 8621 §4.1.1. */
export function metadataOf(
  view: MailView,
  { account, slot, properties }: { account: number; slot: number; properties: ReadonlySet<string> },
): JsonObject {
  const { index } = view
  const email = index.emails.array[slot] ?? 0
  const set = (words: readonly string[]): JsonObject => objectOf(words.map((word) => [word, true] as const))
  const members: [string, Json][] = [['id', encodeObjectId('email', account, email)]]
  if (properties.has('blobId')) members.push(['blobId', emailBlobId(account, email)])
  if (properties.has('threadId')) {
    const thread = index.threads.array[index.threadOf.array[slot] ?? 0] ?? 0
    members.push(['threadId', encodeObjectId('thread', account, thread)])
  }
  if (properties.has('mailboxIds')) members.push(['mailboxIds', set(mailboxIdsOf(view, { account, slot }))])
  if (properties.has('keywords')) members.push(['keywords', set(view.keywordsOf(slot))])
  if (properties.has('size')) members.push(['size', index.sizes.array[slot] ?? 0])
  if (properties.has('receivedAt'))
    members.push(['receivedAt', formatUtcDate(index.receivedAt.array[slot] ?? 0)])
  return objectOf(members)
}

export function mailboxIdsOf(view: MailView, { account, slot }: { account: number; slot: number }): string[] {
  return view
    .mailboxesOf(slot)
    .map((number) => encodeObjectId('mailbox', account, view.index.mailboxes[number] ?? 0))
}

const parseArguments = record({
  ...bodyArguments,
  accountId,
  blobIds: listOf(idOrReference),
  properties: nullable(listOf(string)),
})

export function emailParse({ access, blobs, sizes }: EmailReading): Method {
  return accountMethod({
    name: 'Email/parse',
    capability: mail,
    access: 'read',
    shape: parseArguments,
    async run(call, args) {
      const { properties: asked, blobIds } = args
      const stranger = asked?.find((name) => !emailProperties.includes(name) && !isHeaderProperty(name))
      if (stranger !== undefined)
        return new MethodError('invalidArguments', `properties: there is no ${stranger}`)
      const { maxObjectsInGet } = call.limits
      if (blobIds.length > maxObjectsInGet) return new MethodError('requestTooLarge')
      const wanted: Wanted = { properties: new Set(asked ?? parsedProperties), args }
      const parsed: [string, Json][] = []
      const notParsable: string[] = []
      const notFound: string[] = []
      for (const blobId of new Set(blobIds)) {
        const real = call.createdIds.resolve(blobId) ?? blobId
        const source = await sourceOf({ access, blobs }, call.place, real)
        if (source === 'not-found') notFound.push(blobId)
        else if (source === 'not-parsable') notParsable.push(real)
        else parsed.push([real, await parsedEmail(source, wanted, sizes)])
      }
      const orNull = (list: readonly string[]): Json => (list.length === 0 ? null : list)
      return {
        arguments: {
          accountId: call.place.id,
          parsed: parsed.length === 0 ? null : objectOf(parsed),
          ...{ notParsable: orNull(notParsable), notFound: orNull(notFound) },
        },
      }
    },
  })
}

async function parsedEmail(
  source: EmailSource & { readonly size: number },
  wanted: Wanted,
  sizes: PartSizes,
): Promise<JsonObject> {
  const members = new Map<string, Json>()
  // RFC 8621 §4.9: "The following metadata properties on the Email objects will be null if requested".
  for (const name of metadataProperties) if (wanted.properties.has(name)) members.set(name, null)
  if (wanted.properties.has('blobId')) members.set('blobId', source.blobId)
  if (wanted.properties.has('size')) members.set('size', source.size)
  for (const [name, value] of await emailMembers(source, wanted, sizes)) members.set(name, value)
  return objectOf(members)
}

async function sourceOf(
  { access, blobs }: Pick<EmailReading, 'access' | 'blobs'>,
  place: AccountPlace,
  blobId: string,
): Promise<(EmailSource & { readonly size: number }) | 'not-found' | 'not-parsable'> {
  const found = await blobs.find(place, blobId)
  if (found === undefined) return 'not-found'
  const reference = tryBlobReference(blobId)
  if (reference?.root.type === 'email' && reference.ranges.length === 0) {
    // An email of the store: its structure is known, and ids of its parts count from behind the trace fields.
    const account = place.account.id
    const request = { account, emails: [reference.root.email as EmailId], data: true }
    for await (const [text] of access.store.emailTexts(request)) {
      if (text !== undefined) return { ...storedSource(access.store.blobs, account, text), size: text.size }
    }
    return 'not-found'
  }
  const walker = new MimeWalker()
  for await (const chunk of found.read()) walker.push(chunk)
  const structure = walker.finish()
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    collected(found.read({ start, end }))
  const { headerStart, bodyStart } = structure.root
  // RFC 5322 §3.6: a message has a header at least.
  if (rawFields(await read(headerStart, bodyStart)).length === 0) return 'not-parsable'
  return { blobId, structure, prefix: new Uint8Array(0), read, size: found.size }
}

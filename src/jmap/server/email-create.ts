// Making an Email (RFC 8621 §4.6): reads the object whole, tells all that is wrong with it, and writes the message.
import { composeMessage, type PartContent } from '../../mail/compose/compose.ts'
import { tryFormatField } from '../../mail/compose/fields.ts'
import type { MailboxId } from '../../store/model.ts'
import type { AddedEmail } from '../../store/email-changes.ts'
import { encodeObjectId } from '../../mail/object-id.ts'
import { emailBlobId } from '../proto/blob-ids.ts'
import { utcDate } from '../proto/date.ts'
import { invalidProperties, SetError } from '../proto/errors.ts'
import { isJsonObject, memberOf, type JsonObject } from '../proto/json.ts'
import { Wrong } from '../proto/shape.ts'
import type { FoundBlob } from './blob-access.ts'
import { blobIdsOf, composePart, type DraftPart, Faults, readBody } from './email-body.ts'
import { fieldsOf, headerPropertyOf } from './email-headers.ts'
import { rightsToSet, type StoredKeywords, tryStoredKeywords } from './email-keywords.ts'
import type { MailRights } from './mail-access.ts'
import { emailIdOf, type MailWriteParts, readMailboxIds, refusalToEnter } from './mail-writing.ts'
import type { AccountCall, AccountPlace } from './module.ts'
import { writing } from './state-guard.ts'

const bodyProperties = new Set(['bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'])
const metadata = new Set(['mailboxIds', 'keywords', 'receivedAt'])

/** An Email that can be made. */
interface Draft {
  readonly mailboxes: ReadonlySet<MailboxId>
  readonly keywords: StoredKeywords
  readonly receivedAt: number
  /** Without Date and Message-ID where the client gave none. */
  readonly fields: readonly string[]
  readonly names: ReadonlySet<string>
  readonly body: DraftPart
}

/** RFC 8621 §4.6: "id", "blobId", "threadId", and "size". */
export async function createEmail(
  parts: MailWriteParts,
  call: AccountCall,
  { object, rights }: { readonly object: JsonObject; readonly rights: MailRights },
): Promise<JsonObject | SetError> {
  const draft = readDraft(call, object)
  if (draft instanceof SetError) return draft
  const { mailboxes, keywords } = draft
  const refusal = refusalToEnter(rights, mailboxes, rightsToSet(keywords))
  if (refusal !== null) return refusal
  const blobs = await findBlobs(parts, call, draft.body)
  if (blobs instanceof SetError) return blobs
  return keep(parts, call, { draft, blobs })
}

function readDraft(call: AccountCall, object: JsonObject): Draft | SetError {
  const faults = new Faults()
  const mailboxes = readMailboxIds(call, memberOf(object, 'mailboxIds'))
  if (mailboxes instanceof SetError) faults.add('mailboxIds', mailboxes.description ?? 'is wrong')
  const keywords = readKeywords(object, faults)
  const receivedAt = readReceivedAt(object, call.now(), faults)
  const { fields, properties } = readFields(object, faults)
  const body = readBody(object, faults, call.limits)
  for (const { name, property, fields: own } of body?.ownFields ?? []) {
    // RFC 8621 §4.6: no "header field that is already defined on the top-level Email object".
    if (properties.has(name)) faults.add(property, `${name} is given on the Email too`)
    properties.add(name)
    fields.push(...own)
  }
  if (faults.properties.length > 0 || mailboxes instanceof SetError || body === undefined) {
    return invalidProperties(faults.properties, faults.description)
  }
  const names = new Set(fields.map((field) => field.slice(0, field.indexOf(':')).toLowerCase()))
  return { mailboxes, keywords, receivedAt, fields, names, body }
}

/** RFC 8621 §4.1.1. */
export function readKeywords(object: JsonObject, faults: Faults): StoredKeywords {
  const none = { flags: 0, keywords: [] }
  const value = memberOf(object, 'keywords')
  if (value === undefined) return none
  const sound = isJsonObject(value) && Object.values(value).every((held) => held === true)
  const keywords = sound ? tryStoredKeywords(Object.keys(value)) : undefined
  if (keywords === undefined) faults.add('keywords', 'keywords with the value true are wanted')
  return keywords ?? none
}

function readReceivedAt(object: JsonObject, now: number, faults: Faults): number {
  const value = memberOf(object, 'receivedAt')
  if (value === undefined) return now
  const read = utcDate(value)
  if (!(read instanceof Wrong)) return read
  faults.add('receivedAt', read.description)
  return now
}

interface Fields {
  readonly fields: string[]
  /** Names of those that some property gave, in lower case. */
  readonly properties: Set<string>
}

function readFields(object: JsonObject, faults: Faults): Fields {
  const found: Fields = { fields: [], properties: new Set() }
  for (const [name, value] of Object.entries(object)) {
    if (bodyProperties.has(name) || metadata.has(name)) continue
    const property = headerPropertyOf(name)
    if (property === undefined) {
      // RFC 8621 §4.6: also "headers", which "MUST NOT be given", and what the server sets.
      faults.add(name)
      continue
    }
    const field = property.field.toLowerCase()
    // RFC 8621 §4.6: no "two properties that represent the same header field", and Content-* "only on EmailBodyPart objects".
    if (found.properties.has(field) || field.startsWith('content-')) {
      faults.add(name)
      continue
    }
    found.properties.add(field)
    const fields = fieldsOf(property, value)
    if (fields instanceof Wrong) faults.add(name, fields.description)
    else found.fields.push(...fields)
  }
  return found
}

/** RFC 8621 §4.6 "blobNotFound", with "every "blobId" … that could not be found". */
async function findBlobs(
  { blobs }: MailWriteParts,
  { place, createdIds }: AccountCall,
  body: DraftPart,
): Promise<ReadonlyMap<string, FoundBlob> | SetError> {
  const found = new Map<string, FoundBlob>()
  const missing: string[] = []
  for (const blobId of blobIdsOf(body)) {
    // RFC 8620 §5.3: a blob that the request made may be named by its creation id.
    const blob = await blobs.find(place, createdIds.resolve(blobId) ?? '')
    if (blob === undefined) missing.push(blobId)
    else found.set(blobId, blob)
  }
  if (missing.length === 0) return found
  return new SetError('blobNotFound', 'Not all blobs are there.', { notFound: missing })
}

async function keep(
  parts: MailWriteParts,
  call: AccountCall,
  { draft, blobs }: { draft: Draft; blobs: ReadonlyMap<string, FoundBlob> },
): Promise<JsonObject | SetError> {
  const { random, hostname, maxMessageSize } = parts
  const { maxAttachmentsSize } = parts.limits
  let attached = 0
  for (const { size } of blobs.values()) attached += size
  if (attached > maxAttachmentsSize) return tooLarge(maxAttachmentsSize)
  const contentOf = (blobId: string): PartContent => {
    const blob = blobs.get(blobId)
    if (blob === undefined) throw new Error('a blob was not looked for')
    return { type: 'octets', read: () => blob.read() }
  }
  const fields = [...draft.fields]
  // RFC 8621 §4.6: "If not included, the server MUST generate and set a Message-ID header field … and a Date header field".
  if (!draft.names.has('date')) {
    fields.push(tryFormatField('Date', { form: 'date', time: call.now(), zoneMinutes: 0 }) ?? '')
  }
  if (!draft.names.has('message-id')) fields.push(`Message-ID: <${random.id()}@${hostname}>\r\n`)
  const staged = parts.stage()
  try {
    const root = composePart(draft.body, contentOf)
    for await (const piece of composeMessage({ fields, root }, random.id())) {
      await staged.write(piece)
      if (maxMessageSize > 0 && staged.size > maxMessageSize) return tooLarge(maxMessageSize)
    }
    const { message } = await staged.finish()
    const { mailboxes, keywords, receivedAt } = draft
    const added = await writing(call, parts.store).addEmail({
      ...{
        account: call.place.account.id,
        source: { type: 'message', message },
        receivedAt,
        now: call.now(),
      },
      ...{ mailboxes: [...mailboxes], flags: keywords.flags, keywords: keywords.keywords.join(' ') },
    })
    return added.ok ? describeAdded(call.place, added) : additionError(added.reason)
  } finally {
    await staged.discard()
  }
}

function tooLarge(maxSize: number): SetError {
  return new SetError('tooLarge', `More than ${maxSize} octets.`, { maxSize })
}

/** RFC 8621 §4.6 to §4.8: what the response tells of a new Email. */
export function describeAdded(place: AccountPlace, { email, thread, size }: AddedEmail): JsonObject {
  const account = place.account.id
  return {
    id: emailIdOf(place, email),
    blobId: emailBlobId(account, email),
    threadId: encodeObjectId('thread', account, thread),
    size,
  }
}

export function additionError(
  reason: 'over-quota' | 'no-such-mailbox' | 'too-many-keywords' | 'no-such-email',
): SetError {
  switch (reason) {
    case 'over-quota':
      return new SetError('overQuota', 'The account is full.')
    case 'no-such-mailbox':
      return invalidProperties(['mailboxIds'], 'There is no such Mailbox.')
    case 'too-many-keywords':
      return new SetError('tooManyKeywords', 'More keywords than an Email may have.')
    case 'no-such-email':
      return new SetError('notFound')
  }
}

// Email/import (RFC 8621 §4.8): messages that were uploaded become Emails. Two imports of one blob are two Emails.
//
// A message is kept as it came, but for what no RFC 5322 message has and other protocols could not carry: NUL octets go, and line
// breaks without CR get one. What has no header at all is no message.
import { Buffer } from 'node:buffer'
import { tryDate } from '../../mail/date.ts'
import { fieldValue, splitHeader } from '../../mail/header.ts'
import { mail } from '../proto/capabilities.ts'
import { utcDate } from '../proto/date.ts'
import { invalidProperties, MethodError, SetError } from '../proto/errors.ts'
import { memberOf, objectOf, type JsonObject } from '../proto/json.ts'
import { anyObject, id, mapOf, nullable, record, string, Wrong } from '../proto/shape.ts'
import { accountId } from '../proto/standard.ts'
import type { FoundBlob } from './blob-access.ts'
import { Faults } from './email-body.ts'
import { additionError, describeAdded, readKeywords } from './email-create.ts'
import { rightsToSet } from './email-keywords.ts'
import type { MailRights } from './mail-access.ts'
import { type MailWriteParts, noteCreated, readMailboxIds, refusalToEnter } from './mail-writing.ts'
import { accountMethod, type AccountCall, type Method, type MethodAnswer } from './module.ts'
import { errorsOrNull } from './standard-methods.ts'
import { inStates, writing } from './state-guard.ts'

/** Octets of a header that are looked at for the date of its last Received field. */
const headerOctets = 64 * 1024

const importArguments = record({ accountId, ifInState: nullable(string), emails: mapOf(id, anyObject) })

export function emailImportMethod(parts: MailWriteParts): Method {
  return accountMethod({
    name: 'Email/import',
    capability: mail,
    access: 'write',
    shape: importArguments,
    async run(call, { ifInState, emails }) {
      const { maxObjectsInSet } = call.limits
      if (emails.size > maxObjectsInSet) {
        return new MethodError('requestTooLarge', `At most ${maxObjectsInSet} objects are made at once.`)
      }
      const state = { place: call.place, wanted: ifInState, state: parts.states.email }
      return inStates(call, [state], (guarded) => importAll(parts, guarded, { ifInState, emails }))
    },
  })
}

async function importAll(
  parts: MailWriteParts,
  call: AccountCall,
  { ifInState, emails }: { ifInState: string | null; emails: ReadonlyMap<string, JsonObject> },
): Promise<MethodAnswer> {
  const oldState = ifInState ?? (await parts.states.email(call.place))
  const rights = await parts.access.rights(call.place)
  const created = new Map<string, JsonObject>()
  const notCreated = new Map<string, SetError>()
  for (const [creationId, object] of emails) {
    const made = await importOne(parts, call, { object, rights })
    if (made instanceof SetError) {
      notCreated.set(creationId, made)
      continue
    }
    created.set(creationId, made)
    noteCreated(call, creationId, made)
  }
  const newState = await parts.states.email(call.place)
  return {
    arguments: {
      ...{ accountId: call.place.id, oldState, newState },
      created: created.size === 0 ? null : objectOf(created),
      notCreated: errorsOrNull(notCreated),
    },
  }
}

const properties = new Set(['blobId', 'mailboxIds', 'keywords', 'receivedAt'])

async function importOne(
  parts: MailWriteParts,
  call: AccountCall,
  { object, rights }: { readonly object: JsonObject; readonly rights: MailRights },
): Promise<JsonObject | SetError> {
  const faults = new Faults()
  for (const name of Object.keys(object)) if (!properties.has(name)) faults.add(name)
  const mailboxes = readMailboxIds(call, memberOf(object, 'mailboxIds'))
  if (mailboxes instanceof SetError) faults.add('mailboxIds', mailboxes.description ?? 'is wrong')
  const keywords = readKeywords(object, faults)
  const given = memberOf(object, 'receivedAt') ?? null
  const receivedAt = given === null ? null : utcDate(given)
  if (receivedAt instanceof Wrong) faults.add('receivedAt', receivedAt.description)
  const blobId = memberOf(object, 'blobId')
  // RFC 8620 §5.3: also one that the request made.
  const real = typeof blobId === 'string' ? call.createdIds.resolve(blobId) : undefined
  const blob = real === undefined ? undefined : await parts.blobs.find(call.place, real)
  // RFC 8621 §4.8: "invalid (e.g., missing, wrong type, id not found)".
  if (blob === undefined) faults.add('blobId', 'there is no such blob')
  if (
    faults.properties.length > 0 ||
    mailboxes instanceof SetError ||
    receivedAt instanceof Wrong ||
    blob === undefined
  ) {
    return invalidProperties(faults.properties, faults.description)
  }
  const refusal = refusalToEnter(rights, mailboxes, rightsToSet(keywords))
  if (refusal !== null) return refusal
  const { maxMessageSize } = parts
  if (maxMessageSize > 0 && blob.size > maxMessageSize) {
    return new SetError('tooLarge', `More than ${maxMessageSize} octets.`, { maxSize: maxMessageSize })
  }
  const header = await headerOf(blob)
  if (splitHeader(header).fields.length === 0) return new SetError('invalidEmail', 'It has no header.')
  const staged = parts.stage()
  try {
    const mender = new LineMender()
    for await (const chunk of blob.read()) await staged.write(mender.push(chunk))
    const { message } = await staged.finish()
    const added = await writing(call, parts.store).addEmail({
      ...{ account: call.place.account.id, source: { type: 'message', message }, now: call.now() },
      ...{ mailboxes: [...mailboxes], flags: keywords.flags, keywords: keywords.keywords.join(' ') },
      receivedAt: receivedAt ?? lastReceived(header) ?? call.now(),
    })
    return added.ok ? describeAdded(call.place, added) : additionError(added.reason)
  } finally {
    await staged.discard()
  }
}

async function headerOf(blob: FoundBlob): Promise<string> {
  const chunks: Uint8Array[] = []
  const end = Math.min(blob.size, headerOctets)
  for await (const chunk of blob.read({ start: 0, end })) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** RFC 8621 §4.8: "time of most recent Received header". Trace fields are added at the top (RFC 5321 §4.4). */
function lastReceived(header: string): number | undefined {
  const field = splitHeader(header).fields.find(({ name }) => name === 'received')
  if (field === undefined) return undefined
  const value = fieldValue(field)
  const semicolon = value.lastIndexOf(';')
  return semicolon < 0 ? undefined : tryDate(value.slice(semicolon + 1))?.time
}

/** Takes NULs out and puts CRs before the LFs that lack one, piece by piece. */
export class LineMender {
  #afterCr = false

  push(chunk: Uint8Array): Uint8Array {
    let sound = true
    let afterCr = this.#afterCr
    for (const octet of chunk) {
      if (octet === 0 || (octet === lf && !afterCr)) {
        sound = false
        break
      }
      afterCr = octet === cr
    }
    if (sound) {
      this.#afterCr = afterCr
      return chunk
    }
    const out: number[] = []
    for (const octet of chunk) {
      if (octet === 0) continue
      if (octet === lf && !this.#afterCr) out.push(cr)
      out.push(octet)
      this.#afterCr = octet === cr
    }
    return Uint8Array.from(out)
  }
}

const lf = 10
const cr = 13

// What the methods that change mail have in common: their parts, ids, states and rights.
import type { Random } from '../../base/random.ts'
import { encodeObjectId, tryObjectId } from '../../mail/object-id.ts'
import type { Ingest } from '../../store/ingest.ts'
import type { EmailId, MailboxId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { invalidProperties, MethodError, SetError } from '../proto/errors.ts'
import { isJsonArray, isJsonObject, memberOf, type Json, type JsonObject } from '../proto/json.ts'
import { idOrReference, setOf, Wrong } from '../proto/shape.ts'
import type { BlobAccess } from './blob-access.ts'
import { type MailAccess, type MailRights, rightsIn } from './mail-access.ts'
import type { MailView } from './mail-index/mail-view.ts'
import type { AccountCall, AccountPlace, Method } from './module.ts'

export interface MailWriteParts {
  readonly store: Store
  readonly access: MailAccess
  readonly blobs: BlobAccess
  readonly random: Random
  readonly hostname: string
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly stage: () => Ingest
  readonly states: MailStates
  /** Email/get and Mailbox/get: what a client may repeat in a patch, and what the server has set. */
  readonly emailGet: Method
  readonly mailboxGet: Method
  readonly limits: MailLimits
}

/** What the accounts' capability tells (RFC 8621 §1.3.1). */
export interface MailLimits {
  /** Octets of the attachments of one Email, unencoded. */
  readonly maxAttachmentsSize: number
  /** Octets of a Mailbox's name, and levels of Mailboxes; of the whole path, which IMAP has as the name. */
  readonly maxMailboxName: number
  readonly maxMailboxDepth: number
  readonly maxMailboxPath: number
}

/** What /get would tell as `state`. */
export interface MailStates {
  email(place: AccountPlace): Promise<string>
  mailbox(place: AccountPlace): Promise<string>
}

export function emailIdOf({ account }: AccountPlace, email: number): string {
  return encodeObjectId('email', account.id, email)
}

export function tryEmailNumber({ account }: AccountPlace, id: string): EmailId | undefined {
  // Numbers of the store's; one that is nobody's finds nothing.
  return tryObjectId('email', account.id, id) as EmailId | undefined
}

export function mailboxIdOf({ account }: AccountPlace, mailbox: number): string {
  return encodeObjectId('mailbox', account.id, mailbox)
}

export function tryMailboxNumber({ account }: AccountPlace, id: string): MailboxId | undefined {
  return tryObjectId('mailbox', account.id, id) as MailboxId | undefined
}

/** An object as its /get would tell it; undefined: it is not there. `properties`: null is all of them. */
export async function loadObject(
  method: Method,
  call: AccountCall,
  { id, properties }: { readonly id: string; readonly properties: readonly string[] | null },
): Promise<JsonObject | undefined> {
  const answer = await method.call(call, { accountId: call.place.id, ids: [id], properties })
  const list = answer instanceof MethodError ? undefined : memberOf(answer.arguments, 'list')
  const [object] = isJsonArray(list) ? list : []
  return isJsonObject(object) ? object : undefined
}

const idSet = setOf(idOrReference)

/**
 * RFC 8621 §4.1.1 `mailboxIds`: "one or more Mailboxes", none of which is unknown; creation ids of the request are resolved (RFC 8620
 * §5.3).
 */
export function readMailboxIds(
  call: AccountCall,
  value: Json | undefined,
): ReadonlySet<MailboxId> | SetError {
  const ids = idSet(value)
  if (ids instanceof Wrong) return invalidProperties(['mailboxIds'], ids.description)
  if (ids.size === 0) return invalidProperties(['mailboxIds'], 'An Email is in a Mailbox.')
  const mailboxes = new Set<MailboxId>()
  for (const id of ids) {
    const number = tryMailboxNumber(call.place, call.createdIds.resolve(id) ?? '')
    if (number === undefined) return invalidProperties(['mailboxIds'], `There is no Mailbox ${id}.`)
    mailboxes.add(number)
  }
  return mailboxes
}

/** Whether the viewer has all of these rights (RFC 4314 §2.1) in a mailbox. */
export function mayAll(rights: MailRights, mailbox: MailboxId, wanted: string): boolean {
  const held = rightsIn(rights, mailbox)
  return [...wanted].every((right) => held.includes(right))
}

/**
 * Null where mail with something to be set (`setting`: rights that this needs) may be put into these mailboxes. A mailbox that the viewer
 * does not see is none.
 */
export function refusalToEnter(
  rights: MailRights,
  mailboxes: Iterable<MailboxId>,
  setting: string,
): SetError | null {
  for (const mailbox of mailboxes) {
    if (rightsIn(rights, mailbox) === '') {
      return invalidProperties(['mailboxIds'], 'There is no such Mailbox.')
    }
    if (!mayAll(rights, mailbox, `i${setting}`)) return forbidden('mail may not be put into that Mailbox')
  }
  return null
}

/** RFC 8620 §5.3: later calls of the request may name it by its creation id. */
export function noteCreated(call: AccountCall, creationId: string, made: JsonObject): void {
  const id = memberOf(made, 'id')
  if (typeof id !== 'string') throw new Error('a record was made without an id')
  call.createdIds.add(creationId, id)
}

export function forbidden(what: string): SetError {
  return new SetError('forbidden', `You have no right to this: ${what}.`)
}

/** Where the messages of an email are, those with \Deleted too. */
export function placesOf(view: MailView, slot: number): (readonly [mailbox: MailboxId, uid: number])[] {
  const { index } = view
  return Array.from(index.messagesOf(slot), (message) => {
    const mailbox = index.mailboxes[index.mailboxOf.array[message] ?? 0]
    if (mailbox === undefined) throw new Error('the index names a mailbox that it does not know')
    return [mailbox, index.uids.array[message] ?? 0] as const
  })
}

// Email/set (RFC 8621 §4.6). Updates and removals of one call are one change of the store, however many Emails they are of; each is
// judged by itself.
import { mail } from '../proto/capabilities.ts'
import { emailProperties, isHeaderProperty } from '../proto/email-properties.ts'
import { invalidProperties, refusalOf, SetError } from '../proto/errors.ts'
import { isJsonObject, memberOf, objectOf, type JsonObject } from '../proto/json.ts'
import { applyPatch } from '../proto/patch.ts'
import type { EmailChange, EmailChangeRefusal } from '../../store/email-changes.ts'
import { Flag, type EmailId, type MailboxId } from '../../store/model.ts'
import { additionError, createEmail } from './email-create.ts'
import { rightsToSet, type StoredKeywords, tryStoredKeywords, without } from './email-keywords.ts'
import type { MailRights } from './mail-access.ts'
import type { MailView } from './mail-index/mail-view.ts'
import {
  forbidden,
  loadObject,
  mailboxIdOf,
  type MailWriteParts,
  mayAll,
  noteCreated,
  placesOf,
  readMailboxIds,
  refusalToEnter,
  tryEmailNumber,
} from './mail-writing.ts'
import type { AccountCall, Method } from './module.ts'
import { setMethod, type SetDone, type SetWork } from './standard-methods.ts'
import { writing } from './state-guard.ts'

export function emailSetMethod(parts: MailWriteParts): Method {
  return setMethod({
    type: 'Email',
    capability: mail,
    extra: {},
    state: (place) => parts.states.email(place),
    apply: async (call, work, { done }) => {
      const rights = await parts.access.rights(call.place)
      await create(parts, call, { work, done, rights })
      await update(parts, call, { work, done, rights })
      await destroy(parts, call, { work, done, rights })
    },
  })
}

interface Setting {
  readonly work: SetWork
  readonly done: SetDone
  readonly rights: MailRights
}

async function create(
  parts: MailWriteParts,
  call: AccountCall,
  { work, done, rights }: Setting,
): Promise<void> {
  for (const [creationId, object] of work.create) {
    const made = await createEmail(parts, call, { object, rights })
    if (made instanceof SetError) {
      done.notCreated.set(creationId, made)
      continue
    }
    noteCreated(call, creationId, made)
    done.created.set(creationId, made)
  }
}

function isEmailProperty(name: string): boolean {
  return emailProperties.includes(name) || isHeaderProperty(name)
}

/** What a patch comes to. */
interface Change extends EmailChange {
  readonly id: string
}

async function update(
  parts: MailWriteParts,
  call: AccountCall,
  { work, done, rights }: Setting,
): Promise<void> {
  if (work.update.size === 0) return
  const known = await knownProperties(parts, call, work.update)
  const view = await parts.access.view(rights)
  const changes: Change[] = []
  for (const [id, patch] of work.update) {
    const change = changeOf(call, { view, rights, id, patch, known: known.get(id) ?? {} })
    if (change instanceof SetError) done.notUpdated.set(id, change)
    else if (change === null) done.updated.set(id, null)
    else changes.push(change)
  }
  if (changes.length === 0) return
  const outcomes = await writing(call, parts.store).changeEmails({
    ...{ account: call.place.account.id, changes, now: call.now() },
  })
  for (const [index, { id }] of changes.entries()) {
    const outcome = outcomes[index]
    if (outcome?.ok === false) done.notUpdated.set(id, changeError(outcome.reason))
    else done.updated.set(id, null)
  }
}

function changeError(reason: EmailChangeRefusal): SetError {
  switch (reason) {
    case 'not-found':
      return new SetError('notFound')
    case 'no-mailbox-left':
      return invalidProperties(['mailboxIds'], 'An Email is in a Mailbox.')
    default:
      return additionError(reason)
  }
}

/** Properties that patches name and that cannot change, as they are (RFC 8620 §5.3 lets a client repeat them), by id. */
async function knownProperties(
  parts: MailWriteParts,
  call: AccountCall,
  updates: ReadonlyMap<string, JsonObject>,
): Promise<ReadonlyMap<string, JsonObject>> {
  const known = new Map<string, JsonObject>()
  for (const [id, patch] of updates) {
    const names = new Set(Object.keys(patch).map((path) => path.split('/')[0] ?? ''))
    const properties = [...names].filter(
      (name) => name !== 'keywords' && name !== 'mailboxIds' && isEmailProperty(name),
    )
    if (properties.length === 0) continue
    const object = await loadObject(parts.emailGet, call, { id, properties })
    if (object !== undefined) known.set(id, object)
  }
  return known
}

interface Patching {
  readonly view: MailView
  readonly rights: MailRights
  readonly id: string
  readonly patch: JsonObject
  /** What else the patch names, as it is. */
  readonly known: JsonObject
}

/** Null: nothing changes. */
function changeOf(call: AccountCall, patching: Patching): Change | SetError | null {
  const { view, id, known } = patching
  const email = tryEmailNumber(call.place, id)
  const slot = email === undefined ? -1 : view.find(email)
  if (email === undefined || slot === -1) return new SetError('notFound')
  const held = view.mailboxesOf(slot).flatMap((number) => view.index.mailboxes[number] ?? [])
  const before = tryStoredKeywords(view.keywordsOf(slot)) ?? { flags: 0, keywords: [] }
  const current: JsonObject = {
    ...known,
    keywords: objectOf(view.keywordsOf(slot).map((keyword) => [keyword, true])),
    mailboxIds: objectOf(held.map((mailbox) => [mailboxIdOf(call.place, mailbox), true])),
  }
  const patched = applyPatch(current, withPaths(call, patching.patch), {
    mutable: ['keywords', 'mailboxIds'],
    fixed: Object.keys(known),
    defaults: { keywords: {} },
  })
  if (patched instanceof SetError) return patched
  const { object, touched } = patched
  const keywords = touched.has('keywords') ? keywordsAfter(object) : before
  const mailboxes = touched.has('mailboxIds')
    ? readMailboxIds(call, memberOf(object, 'mailboxIds'))
    : new Set(held)
  const refused = refusalOf([patched.refused, keywords, mailboxes])
  if (refused !== null || keywords instanceof SetError || mailboxes instanceof SetError) return refused
  return settle(patching, { email, slot, held, before, keywords, mailboxes })
}

/** As the members are kept: keywords are "case-insensitive" (RFC 8621 §4.1.1), mailboxes may be named by creation ids (RFC 8620 §5.3). */
function withPaths({ createdIds }: AccountCall, patch: JsonObject): JsonObject {
  return objectOf(
    Object.entries(patch).map(([path, value]) => {
      if (path.startsWith('keywords/')) return [path.toLowerCase(), value]
      const named = /^mailboxIds\/(#[^/]*)$/.exec(path)?.[1]
      const id = named === undefined ? undefined : createdIds.resolve(named)
      return [id === undefined ? path : `mailboxIds/${id}`, value]
    }),
  )
}

function keywordsAfter(object: JsonObject): StoredKeywords | SetError {
  const value = memberOf(object, 'keywords')
  const sound = isJsonObject(value) && Object.values(value).every((held) => held === true)
  const keywords = sound ? tryStoredKeywords(Object.keys(value)) : undefined
  return keywords ?? invalidProperties(['keywords'], 'keywords: keywords with the value true are wanted')
}

function settle(
  { view, rights, id }: Patching,
  asked: {
    readonly email: EmailId
    readonly slot: number
    readonly held: readonly MailboxId[]
    readonly before: StoredKeywords
    readonly keywords: StoredKeywords
    readonly mailboxes: ReadonlySet<MailboxId>
  },
): Change | SetError | null {
  const { email, slot, held, before, keywords, mailboxes } = asked
  const add = without(keywords, before)
  const remove = without(before, keywords)
  const enter = [...mailboxes].filter((mailbox) => !held.includes(mailbox))
  const leave = held.filter((mailbox) => !mailboxes.has(mailbox))
  const needed = rightsToSet({
    flags: add.flags | remove.flags,
    keywords: [...add.keywords, ...remove.keywords],
  })
  if (needed === '' && enter.length === 0 && leave.length === 0) return null
  // RFC 8621 §2 maySetSeen: "if they have this permission for *all* of the Mailboxes".
  if (needed !== '' && !everywhere(view, slot, { rights, needed })) {
    return forbidden('its keywords may not be changed')
  }
  const refusal = refusalToEnter(rights, enter, '')
  if (refusal !== null) return refusal
  // RFC 8621 §2 mayRemoveItems.
  if (leave.some((mailbox) => !mayAll(rights, mailbox, 'te'))) return forbidden('it may not be taken out')
  return { id, email, places: placesOf(view, slot), add, remove, enter, leave }
}

/** Also where the viewer does not see it: what is changed is changed there too. */
function everywhere(
  { index }: MailView,
  slot: number,
  { rights, needed }: { rights: MailRights; needed: string },
): boolean {
  for (const message of index.messagesOf(slot)) {
    if (((index.flags.array[message] ?? 0) & Flag.deleted) !== 0) continue
    const mailbox = index.mailboxes[index.mailboxOf.array[message] ?? 0]
    if (mailbox === undefined || !mayAll(rights, mailbox, needed)) return false
  }
  return true
}

async function destroy(
  parts: MailWriteParts,
  call: AccountCall,
  { work, done, rights }: Setting,
): Promise<void> {
  if (work.destroy.length === 0) return
  const view = await parts.access.view(rights)
  const emails: { id: string; email: EmailId; places: ReturnType<typeof placesOf> }[] = []
  for (const id of work.destroy) {
    const email = tryEmailNumber(call.place, id)
    const slot = email === undefined ? -1 : view.find(email)
    if (email === undefined || slot === -1) done.notDestroyed.set(id, new SetError('notFound'))
    else if (!everywhere(view, slot, { rights, needed: 'te' })) {
      done.notDestroyed.set(id, forbidden('it may not be removed'))
    } else emails.push({ id, email, places: placesOf(view, slot) })
  }
  if (emails.length === 0) return
  const missing = new Set(
    await writing(call, parts.store).destroyEmails({ account: call.place.account.id, emails }),
  )
  for (const { id, email } of emails) {
    if (missing.has(email)) done.notDestroyed.set(id, new SetError('notFound'))
    else done.destroyed.push(id)
  }
}

// Changes of one mailbox in one commit (`../mailbox-changes.ts`), put together from the operations that IMAP has for its parts.
import type { AccountId, Mailbox, MailboxId, SpecialUse } from '../model.ts'
import type { MailboxChangeStore, MailboxExtras } from '../mailbox-changes.ts'
import { all, get, type Op, refuse } from '../op.ts'
import type { Outcome } from '../store.ts'
import {
  createMailbox,
  getMailbox,
  removeMailbox,
  renameMailbox,
  setSpecialUse,
  setSubscription,
} from './mailboxes.ts'
import { changeObjects, findObject } from './objects.ts'
import { inboxId, lockAccounts } from './rows.ts'

interface Limits {
  readonly mailboxesPerAccount: number
  readonly objectSize: number
}

type Make = Parameters<MailboxChangeStore['makeMailbox']>[0]
type Change = Parameters<MailboxChangeStore['changeMailbox']>[0]
type Destroy = Parameters<MailboxChangeStore['destroyMailbox']>[0]

/** See `MailboxChangeStore.makeMailbox`. */
export function* makeMailbox(
  request: Make,
  limits: Limits,
): Op<
  Outcome<
    { mailbox: Mailbox },
    'exists' | 'no-superior' | 'too-many-mailboxes' | 'over-quota' | 'special-use-taken'
  >
> {
  const { account, name, specialUse, now } = request
  yield* lockAccounts([account, request.subscription?.account ?? account])
  if (yield* isTaken(account, name)) return { ok: false, reason: 'exists' }
  if (!(yield* hasSuperior(account, name))) return { ok: false, reason: 'no-superior' }
  const made = yield* createMailbox({ account, name, now, ...(specialUse && { specialUse }) }, limits)
  if (!made.ok) return made
  yield* keepExtras({ account, mailbox: made.mailbox.id, now }, request, limits)
  return made
}

/** See `MailboxChangeStore.changeMailbox`. */
export function* changeMailbox(
  request: Change,
  limits: Limits,
): Op<
  Outcome<
    object,
    | 'not-found'
    | 'is-inbox'
    | 'exists'
    | 'no-superior'
    | 'into-itself'
    | 'too-many-mailboxes'
    | 'over-quota'
    | 'special-use-taken'
  >
> {
  const { account, mailbox, name, specialUse, now } = request
  yield* lockAccounts([account, request.subscription?.account ?? account])
  const current = yield* getMailbox({ account, mailbox })
  if (!current) return { ok: false, reason: 'not-found' }
  if (name !== undefined && name !== current.name) {
    if (mailbox === inboxId) return { ok: false, reason: 'is-inbox' }
    if (name.startsWith(`${current.name}/`)) return { ok: false, reason: 'into-itself' }
    if (!(yield* hasSuperior(account, name))) return { ok: false, reason: 'no-superior' }
    const renamed = yield* renameMailbox({ account, mailbox, name, now }, limits)
    if (!renamed.ok) return yield* refuse(renamed)
    yield* moveSubscriptions(account, current.name, name)
  }
  if (specialUse !== undefined && specialUse !== current.specialUse) {
    if (mailbox === inboxId) return yield* refuse({ ok: false, reason: 'is-inbox' })
    if (specialUse !== null && (yield* isUsed(account, specialUse))) {
      return yield* refuse({ ok: false, reason: 'special-use-taken' })
    }
    yield* setSpecialUse({ account, mailbox, specialUse })
  }
  yield* keepExtras({ account, mailbox, now }, request, limits)
  return { ok: true }
}

/** See `MailboxChangeStore.destroyMailbox`. */
export function* destroyMailbox(
  request: Destroy,
  limits: Limits,
): Op<Outcome<object, 'not-found' | 'is-inbox' | 'has-children' | 'has-emails'>> {
  const { account, mailbox, emails, objects, now } = request
  if (mailbox === inboxId) return { ok: false, reason: 'is-inbox' }
  yield* lockAccounts([account])
  const current = yield* getMailbox({ account, mailbox })
  if (!current) return { ok: false, reason: 'not-found' }
  const { name, messages, deleted } = current
  const inferior = yield* get<{ id: MailboxId }>`SELECT id FROM mailbox
    WHERE account = ${account} AND name >= ${`${name}/`} AND name < ${`${name}0`} LIMIT 1`
  if (inferior) return { ok: false, reason: 'has-children' }
  if (emails === 'refuse' && messages > deleted) return { ok: false, reason: 'has-emails' }
  const removed = yield* removeMailbox({ account, mailbox })
  if (!removed.ok) return yield* refuse(removed)
  yield* setSubscription({ account, name, subscribed: false })
  for (const kind of objects) {
    const object = yield* findObject({ account, kind, key: String(mailbox), now })
    if (object) yield* changeObjects({ account, kind, destroy: [object.id], now }, limits)
  }
  return { ok: true }
}

function* isTaken(account: AccountId, name: string): Op<boolean> {
  const row = yield* get<{
    id: MailboxId
  }>`SELECT id FROM mailbox WHERE account = ${account} AND name = ${name}`
  return row !== undefined
}

function* hasSuperior(account: AccountId, name: string): Op<boolean> {
  const end = name.lastIndexOf('/')
  return end < 0 || (yield* isTaken(account, name.slice(0, end)))
}

function* isUsed(account: AccountId, specialUse: SpecialUse): Op<boolean> {
  const row = yield* get<{ id: MailboxId }>`SELECT id FROM mailbox
    WHERE account = ${account} AND special_use = ${specialUse}`
  return row !== undefined
}

/** RFC 8621 §2: `isSubscribed` is the mailbox's, whatever its name is. */
function* moveSubscriptions(account: AccountId, from: string, to: string): Op<void> {
  const rows = yield* all<{ name: string }>`SELECT name FROM subscription
    WHERE account = ${account} AND (name = ${from} OR (name >= ${`${from}/`} AND name < ${`${from}0`}))`
  for (const { name } of rows) {
    yield* setSubscription({ account, name, subscribed: false })
    yield* setSubscription({ account, name: to + name.slice(from.length), subscribed: true })
  }
}

function* keepExtras(
  place: { readonly account: AccountId; readonly mailbox: MailboxId; readonly now: number },
  { subscription, object }: MailboxExtras,
  limits: Limits,
): Op<void> {
  if (subscription) yield* setSubscription(subscription)
  if (!object) return
  const { account, mailbox, now } = place
  const { kind, value } = object
  const key = String(mailbox)
  const known = yield* findObject({ account, kind, key, now })
  if (known?.value === value) return
  const done = yield* changeObjects(
    known === undefined
      ? { account, kind, now, create: [{ key, value }] }
      : { account, kind, now, update: [{ id: known.id, value }] },
    limits,
  )
  if (!done.ok) throw new Error(`object ${kind} of a mailbox: ${done.reason}`)
}

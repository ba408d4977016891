// Mailbox/set (RFC 8621 §2.5). Each Mailbox is one change of the store; creates and updates of one call wait for those that they depend
// on (`mailbox-turns.ts`), so that their order in the request does not matter and two Mailboxes can swap names, parents or roles.
//
// What is in the way is looked for in the list that was read last, which is read again after each change and each refusal of the store: a
// call that names a thousand Mailboxes in vain costs no thousand lists.
import { Buffer } from 'node:buffer'
import { nameForOthers } from '../../mail/names-of-others.ts'
import type { GuardedWrites } from '../../store/guarded.ts'
import type { MailboxChangeStore, MailboxExtras } from '../../store/mailbox-changes.ts'
import type { MailboxId, SpecialUse } from '../../store/model.ts'
import { mail } from '../proto/capabilities.ts'
import { invalidProperties, refusalOf, SetError, unsettable } from '../proto/errors.ts'
import { jsonEquals, memberOf, objectOf, type Json, type JsonObject } from '../proto/json.ts'
import { applyPatch } from '../proto/patch.ts'
import { boolean, otherwise } from '../proto/shape.ts'
import { rightsIn, type MailRights } from './mail-access.ts'
import {
  forbidden,
  loadObject,
  mailboxIdOf,
  type MailWriteParts,
  mayAll,
  noteCreated,
  tryMailboxNumber,
} from './mail-writing.ts'
import { orderKind } from './mailbox-order.ts'
import { isUse, tryName, useOf } from './mailbox-names.ts'
import { inTurn, type Obstacle, type Step } from './mailbox-turns.ts'
import { type ListedMailbox, listMailboxes } from './mailboxes/mailbox-list.ts'
import type { AccountCall, Method } from './module.ts'
import { setMethod, type SetDone, type SetWork } from './standard-methods.ts'
import { writing } from './state-guard.ts'

const extra = { onDestroyRemoveEmails: otherwise(boolean, false) }

export function mailboxSetMethod(parts: MailWriteParts): Method {
  return setMethod({
    type: 'Mailbox',
    capability: mail,
    extra,
    state: (place) => parts.states.mailbox(place),
    again: mayYetBe,
    async apply(call, work, { done, args }) {
      const setter = new MailboxSetter(parts, call, await parts.access.rights(call.place))
      await setter.create(work, done)
      await setter.update(work.update, done)
      await setter.destroy(work, done, args.onDestroyRemoveEmails ? 'remove' : 'refuse')
    },
  })
}

/** What a client may say of a Mailbox. */
interface Wish {
  readonly name: string
  readonly parent: MailboxId | null
  readonly role: string | null
  readonly sortOrder: number
  readonly isSubscribed: boolean
}

const mutable = ['name', 'parentId', 'role', 'sortOrder', 'isSubscribed']
const fixed = ['id', 'totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads', 'myRights']

const noCounts = { totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 }

class MailboxSetter {
  readonly #parts: MailWriteParts
  readonly #call: AccountCall
  readonly #rights: MailRights
  /** What those were that have another name or no role for the time being, by id. */
  readonly #aside = new Map<string, Pick<ListedMailbox, 'path' | 'role'>>()
  #known: Promise<ListedMailbox[]> | null = null

  constructor(parts: MailWriteParts, call: AccountCall, rights: MailRights) {
    this.#parts = parts
    this.#call = call
    this.#rights = rights
  }

  async create(work: SetWork, done: SetDone): Promise<void> {
    await inTurn(work.create, {
      try: (_, object) => this.#createOne(object),
      done: (creationId, made) => {
        if (made === null) throw new Error('a Mailbox was made without an id')
        noteCreated(this.#call, creationId, made)
        done.created.set(creationId, made)
      },
      refused: (creationId, error) => done.notCreated.set(creationId, error),
    })
  }

  async update(work: SetWork['update'], done: SetDone): Promise<void> {
    await inTurn(work, {
      try: (id, patch) => this.#updateOne(id, patch),
      done: (id, changed) => {
        this.#aside.delete(id)
        done.updated.set(id, changed)
      },
      refused: (id, error) => done.notUpdated.set(id, error),
      // RFC 8620 §5.3: "a single method call could rename an object A => B and simultaneously rename another object B => A".
      stepAside: (obstacle) => this.#stepAside(obstacle),
    })
    await this.#goBack()
  }

  async destroy(work: SetWork, done: SetDone, emails: 'refuse' | 'remove'): Promise<void> {
    if (work.destroy.length === 0) return
    const list = await this.#list()
    const found = work.destroy.map((id) => {
      const mailbox = list.find((one) => mailboxIdOf(this.#call.place, one.id) === id)
      return { id, mailbox }
    })
    // Those inside first, so that a whole branch goes in one call.
    const depth = (path: string | undefined): number => path?.split('/').length ?? 0
    for (const { id, mailbox } of found.toSorted((a, b) => depth(b.mailbox?.path) - depth(a.mailbox?.path))) {
      const refused =
        mailbox === undefined ? new SetError('notFound') : await this.#destroyOne(mailbox, emails)
      if (refused === null) done.destroyed.push(id)
      else done.notDestroyed.set(id, refused)
    }
  }

  #list(): Promise<ListedMailbox[]> {
    const { place } = this.#call
    this.#known ??= listMailboxes(this.#parts.access, this.#rights, { place, now: this.#call.now() })
    return this.#known
  }

  /** Whatever is asked of it, the list is another one then, or was not the store's. */
  get #store(): GuardedWrites {
    this.#known = null
    return writing(this.#call, this.#parts.store)
  }

  get #isOwner(): boolean {
    return this.#rights.shared === null
  }

  async #createOne(object: JsonObject): Promise<Step> {
    const strangers = Object.keys(object).filter((name) => !mutable.includes(name))
    const list = await this.#list()
    const whole = { parentId: null, role: null, sortOrder: 0, isSubscribed: this.#isOwner, ...object }
    const refused = unsettable(strangers)
    const wish = this.#read(whole, refused, list)
    if ('refused' in wish) return wish
    const denied = this.#mayPut(wish.parent) ?? this.#mayDescribe({ wish, before: null })
    if (denied !== null) return refuse(denied)
    const path = this.#pathOf(wish, list)
    if (path instanceof SetError) return refuse(path)
    const before = this.#inTheWay({ wish, path, id: null }, list)
    if (before !== null) return before
    const { account } = this.#call.place
    const made = await this.#store.makeMailbox({
      ...{ account: account.id, name: path, now: this.#call.now() },
      ...(wish.role === null ? {} : { specialUse: useOf(wish.role) }),
      ...this.#extras({ wish, before: null, path }),
    })
    if (!made.ok) return this.#refusal(made.reason, await this.#idAt(path))
    // RFC 4314 §4: what is put into a shared mailbox has its rights, which the list that was read does not know yet.
    const id = mailboxIdOf(this.#call.place, made.mailbox.id)
    // Its counts are none yet: to have them counted, all mail would be gone through for each Mailbox that is made.
    const properties = [...mutable, 'myRights']
    const told = await loadObject(this.#parts.mailboxGet, this.#call, { id, properties })
    return { done: { ...unlike({ ...told, ...noCounts }, object), id } }
  }

  async #updateOne(id: string, patch: JsonObject): Promise<Step> {
    const list = await this.#list()
    const number = tryMailboxNumber(this.#call.place, id)
    const before = list.find((one) => one.id === number)
    if (before === undefined) return refuse(new SetError('notFound'))
    const named = Object.keys(patch).map((path) => path.split('/')[0] ?? '')
    const others = fixed.filter((name) => named.includes(name))
    const known =
      others.length === 0
        ? {}
        : await loadObject(this.#parts.mailboxGet, this.#call, { id, properties: others })
    const aside = this.#aside.get(id)
    const was = aside === undefined ? before : { ...before, name: lastOf(aside.path), role: aside.role }
    const current: JsonObject = { ...known, ...this.#describe(was) }
    const defaults = { parentId: null, role: null, sortOrder: 0 }
    const patched = applyPatch(current, patch, { mutable, fixed, defaults })
    if (patched instanceof SetError) return refuse(patched)
    const wish = this.#read({ ...defaults, ...patched.object }, patched.refused, list)
    if ('refused' in wish) return wish
    const step = await this.#settle(before, wish, list)
    if ('refused' in step || wish.name === memberOf(patched.object, 'name')) return step
    // RFC 8620 §5.3: what "changed in a way *not* explicitly requested".
    return { done: { name: wish.name } }
  }

  async #settle(before: ListedMailbox, wish: Wish, list: readonly ListedMailbox[]): Promise<Step> {
    const moves = wish.name !== before.name || wish.parent !== before.parent
    if (moves && before.path === 'INBOX') return refuse(forbidden('the inbox stays where it is'))
    const denied =
      (moves && !before.rights.includes('x') ? forbidden('it may not be renamed') : null) ??
      (wish.parent === before.parent ? null : this.#mayPut(wish.parent)) ??
      this.#mayDescribe({ wish, before })
    if (denied !== null) return refuse(denied)
    const path = moves ? this.#pathOf(wish, list) : before.path
    if (path instanceof SetError) return refuse(path)
    const obstacle = this.#inTheWay({ wish, path, id: before.id }, list)
    if (path.startsWith(`${before.path}/`)) return this.#refusal('into-itself', null)
    if (obstacle !== null) return obstacle
    const changed = await this.#store.changeMailbox({
      ...{ account: this.#call.place.account.id, mailbox: before.id, now: this.#call.now() },
      ...(moves ? { name: path } : {}),
      ...(wish.role === before.role ? {} : { specialUse: wish.role === null ? null : useOf(wish.role) }),
      ...this.#extras({ wish, before, path }),
    })
    return changed.ok ? { done: null } : this.#refusal(changed.reason, await this.#idAt(path))
  }

  async #destroyOne(mailbox: ListedMailbox, emails: 'refuse' | 'remove'): Promise<SetError | null> {
    if (mailbox.path === 'INBOX') return forbidden('there is always an inbox')
    if (!mailbox.rights.includes('x')) return forbidden('it may not be removed')
    if (emails === 'remove' && !mayAll(this.#rights, mailbox.id, 'te')) {
      return forbidden('its Emails may not be removed')
    }
    const gone = await this.#store.destroyMailbox({
      ...{ account: this.#call.place.account.id, mailbox: mailbox.id, emails },
      ...{ objects: [orderKind], now: this.#call.now() },
    })
    if (gone.ok) return null
    switch (gone.reason) {
      case 'has-children':
        return new SetError('mailboxHasChild')
      case 'has-emails':
        return new SetError('mailboxHasEmail')
      case 'is-inbox':
        return forbidden('there is always an inbox')
      case 'not-found':
        return new SetError('notFound')
    }
  }

  /** The Mailbox's own properties as a client sees them. */
  #describe({ name, parent, role, sortOrder, isSubscribed }: ListedMailbox): JsonObject {
    const parentId = parent === null ? null : mailboxIdOf(this.#call.place, parent)
    return { name, parentId, role, sortOrder, isSubscribed }
  }

  /** `refused`: what else is wrong with it, told together with what is wrong here. */
  #read(
    object: JsonObject,
    refused: SetError | null,
    list: readonly ListedMailbox[],
  ): Wish | (Step & { readonly refused: SetError }) {
    const wrong: string[] = []
    const name = memberOf(object, 'name') ?? null
    const role = memberOf(object, 'role') ?? null
    const sortOrder = memberOf(object, 'sortOrder') ?? null
    const isSubscribed = memberOf(object, 'isSubscribed') ?? null
    const normal = typeof name === 'string' ? tryName(name, this.#parts.limits.maxMailboxName) : undefined
    if (normal === undefined) wrong.push('name')
    const parent = this.#parentOf(memberOf(object, 'parentId') ?? null, list)
    if (parent === undefined) wrong.push('parentId')
    if (role !== null && (typeof role !== 'string' || (role !== 'inbox' && !isUse(role)))) wrong.push('role')
    // RFC 8621 §2: "an integer in the range 0 <= sortOrder < 2^31".
    const inRange = typeof sortOrder === 'number' && Number.isInteger(sortOrder) && sortOrder >= 0
    if (!inRange || sortOrder >= 2 ** 31) wrong.push('sortOrder')
    if (typeof isSubscribed !== 'boolean') wrong.push('isSubscribed')
    const all = refusalOf([refused, wrong.length === 0 ? null : invalidProperties(wrong)])
    if (all !== null) return { refused: all, wait: refused === null && wrong.includes('parentId') }
    if (normal === undefined || parent === undefined) throw new Error('what is wrong was not told')
    return {
      ...{ name: normal, parent, role: typeof role === 'string' ? role : null },
      ...{ sortOrder: Number(sortOrder), isSubscribed: isSubscribed === true },
    }
  }

  /** Undefined: there is no such parent, or not yet. */
  #parentOf(value: Json, list: readonly ListedMailbox[]): MailboxId | null | undefined {
    if (value === null) return null
    if (typeof value !== 'string') return undefined
    const number = tryMailboxNumber(this.#call.place, this.#call.createdIds.resolve(value) ?? '')
    return list.find(({ id }) => id === number)?.id
  }

  /** RFC 8621 §2 mayCreateChild; at the top of somebody else's account nobody may. */
  #mayPut(parent: MailboxId | null): SetError | null {
    if (this.#isOwner) return null
    if (parent === null) return forbidden('Mailboxes at the top are the owner’s')
    return rightsIn(this.#rights, parent).includes('k')
      ? null
      : forbidden('nothing may be put into that Mailbox')
  }

  /** Roles and the order are the owner's; what is subscribed is everybody's own. */
  #mayDescribe({ wish, before }: { wish: Wish; before: ListedMailbox | null }): SetError | null {
    const role = before?.role ?? null
    // RFC 8621 §2: the inbox has its role for ever, and no other Mailbox gets it.
    if (wish.role !== role && (wish.role === 'inbox' || role === 'inbox')) return invalidProperties(['role'])
    if (this.#isOwner) return null
    const same = wish.role === role && wish.sortOrder === (before?.sortOrder ?? 0)
    return same ? null : forbidden('role and order are set by the owner')
  }

  /** As the store has it. */
  #pathOf({ name, parent }: Wish, list: readonly ListedMailbox[]): string | SetError {
    const above = list.find(({ id }) => id === parent)
    const path = above === undefined ? name : `${above.path}/${name}`
    const { maxMailboxDepth, maxMailboxPath } = this.#parts.limits
    if (path.split('/').length > maxMailboxDepth)
      return invalidProperties(['parentId'], 'It would be too deep.')
    if (Buffer.byteLength(path) > maxMailboxPath)
      return invalidProperties(['name'], 'Its path would be too long.')
    // RFC 3501 §5.1: "INBOX" is one name in any case; and another's mailboxes are shown under a level of their own.
    if (above === undefined && /^other users$/i.test(name)) return invalidProperties(['name'])
    if (above === undefined && /^inbox$/i.test(name)) {
      const inbox = list.find((one) => one.path === 'INBOX')
      return nameTaken(inbox === undefined ? null : mailboxIdOf(this.#call.place, inbox.id))
    }
    return path
  }

  #extras(of: { wish: Wish; before: ListedMailbox | null; path: string }): MailboxExtras {
    const { wish, before, path } = of
    const { account, viewer } = this.#call.place
    const name = this.#isOwner ? path : nameForOthers(account.address, path)
    const { isSubscribed: subscribed, sortOrder } = wish
    return {
      ...(subscribed === (before?.isSubscribed ?? false)
        ? {}
        : { subscription: { account: viewer.id, name, subscribed } }),
      ...(sortOrder === (before?.sortOrder ?? 0)
        ? {}
        : { object: { kind: orderKind, value: JSON.stringify(sortOrder) } }),
    }
  }

  /** Another Mailbox that has the role or the name, the role first: whoever waits for a name alone is sure to get on with it. */
  #inTheWay(
    { wish, path, id }: { wish: Wish; path: string; id: MailboxId | null },
    list: readonly ListedMailbox[],
  ): (Step & { readonly refused: SetError }) | null {
    const others = list.filter((one) => one.id !== id && (one.path === path || one.role === wish.role))
    const sameRole = wish.role === null ? undefined : others.find(({ role }) => role === wish.role)
    if (sameRole !== undefined) {
      const behind = { id: mailboxIdOf(this.#call.place, sameRole.id), what: 'role' as const }
      return { ...this.#refusal('special-use-taken', null), behind }
    }
    const samePath = others.find((one) => one.path === path)
    if (samePath === undefined) return null
    const there = mailboxIdOf(this.#call.place, samePath.id)
    return { ...this.#refusal('exists', there), behind: { id: there, what: 'name' } }
  }

  async #idAt(path: string): Promise<string | null> {
    const there = (await this.#list()).find((one) => one.path === path)
    return there === undefined ? null : mailboxIdOf(this.#call.place, there.id)
  }

  /** `there`: the Mailbox that has the name already. */
  #refusal(reason: Refusal, there: string | null): Step & { readonly refused: SetError } {
    switch (reason) {
      case 'not-found':
        return refuse(new SetError('notFound'))
      case 'is-inbox':
        return refuse(forbidden('the inbox stays as it is'))
      case 'exists':
        return { refused: nameTaken(there), wait: true }
      case 'no-superior':
        return { refused: invalidProperties(['parentId'], 'There is no such parent.'), wait: true }
      case 'into-itself':
        return { refused: invalidProperties(['parentId'], 'It would be inside of itself.'), wait: true }
      case 'special-use-taken':
        return { refused: invalidProperties(['role'], 'Another Mailbox has that role.'), wait: true }
      case 'too-many-mailboxes':
      case 'over-quota':
        return refuse(new SetError('overQuota', 'There may be no more Mailboxes.'))
    }
  }

  /** Gives one of those that wait another name, or no role, for the time being, so that others can have its own. */
  async #stepAside({ id, what }: Obstacle): Promise<boolean> {
    const mailbox = (await this.#list()).find((one) => mailboxIdOf(this.#call.place, one.id) === id)
    if (mailbox === undefined || mailbox.path === 'INBOX' || !mailbox.rights.includes('x')) return false
    if (what === 'role' && !this.#isOwner) return false
    const change = what === 'role' ? { specialUse: null } : { name: beside(mailbox, this.#parts.random.id()) }
    if (!(await this.#change(mailbox.id, change))) return false
    this.#aside.set(id, this.#aside.get(id) ?? mailbox)
    return true
  }

  /** Those that stepped aside in vain. */
  async #goBack(): Promise<void> {
    for (const [id, { path, role }] of this.#aside) {
      const mailbox = (await this.#list()).find((one) => mailboxIdOf(this.#call.place, one.id) === id)
      if (mailbox === undefined) continue
      const specialUse = role === null ? null : useOf(role)
      await this.#change(mailbox.id, {
        name: beside(mailbox, lastOf(path)),
        ...(role === mailbox.role ? {} : { specialUse }),
      })
    }
    this.#aside.clear()
  }

  async #change(
    mailbox: MailboxId,
    change: { readonly name?: string; readonly specialUse?: SpecialUse | null },
  ): Promise<boolean> {
    const { account } = this.#call.place
    const now = this.#call.now()
    return (await this.#store.changeMailbox({ account: account.id, mailbox, ...change, now })).ok
  }
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function beside({ path }: Pick<ListedMailbox, 'path'>, name: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + name
}

/** Another Mailbox of the same call may be what it is refused for: its name, its role, what is above it or inside of it. */
function mayYetBe({ type }: SetError): boolean {
  return type === 'alreadyExists' || type === 'invalidProperties' || type === 'mailboxHasChild'
}

type Reason<K extends keyof MailboxChangeStore> =
  Awaited<ReturnType<MailboxChangeStore[K]>> extends infer R
    ? R extends { readonly ok: false; readonly reason: infer Why }
      ? Why
      : never
    : never
type Refusal = Reason<'makeMailbox' | 'changeMailbox'>

/** RFC 8620 §5.4: with the "id of the existing object"; null: it is none that is seen here. */
function nameTaken(existingId: string | null): SetError {
  const more = existingId === null ? {} : { existingId }
  return new SetError('alreadyExists', 'There is a Mailbox of that name.', more)
}

function refuse(refused: SetError): { readonly refused: SetError; readonly wait: boolean } {
  return { refused, wait: false }
}

/** What of `told` the client has not said itself (RFC 8620 §5.3). */
function unlike(told: JsonObject, said: JsonObject): JsonObject {
  return objectOf(
    Object.entries(told).filter(([name, value]) => {
      const own = memberOf(said, name)
      return own === undefined || !jsonEquals(own, value)
    }),
  )
}

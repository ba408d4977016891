// Mailbox/set (RFC 8621 §2.5). Each Mailbox is one change of the store; creates, updates and destroys of one call wait for those that they
// depend on (`mailbox-turns.ts`), so that their order in the request does not matter and Mailboxes can swap names, parents or roles.
//
// What is in the way is looked for in the list that was read last, which is read again after each change and each refusal of the store: a
// call that names a thousand Mailboxes in vain costs no thousand lists.
import { nameForOthers } from '../../mail/names-of-others.ts'
import type { GuardedWrites } from '../../store/guarded.ts'
import type { MailboxChangeStore, MailboxExtras } from '../../store/mailbox-changes.ts'
import type { MailboxId, SpecialUse } from '../../store/model.ts'
import { mail } from '../proto/capabilities.ts'
import { invalidProperties, SetError, unsettable } from '../proto/errors.ts'
import { jsonEquals, memberOf, objectOf, type JsonObject } from '../proto/json.ts'
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
import { useOf } from './mailbox-names.ts'
import { inTurn, type Obstacle, type Step } from './mailbox-turns.ts'
import { isUnmade, nameTaken, type Wish, Wishes } from './mailbox-wish.ts'
import { type ListedMailbox, listMailboxes, mailboxRights } from './mailboxes/mailbox-list.ts'
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
    async applyTogether(call, asked, { done, args }) {
      const rights = await parts.access.rights(call.place)
      const emails = args.onDestroyRemoveEmails ? 'remove' : 'refuse'
      await new MailboxSetter(parts, { call, rights, asked, done, emails }).run()
    },
  })
}

/** `named`: as the client named it. */
type Task =
  | { readonly what: 'create'; readonly named: string; readonly object: JsonObject }
  | { readonly what: 'update'; readonly named: string; readonly patch: JsonObject }
  | { readonly what: 'destroy'; readonly named: string }

interface Asking {
  readonly call: AccountCall
  readonly rights: MailRights
  readonly asked: SetWork
  readonly done: SetDone
  /** What becomes of the Emails of Mailboxes that are destroyed. */
  readonly emails: 'refuse' | 'remove'
}

const mutable = ['name', 'parentId', 'role', 'sortOrder', 'isSubscribed']
const fixed = ['id', 'totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads', 'myRights']

const noCounts = { totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 }

class MailboxSetter {
  readonly #parts: MailWriteParts
  readonly #call: AccountCall
  #rights: MailRights
  readonly #asked: SetWork
  readonly #done: SetDone
  readonly #emails: Asking['emails']
  readonly #wishes: Wishes
  /** What those were that have another name or no role for the time being, by id. */
  readonly #aside = new Map<string, Pick<ListedMailbox, 'path' | 'role'>>()
  #known: Promise<ListedMailbox[]> | null = null

  constructor(parts: MailWriteParts, { call, rights, asked, done, emails }: Asking) {
    this.#parts = parts
    this.#call = call
    this.#rights = rights
    this.#asked = asked
    this.#done = done
    this.#emails = emails
    const { place, createdIds } = call
    const made = { create: asked.create, created: done.created }
    this.#wishes = new Wishes({ place, createdIds, limits: parts.limits, ...made })
  }

  async run(): Promise<void> {
    try {
      await inTurn(await this.#tasks(), {
        try: (task) => this.#try(task),
        done: (task, result) => this.#note(task, result),
        refused: (task, error) => this.#refuse(task, error),
        // RFC 8620 §5.3: "a single method call could rename an object A => B and simultaneously rename another object B => A".
        stepAside: (obstacle) => this.#stepAside(obstacle),
      })
    } catch (error) {
      // What failed first is told; nobody is left aside for it where that can be helped.
      await this.#goBack().catch(() => undefined)
      throw error
    }
    await this.#goBack()
  }

  /** By what others wait for them under: `#` and the creation id, or the id. */
  async #tasks(): Promise<Map<string, Task>> {
    const { create, update, destroy } = this.#asked
    const tasks = new Map<string, Task>()
    for (const [named, object] of create) tasks.set(`#${named}`, { what: 'create', named, object })
    for (const [named, patch] of update) {
      const task: Task = { what: 'update', named, patch }
      tasks.set(this.#isDoomed(this.#idOf(named)) ? `update ${named}` : this.#keyOf(task), task)
    }
    const list = await this.#list()
    const depths = new Map(
      list.map(({ id, path }) => [mailboxIdOf(this.#call.place, id), path.split('/').length]),
    )
    const depthOf = (named: string): number => depths.get(this.#idOf(named)) ?? 0
    // Those inside first, so that a whole branch goes in one round.
    for (const named of destroy.toSorted((one, other) => depthOf(other) - depthOf(one))) {
      const task: Task = { what: 'destroy', named }
      tasks.set(this.#keyOf(task), task)
    }
    return tasks
  }

  /** Nothing waits for what is done with a Mailbox of the same call. */
  #keyOf({ what, named }: Task): string {
    const id = this.#idOf(named)
    return id.startsWith('#') ? `${what} ${id}` : id
  }

  #isDoomed(id: string): boolean {
    return this.#asked.destroy.some((named) => this.#idOf(named) === id)
  }

  /** As it was named where that means nothing yet. */
  #idOf(named: string): string {
    const id = this.#wishes.resolve(named)
    return id === undefined || isUnmade(id) ? named : id
  }

  async #try(task: Task): Promise<Step> {
    if (task.what === 'create') return this.#createOne(task.object)
    const id = this.#wishes.resolve(task.named)
    if (isUnmade(id)) {
      return { refused: new SetError('notFound'), wait: true, behind: { id: id.unmade, what: 'making' } }
    }
    if (id === undefined) return refuse(new SetError('notFound'))
    if (task.what === 'destroy') return this.#destroyOne(id)
    // RFC 8620 §5.3: "The server MAY skip an update (rejecting it with a "willDestroy" SetError)".
    return this.#isDoomed(id) ? refuse(new SetError('willDestroy')) : this.#updateOne(id, task.patch)
  }

  #note({ what, named }: Task, result: JsonObject | null): void {
    const { created, updated, destroyed } = this.#done
    if (what === 'create') {
      if (result === null) throw new Error('a Mailbox was made without an id')
      noteCreated(this.#call, named, result)
      created.set(named, result)
      return
    }
    const id = this.#idOf(named)
    this.#aside.delete(id)
    if (what === 'update') updated.set(id, result)
    else destroyed.push(id)
  }

  #refuse({ what, named }: Task, error: SetError): void {
    const { notCreated, notUpdated, notDestroyed } = this.#done
    if (what === 'create') notCreated.set(named, error)
    else if (what === 'update') notUpdated.set(this.#idOf(named), error)
    else notDestroyed.set(this.#idOf(named), error)
  }

  #list(): Promise<ListedMailbox[]> {
    this.#known ??= this.#load()
    return this.#known
  }

  async #load(): Promise<ListedMailbox[]> {
    const { place } = this.#call
    const { access } = this.#parts
    // RFC 4314 §4: what is put into a shared mailbox has its rights, which were not known before.
    if (!this.#isOwner) this.#rights = await access.rights(place)
    return listMailboxes(access, this.#rights, { place, now: this.#call.now() })
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
    const wish = this.#wishes.read(whole, unsettable(strangers), list)
    if (wish instanceof SetError) return refuse(wish)
    const denied = this.#mayPut(wish.parent) ?? this.#mayDescribe({ wish, before: null })
    if (denied !== null) return refuse(denied)
    const path = this.#wishes.pathOf(wish, list)
    if (path instanceof SetError) return refuse(path)
    const before = this.#inTheWay({ wish, path, id: null }, list)
    if (before !== null) return before
    if (path === undefined || isUnmade(wish.parent)) return behindParent(wish)
    const { account } = this.#call.place
    const made = await this.#store.makeMailbox({
      ...{ account: account.id, name: path, now: this.#call.now() },
      ...(wish.role === null ? {} : { specialUse: useOf(wish.role) }),
      ...this.#extras({ wish, before: null, path }),
    })
    if (!made.ok) return this.#refusal(made.reason, await this.#idAt(path))
    const id = mailboxIdOf(this.#call.place, made.mailbox.id)
    const one = (await this.#list()).find((listed) => listed.id === made.mailbox.id)
    // Whoever may put something there and not see it is told its id alone.
    if (one === undefined) return { done: { id } }
    // Its counts are none yet: to have them counted, all mail would be gone through for each Mailbox that is made.
    const told = { ...this.#describe(one), ...noCounts, myRights: mailboxRights(one) }
    return { done: { ...unlike(told, object), id } }
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
    const was =
      aside === undefined
        ? before
        : { ...before, name: above(before.name) + lastOf(aside.path), role: aside.role }
    const current: JsonObject = { ...known, ...this.#describe(was) }
    const defaults = { parentId: null, role: null, sortOrder: 0 }
    const patched = applyPatch(current, patch, { mutable, fixed, defaults })
    if (patched instanceof SetError) return refuse(patched)
    const wanted: JsonObject = { ...defaults, ...patched.object }
    // Where levels above it are not seen they stand in its name, and stay as they are.
    const isNamed = memberOf(wanted, 'name') !== was.name
    const object = isNamed ? wanted : { ...wanted, name: lastOf(was.name) }
    const wish = this.#wishes.read(object, patched.refused, list)
    if (wish instanceof SetError) return refuse(wish)
    const step = await this.#settle(before, wish, list)
    const name = wish.parent === before.parent ? above(was.name) + wish.name : wish.name
    if ('refused' in step || name === memberOf(wanted, 'name')) return step
    // RFC 8620 §5.3: what "changed in a way *not* explicitly requested".
    return { done: { name } }
  }

  async #settle(before: ListedMailbox, wish: Wish, list: readonly ListedMailbox[]): Promise<Step> {
    const moves = wish.name !== lastOf(before.name) || wish.parent !== before.parent
    if (moves && before.path === 'INBOX') return refuse(forbidden('the inbox stays where it is'))
    const denied =
      (moves && !before.rights.includes('x') ? forbidden('it may not be renamed') : null) ??
      (wish.parent === before.parent ? null : this.#mayPut(wish.parent)) ??
      this.#mayDescribe({ wish, before })
    if (denied !== null) return refuse(denied)
    const path = moves ? this.#wishes.pathOf(wish, list, before) : before.path
    if (path instanceof SetError) return refuse(path)
    const { parent } = wish
    if (!isUnmade(parent) && path?.startsWith(`${before.path}/`) === true) {
      const inside = list.filter(
        (one) => path.startsWith(`${one.path}/`) && one.path.length > before.path.length,
      )
      return { ...this.#refusal('into-itself', null), ...this.#behindOneOf(inside) }
    }
    const obstacle = this.#inTheWay({ wish, path, id: before.id }, list)
    if (obstacle !== null) return obstacle
    if (path === undefined || isUnmade(parent)) return behindParent(wish)
    const changed = await this.#store.changeMailbox({
      ...{ account: this.#call.place.account.id, mailbox: before.id, now: this.#call.now() },
      ...(moves ? { name: path } : {}),
      ...(wish.role === before.role ? {} : { specialUse: wish.role === null ? null : useOf(wish.role) }),
      ...this.#extras({ wish, before, path }),
    })
    return changed.ok ? { done: null } : this.#refusal(changed.reason, await this.#idAt(path))
  }

  async #destroyOne(id: string): Promise<Step> {
    const list = await this.#list()
    const number = tryMailboxNumber(this.#call.place, id)
    const mailbox = list.find((one) => one.id === number)
    if (mailbox === undefined) return refuse(new SetError('notFound'))
    const denied = this.#mayDestroy(mailbox)
    if (denied !== null) return refuse(denied)
    const inside = list.filter((one) => one.path.startsWith(`${mailbox.path}/`))
    if (inside.length > 0) return { ...hasChild, ...this.#behindOneOf(inside) }
    const gone = await this.#store.destroyMailbox({
      ...{ account: this.#call.place.account.id, mailbox: mailbox.id, emails: this.#emails },
      ...{ objects: [orderKind], now: this.#call.now() },
    })
    if (gone.ok) {
      this.#known = Promise.resolve(list.filter((one) => one !== mailbox))
      return { done: null }
    }
    switch (gone.reason) {
      case 'has-children':
        return hasChild
      case 'has-emails':
        return refuse(new SetError('mailboxHasEmail'))
      case 'is-inbox':
        return refuse(forbidden('there is always an inbox'))
      case 'not-found':
        return refuse(new SetError('notFound'))
    }
  }

  #mayDestroy({ path, rights, id }: ListedMailbox): SetError | null {
    if (path === 'INBOX') return forbidden('there is always an inbox')
    if (!rights.includes('x')) return forbidden('it may not be removed')
    return this.#emails === 'refuse' || mayAll(this.#rights, id, 'te')
      ? null
      : forbidden('its Emails may not be removed')
  }

  /** The first of the Mailboxes that the call has yet to do something with, from the innermost outwards. */
  #behindOneOf(list: readonly ListedMailbox[]): { readonly behind?: Obstacle } {
    const { update, destroy } = this.#asked
    const { updated, notUpdated, notDestroyed } = this.#done
    const named = new Set([...update.keys(), ...destroy].map((one) => this.#idOf(one)))
    const ids = list.map((one) => mailboxIdOf(this.#call.place, one.id)).toReversed()
    const isOver = (id: string): boolean => updated.has(id) || notUpdated.has(id) || notDestroyed.has(id)
    const id = ids.find((one) => named.has(one) && !isOver(one))
    return id === undefined ? {} : { behind: { id, what: 'place' } }
  }

  /** The Mailbox's own properties as a client sees them. */
  #describe({ name, parent, role, sortOrder, isSubscribed }: ListedMailbox): JsonObject {
    const parentId = parent === null ? null : mailboxIdOf(this.#call.place, parent)
    return { name, parentId, role, sortOrder, isSubscribed }
  }

  /** RFC 8621 §2 mayCreateChild; at the top of somebody else's account nobody may. */
  #mayPut(parent: Wish['parent']): SetError | null {
    // What is made has the rights of what it is made in (RFC 4314 §4).
    if (this.#isOwner || isUnmade(parent)) return null
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
    { wish, path, id }: { wish: Wish; path: string | undefined; id: MailboxId | null },
    list: readonly ListedMailbox[],
  ): (Step & { readonly refused: SetError }) | null {
    const others = list.filter((one) => one.id !== id && (one.path === path || one.role === wish.role))
    const sameRole = wish.role === null ? undefined : others.find(({ role }) => role === wish.role)
    if (sameRole !== undefined) {
      const behind = { id: mailboxIdOf(this.#call.place, sameRole.id), what: 'role' as const }
      return { ...this.#refusal('special-use-taken', null), behind }
    }
    const samePath = others.find((one) => one.path === path)
    // What is inside of what is yet to be made goes away with what is now there.
    if (samePath === undefined || isUnmade(wish.parent)) return null
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
    if (what !== 'name' && what !== 'role') return false
    const mailbox = (await this.#list()).find((one) => mailboxIdOf(this.#call.place, one.id) === id)
    if (mailbox === undefined || mailbox.path === 'INBOX' || !mailbox.rights.includes('x')) return false
    if (what === 'role' && !this.#isOwner) return false
    if (!(await this.#canLeave(mailbox, id))) return false
    const change =
      what === 'role' ? { specialUse: null } : { name: beside(mailbox, this.#asideName(mailbox)) }
    if (!(await this.#change(mailbox.id, change))) return false
    this.#aside.set(id, this.#aside.get(id) ?? mailbox)
    return true
  }

  /** One that its owner would know it by, should the server die before it has its next. */
  #asideName({ path }: ListedMailbox): string {
    return `${[...lastOf(path)].slice(0, 40).join('')}~${this.#parts.random.id()}`
  }

  /** Who steps aside to be destroyed must not have to come back. */
  async #canLeave(mailbox: ListedMailbox, id: string): Promise<boolean> {
    if (!this.#isDoomed(id)) return true
    if (this.#mayDestroy(mailbox) !== null) return false
    if (this.#emails === 'remove') return true
    const view = await this.#parts.access.view(this.#rights)
    const number = view.index.numberOf(mailbox.id)
    return number === -1 || !view.emailsIn(number).includes(1)
  }

  /** Those that stepped aside in vain. */
  async #goBack(): Promise<void> {
    for (const [id, { path, role }] of this.#aside) {
      const mailbox = (await this.#list()).find((one) => mailboxIdOf(this.#call.place, one.id) === id)
      if (mailbox === undefined) continue
      const specialUse = role === null ? null : useOf(role)
      if (role !== mailbox.role) await this.#change(mailbox.id, { specialUse })
      // Where another has the name by now, it gets one that its owner knows it by.
      const name = lastOf(path)
      for (const one of [name, `${name} (2)`, `${name} (3)`]) {
        if (await this.#change(mailbox.id, { name: beside(mailbox, one) })) break
      }
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

/** The levels above, with the `/` behind them. */
function above(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

function beside({ path }: Pick<ListedMailbox, 'path'>, name: string): string {
  return above(path) + name
}

type Reason<K extends keyof MailboxChangeStore> =
  Awaited<ReturnType<MailboxChangeStore[K]>> extends infer R
    ? R extends { readonly ok: false; readonly reason: infer Why }
      ? Why
      : never
    : never
type Refusal = Reason<'makeMailbox' | 'changeMailbox'>

const hasChild = { refused: new SetError('mailboxHasChild'), wait: true } as const

/** Waits for its parent to be made. */
function behindParent({ parent }: Wish): Step {
  const refused = invalidProperties(['parentId'], 'There is no such parent.')
  if (!isUnmade(parent)) return refuse(refused)
  return { refused, wait: true, behind: { id: parent.unmade, what: 'making' } }
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

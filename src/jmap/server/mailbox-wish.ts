// What a client says of a Mailbox in Mailbox/set (RFC 8621 §2), read and judged as far as that takes no other Mailbox: names, roles, orders,
// and where it is to be. A parent may be one that the same call has yet to make.
import { Buffer } from 'node:buffer'
import type { MailboxId } from '../../store/model.ts'
import type { CreatedIds } from '../proto/created-ids.ts'
import { invalidProperties, refusalOf, SetError } from '../proto/errors.ts'
import { memberOf, type Json, type JsonObject } from '../proto/json.ts'
import { isUse, tryName } from './mailbox-names.ts'
import type { ListedMailbox } from './mailboxes/mailbox-list.ts'
import { mailboxIdOf, type MailLimits, tryMailboxNumber } from './mail-writing.ts'
import type { AccountPlace } from './module.ts'

/** What the call has yet to make, as `#` and its creation id. */
export interface Unmade {
  readonly unmade: string
}

export interface Wish {
  readonly name: string
  readonly parent: MailboxId | null | Unmade
  readonly role: string | null
  readonly sortOrder: number
  readonly isSubscribed: boolean
}

export function isUnmade(parent: Wish['parent'] | string | undefined): parent is Unmade {
  return typeof parent === 'object' && parent !== null
}

export interface WishParts {
  readonly place: AccountPlace
  readonly limits: Pick<MailLimits, 'maxMailboxName' | 'maxMailboxDepth' | 'maxMailboxPath'>
  readonly createdIds: CreatedIds
  /** What the call is to make, and what of it is made, by creation id. */
  readonly create: ReadonlyMap<string, JsonObject>
  readonly created: ReadonlyMap<string, JsonObject>
}

export class Wishes {
  readonly #parts: WishParts

  constructor(parts: WishParts) {
    this.#parts = parts
  }

  /** The id that a client means; undefined: nothing was made under that name. */
  resolve(named: string): string | Unmade | undefined {
    const { create, created, createdIds } = this.#parts
    const creationId = named.startsWith('#') ? named.slice(1) : null
    // RFC 8620 §5.3: a creation id that is used again means the record made last.
    if (creationId !== null && create.has(creationId) && !created.has(creationId)) return { unmade: named }
    return createdIds.resolve(named)
  }

  /** `refused`: what else is wrong with it, told together with what is wrong here. */
  read(object: JsonObject, refused: SetError | null, list: readonly ListedMailbox[]): Wish | SetError {
    const wrong: string[] = []
    const name = memberOf(object, 'name') ?? null
    const role = memberOf(object, 'role') ?? null
    const sortOrder = memberOf(object, 'sortOrder') ?? null
    const isSubscribed = memberOf(object, 'isSubscribed') ?? null
    const normal = this.#nameOf(name)
    if (normal === undefined) wrong.push('name')
    const parent = this.#parentOf(memberOf(object, 'parentId') ?? null, list)
    if (parent === undefined) wrong.push('parentId')
    if (role !== null && (typeof role !== 'string' || (role !== 'inbox' && !isUse(role)))) wrong.push('role')
    // RFC 8621 §2: "an integer in the range 0 <= sortOrder < 2^31".
    const inRange = typeof sortOrder === 'number' && Number.isInteger(sortOrder) && sortOrder >= 0
    if (!inRange || sortOrder >= 2 ** 31) wrong.push('sortOrder')
    if (typeof isSubscribed !== 'boolean') wrong.push('isSubscribed')
    const all = refusalOf([refused, wrong.length === 0 ? null : invalidProperties(wrong)])
    if (all !== null) return all
    if (normal === undefined || parent === undefined) throw new Error('what is wrong was not told')
    return {
      ...{ name: normal, parent, role: typeof role === 'string' ? role : null },
      ...{ sortOrder: Number(sortOrder), isSubscribed: isSubscribed === true },
    }
  }

  /** As the store has it; undefined: inside of what will not be made. `before`: who keeps his parent stays where he is, seen or not. */
  pathOf(
    { name, parent }: Wish,
    list: readonly ListedMailbox[],
    before: Pick<ListedMailbox, 'parent' | 'path'> | null = null,
  ): string | SetError | undefined {
    const stays = before !== null && parent === before.parent ? superiorOf(before.path) : undefined
    const made = isUnmade(parent) ? this.#pathOfUnmade(parent, list) : pathOfMade(parent, list)
    const above = stays === undefined ? made : stays
    if (above === undefined) return undefined
    const path = below(above, name)
    const { maxMailboxDepth, maxMailboxPath } = this.#parts.limits
    if (path.split('/').length > maxMailboxDepth)
      return invalidProperties(['parentId'], 'It would be too deep.')
    if (Buffer.byteLength(path) > maxMailboxPath)
      return invalidProperties(['name'], 'Its path would be too long.')
    // RFC 3501 §5.1: "INBOX" is one name in any case; and another's mailboxes are shown under a level of their own.
    if (above === null && /^other users$/i.test(name)) return invalidProperties(['name'])
    if (above === null && /^inbox$/i.test(name)) {
      const inbox = list.find((one) => one.path === 'INBOX')
      return nameTaken(inbox === undefined ? null : mailboxIdOf(this.#parts.place, inbox.id))
    }
    return path
  }

  #nameOf(name: Json): string | undefined {
    return typeof name === 'string' ? tryName(name, this.#parts.limits.maxMailboxName) : undefined
  }

  /** Undefined: there is no such parent. */
  #parentOf(value: Json, list: readonly ListedMailbox[]): Wish['parent'] | undefined {
    if (value === null) return null
    const id = typeof value === 'string' ? this.resolve(value) : undefined
    if (id === undefined || isUnmade(id)) return id
    const number = tryMailboxNumber(this.#parts.place, id)
    return list.find((one) => one.id === number)?.id
  }

  /** Where it would be. */
  #pathOfUnmade(unmade: Unmade, list: readonly ListedMailbox[]): string | undefined {
    const names: string[] = []
    const seen = new Set<string>()
    let parent: Wish['parent'] | undefined = unmade
    while (isUnmade(parent)) {
      const object = this.#parts.create.get(parent.unmade.slice(1))
      const name = this.#nameOf(memberOf(object ?? {}, 'name') ?? null)
      // Those that are inside of each other are never made.
      if (object === undefined || name === undefined || seen.has(parent.unmade)) return undefined
      seen.add(parent.unmade)
      names.unshift(name)
      parent = this.#parentOf(memberOf(object, 'parentId') ?? null, list)
    }
    const above = parent === undefined ? undefined : pathOfMade(parent, list)
    return above === undefined ? undefined : below(above, names.join('/'))
  }
}

function pathOfMade(parent: MailboxId | null, list: readonly ListedMailbox[]): string | null | undefined {
  return parent === null ? null : list.find(({ id }) => id === parent)?.path
}

function superiorOf(path: string): string | null {
  const end = path.lastIndexOf('/')
  return end < 0 ? null : path.slice(0, end)
}

function below(above: string | null, name: string): string {
  return above === null ? name : `${above}/${name}`
}

/** RFC 8620 §5.4: with the "id of the existing object"; null: it is none that is seen here. */
export function nameTaken(existingId: string | null): SetError {
  const more = existingId === null ? {} : { existingId }
  return new SetError('alreadyExists', 'There is a Mailbox of that name.', more)
}

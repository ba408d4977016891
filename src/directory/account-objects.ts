// Objects of one kind of an account (`store/objects.ts`) as values: JSON that this program wrote, read back.
import type { AccountId, ModSeq, ObjectId } from '../store/model.ts'
import type { NewObject, ObjectStore, StoredObject } from '../store/objects.ts'

export interface AccountObject<T> {
  readonly id: ObjectId
  readonly key: string | null
  readonly value: T
  readonly modSeq: ModSeq
  readonly expiresAt: number | null
}

export interface NewAccountObject<T> extends Omit<NewObject, 'value'> {
  readonly value: T
}

/** Kinds on which a decision rests, as they were when it was made. */
export type Unchanged = readonly { readonly kind: string; readonly since: ModSeq }[]

/** How often a change is tried anew when others come between; each of them has succeeded then. */
export const mostRounds = 20

export class AccountObjects<T> {
  readonly #store: ObjectStore
  readonly #kind: string

  constructor(store: ObjectStore, kind: string) {
    this.#store = store
    this.#kind = kind
  }

  async list(account: AccountId, now: number): Promise<AccountObject<T>[]> {
    const objects = await this.#store.listObjects({ account, kind: this.#kind, now })
    return objects.map((object) => this.#read(object))
  }

  async find(account: AccountId, key: string, now: number): Promise<AccountObject<T> | undefined> {
    const object = await this.#store.findObject({ account, kind: this.#kind, key, now })
    return object && this.#read(object)
  }

  async get(account: AccountId, id: number, now: number): Promise<AccountObject<T> | undefined> {
    // A number that is nobody's id finds nothing.
    const ids = [id as ObjectId]
    const [object] = await this.#store.getObjects({ account, kind: this.#kind, ids, now })
    return object && this.#read(object)
  }

  /** The last change of the kind, for `Unchanged`: to be read before what the decision rests on. */
  async state(account: AccountId, now: number): Promise<Unchanged[number]> {
    const kind = this.#kind
    const since = Number.MAX_SAFE_INTEGER as ModSeq
    const { modSeq } = await this.#store.objectsSince({ account, kind, since, now })
    return { kind, since: modSeq }
  }

  /** Several changes in one commit: `done`, or why none was made. */
  async change(
    account: AccountId,
    {
      create = [],
      update = [],
      ...rest
    }: {
      readonly create?: readonly NewAccountObject<T>[]
      readonly update?: readonly (Pick<AccountObject<T>, 'id' | 'value'> & {
        readonly ifModSeq?: ModSeq
        readonly expiresAt?: number | null
      })[]
      readonly destroy?: readonly ObjectId[]
      readonly unchanged?: Unchanged
      readonly limit?: number
      readonly now: number
    },
  ): Promise<'done' | 'too-many' | 'key-taken' | 'gone' | 'not-found' | 'changed'> {
    const kind = this.#kind
    const written = <O extends { readonly value: T }>(one: O) => ({
      ...one,
      value: JSON.stringify(one.value),
    })
    const request = { account, kind, create: create.map(written), update: update.map(written), ...rest }
    const changed = await this.#store.changeObjects(request)
    if (changed.ok) return 'done'
    if (changed.reason === 'no-such-account') return 'gone'
    if (changed.reason !== 'too-big') return changed.reason
    throw new Error(`an object of kind ${kind} is too large`)
  }

  /** The id; or why it was not made: `not-found` where one that was to go for it is gone. */
  async create(
    account: AccountId,
    object: NewAccountObject<T>,
    {
      now,
      limit,
      destroy = [],
    }: { readonly now: number; readonly limit?: number; readonly destroy?: readonly ObjectId[] },
  ): Promise<ObjectId | 'too-many' | 'key-taken' | 'gone' | 'not-found'> {
    const create = [{ ...object, value: JSON.stringify(object.value) }]
    const kind = this.#kind
    const made = await this.#store.changeObjects({
      account,
      kind,
      create,
      destroy,
      now,
      ...(limit !== undefined && { limit }),
    })
    const id = made.ok ? made.created[0] : undefined
    if (id !== undefined) return id
    if (made.ok || made.reason === 'no-such-account') return 'gone'
    const { reason } = made
    if (reason === 'too-many' || reason === 'key-taken' || reason === 'not-found') return reason
    throw new Error(`an object of kind ${kind} could not be made: ${reason}`)
  }

  /** False where it is gone, or another change came first. */
  async update(
    account: AccountId,
    object: Pick<AccountObject<T>, 'id' | 'value'> & {
      readonly ifModSeq?: ModSeq
      readonly expiresAt?: number | null
    },
    now: number,
  ): Promise<boolean> {
    const update = [{ ...object, value: JSON.stringify(object.value) }]
    const changed = await this.#store.changeObjects({ account, kind: this.#kind, update, now })
    return changed.ok
  }

  /** False where one of them is not there, and none was removed. */
  async destroy(account: AccountId, ids: readonly ObjectId[], now: number): Promise<boolean> {
    if (ids.length === 0) return true
    const destroyed = await this.#store.changeObjects({ account, kind: this.#kind, destroy: ids, now })
    return destroyed.ok
  }

  #read({ id, key, value, modSeq, expiresAt }: StoredObject): AccountObject<T> {
    // This class alone writes the kind.
    return { id, key, value: JSON.parse(value) as T, modSeq, expiresAt }
  }
}

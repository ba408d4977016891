// Types whose records are objects of the store (`store/objects.ts`): ids, state strings and /changes are the same for all of them.
import type { AccountId, ModSeq, ObjectId } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import type { Store } from '../../store/store.ts'
import { MethodError } from '../proto/errors.ts'
import type { AccountCall, AccountPlace, Method } from './module.ts'
import { changesMethod } from './standard-methods.ts'

export interface ObjectType {
  /** As JMAP calls it. */
  readonly name: string
  readonly capability: string
  /** As the store calls it. */
  readonly kind: string
  /** What its ids begin with. */
  readonly letter: string
}

export class ObjectTypeStore {
  readonly type: ObjectType
  readonly store: Store
  readonly #now: () => number

  constructor(type: ObjectType, parts: { readonly store: Store; readonly now: () => number }) {
    this.type = type
    this.store = parts.store
    this.#now = parts.now
  }

  idOf(account: AccountId, object: ObjectId): string {
    return `${this.type.letter}${account}_${object}`
  }

  tryNumber(account: AccountId, id: string): ObjectId | undefined {
    const start = `${this.type.letter}${account}_`
    const digits = id.startsWith(start) ? id.slice(start.length) : ''
    // Numbers of the store's; one that is nobody's finds nothing.
    return /^[1-9]\d{0,14}$/.test(digits) ? (Number(digits) as ObjectId) : undefined
  }

  /** Those of the ids that are there, or all, in order of id. */
  async load(account: AccountId, ids: readonly string[] | null): Promise<StoredObject[]> {
    const { kind } = this.type
    const now = this.#now()
    if (ids === null) return this.store.listObjects({ account, kind, now })
    const numbers = ids.flatMap((id) => this.tryNumber(account, id) ?? [])
    return numbers.length === 0 ? [] : this.store.getObjects({ account, kind, ids: numbers, now })
  }

  async find(account: AccountId, id: string): Promise<StoredObject | undefined> {
    const [object] = await this.load(account, [id])
    return object
  }

  async state({ account }: Pick<AccountPlace, 'account'>): Promise<string> {
    return String((await this.#since(account.id, Number.MAX_SAFE_INTEGER)).modSeq)
  }

  #since(account: AccountId, since: number): ReturnType<Store['objectsSince']> {
    const { kind } = this.type
    // A state that was told, or one beyond all.
    return this.store.objectsSince({ account, kind, since: since as ModSeq, now: this.#now() })
  }

  /** What became of them since a state; undefined where that is none of ours, or too old. */
  async since(
    { account }: Pick<AccountPlace, 'account'>,
    state: string,
  ): Promise<Awaited<ReturnType<Store['objectsSince']>> | undefined> {
    if (!/^\d{1,15}$/.test(state)) return undefined
    const found = await this.#since(account.id, Number(state))
    return found.complete && Number(state) <= found.modSeq ? found : undefined
  }

  changesMethod(): Method {
    return changesMethod({
      type: this.type.name,
      capability: this.type.capability,
      load: async (call: AccountCall, { sinceState, maxChanges }) => {
        const found = await this.since(call.place, sinceState)
        if (found === undefined) return new MethodError('cannotCalculateChanges')
        const { created, updated, destroyed } = found
        // There are few of them, and no state between two is kept.
        if (created.length + updated.length + destroyed.length > maxChanges) {
          return new MethodError('cannotCalculateChanges')
        }
        const ids = (list: readonly ObjectId[]): string[] =>
          list.map((id) => this.idOf(call.place.account.id, id))
        return {
          ...{ created: ids(created), updated: ids(updated), destroyed: ids(destroyed) },
          ...{ newState: String(found.modSeq), hasMoreChanges: false },
        }
      },
    })
  }
}

// Types whose records are objects of the store (`store/objects.ts`): ids, state strings and /changes are the same for all of them.
import type { AccountId, ModSeq, ObjectId } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import type { Store } from '../../store/store.ts'
import { MethodError } from '../proto/errors.ts'
import type { AccountCall, AccountPlace, Method } from './module.ts'
import { changesMethod } from './standard-methods.ts'
import { baseOf, formatPoint, knownOf, pageOf, tryPoint, type Event, type Point } from './mail-index/point.ts'

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

  /** What became of them since a state, and the state now; undefined where that state is none of ours, or too old. */
  async #eventsSince(
    { account }: Pick<AccountPlace, 'account'>,
    state: string,
  ): Promise<{ readonly events: readonly Event[]; readonly modSeq: ModSeq } | undefined> {
    const point = tryPoint(state, { fingerprint: '', newest: Number.MAX_SAFE_INTEGER })
    if (point === undefined) return undefined
    const found = await this.#since(account.id, Math.max(0, baseOf(point)))
    if (!found.complete || point.modSeq > found.modSeq) return undefined
    return { events: eventsOf(found.touched, point), modSeq: found.modSeq }
  }

  /** The same by ids. */
  async since(
    place: Pick<AccountPlace, 'account'>,
    state: string,
  ): Promise<(Record<Event['what'], readonly ObjectId[]> & { readonly modSeq: ModSeq }) | undefined> {
    const found = await this.#eventsSince(place, state)
    if (found === undefined) return undefined
    const ids = (wanted: Event['what']): ObjectId[] =>
      // They are the store's.
      found.events.flatMap(({ id, what }) => (what === wanted ? [id as ObjectId] : []))
    return {
      modSeq: found.modSeq,
      ...{ created: ids('created'), updated: ids('updated'), destroyed: ids('destroyed') },
    }
  }

  changesMethod(): Method {
    return changesMethod({
      type: this.type.name,
      capability: this.type.capability,
      load: async (call: AccountCall, { sinceState, maxChanges }) => {
        const found = await this.#eventsSince(call.place, sinceState)
        if (found === undefined) return new MethodError('cannotCalculateChanges')
        const { created, updated, destroyed, next } = pageOf(found.events, maxChanges)
        const ids = (list: readonly number[]): string[] =>
          list.map((id) => this.idOf(call.place.account.id, id as ObjectId))
        return {
          ...{ created: ids(created), updated: ids(updated), destroyed: ids(destroyed) },
          newState: formatPoint(next ?? { modSeq: found.modSeq, id: null }, ''),
          hasMoreChanges: next !== null,
        }
      },
    })
  }
}

/** Pages of /changes lead from old to new: each ends in a state that was (RFC 8620 §5.2). */
function eventsOf(
  touched: Awaited<ReturnType<Store['objectsSince']>>['touched'],
  point: Point,
): readonly Event[] {
  return touched.flatMap(({ id, created, modSeq, isGone }): Event[] => {
    const known = knownOf(point, id)
    if (modSeq <= known) return []
    const isNew = created > known
    // What came and went in between is told by nothing.
    if (isGone) return isNew ? [] : [{ id, at: modSeq, what: 'destroyed' }]
    return [isNew ? { id, at: created, what: 'created' } : { id, at: modSeq, what: 'updated' }]
  })
}

// The standard methods (RFC 8620 §5) for types that say how they load and change: a type brings its store calls, this brings arguments,
// errors and the form of responses. /query and /queryChanges are in `query-methods.ts`, /copy is in `copy-method.ts`.
import { MethodError, SetError } from '../proto/errors.ts'
import { memberOf, objectOf, type Json, type JsonObject } from '../proto/json.ts'
import { record, type FieldsOf, type Shape } from '../proto/shape.ts'
import { changesArguments, getArguments, setArguments } from '../proto/standard.ts'
import {
  accountMethod,
  type AccountCall,
  type AccountPlace,
  type ImplicitCall,
  type Method,
  type MethodAnswer,
} from './module.ts'
import { inStates } from './state-guard.ts'

export type Fields = Readonly<Record<string, Shape<unknown>>>
/** Arguments of a type's own, beside the standard ones. */
export type Extra<F extends Fields> = FieldsOf<F>

export interface GetDefinition<F extends Fields> {
  readonly type: string
  readonly capability: string
  /** All that may be asked for (RFC 8620 §5.1: others are invalidArguments). */
  readonly properties: readonly string[]
  /** Properties without a fixed name: `header:…` of RFC 8621 §4.1.3. */
  readonly isProperty?: (name: string) => boolean
  /** Where `properties` is null; default all. */
  readonly defaultProperties?: readonly string[]
  readonly extra: F
  /**
   * Loads records: those of `ids` (each once, references resolved), or all of them. `properties` holds `id`. More than
   * `limits.maxObjectsInGet` of all are refused by whoever loads, with `requestTooLarge`, where it can tell early; else by this.
   * Members beyond `properties` are left out of the response by this.
   */
  load(
    call: AccountCall,
    request: {
      readonly ids: readonly string[] | null
      readonly properties: ReadonlySet<string>
      readonly args: Extra<F>
    },
  ): Promise<{ readonly state: string; readonly list: readonly JsonObject[] } | MethodError>
}

/** RFC 8620 §5.1. */
export function getMethod<const F extends Fields>(definition: GetDefinition<F>): Method {
  const { type, capability, properties: known, isProperty, extra } = definition
  const names = new Set([...known, 'id'])
  return accountMethod({
    name: `${type}/get`,
    capability,
    access: 'read',
    shape: record({ ...extra, ...getArguments }) as Shape<FieldsOf<F & typeof getArguments> & GetArguments>,
    async run(call, args) {
      const stranger = args.properties?.find((name) => !names.has(name) && isProperty?.(name) !== true)
      if (stranger !== undefined)
        return new MethodError('invalidArguments', `properties: there is no ${stranger}`)
      const { maxObjectsInGet } = call.limits
      if (args.ids !== null && args.ids.length > maxObjectsInGet) return tooMany(maxObjectsInGet)
      const asked = args.ids === null ? null : [...new Set(args.ids)]
      const properties = new Set(['id', ...(args.properties ?? definition.defaultProperties ?? known)])
      const ids = asked === null ? null : resolved(call, asked)
      const loaded = await definition.load(call, { ids, properties, args })
      if (loaded instanceof MethodError) return loaded
      if (loaded.list.length > maxObjectsInGet) return tooMany(maxObjectsInGet)
      const found = new Set(loaded.list.map((object) => memberOf(object, 'id')))
      const notFound = (asked ?? []).filter((id) => !found.has(call.createdIds.resolve(id) ?? null))
      const list = loaded.list.map((object) => pick(object, properties))
      return { arguments: { accountId: call.place.id, state: loaded.state, list, notFound } }
    },
  })
}

type GetArguments = FieldsOf<typeof getArguments>

function tooMany(limit: number): MethodError {
  return new MethodError('requestTooLarge', `At most ${limit} objects are told at once.`)
}

/** Each once; references to nothing are left out. */
function resolved(call: AccountCall, ids: readonly string[]): readonly string[] {
  const known = new Set<string>()
  for (const id of ids) {
    const real = call.createdIds.resolve(id)
    if (real !== undefined) known.add(real)
  }
  return [...known]
}

function pick(object: JsonObject, properties: ReadonlySet<string>): JsonObject {
  return objectOf(Object.entries(object).filter(([name]) => properties.has(name)))
}

export interface Changes {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly destroyed: readonly string[]
  readonly newState: string
  readonly hasMoreChanges: boolean
  /** Further members of the response: `updatedProperties` of RFC 8621 §2.2. */
  readonly more?: JsonObject
}

export interface ChangesDefinition {
  readonly type: string
  readonly capability: string
  /** At most `maxChanges` ids in all. A `sinceState` that it does not know is `cannotCalculateChanges`. */
  load(
    call: AccountCall,
    request: { readonly sinceState: string; readonly maxChanges: number },
  ): Promise<Changes | MethodError>
}

/** RFC 8620 §5.2. */
export function changesMethod(definition: ChangesDefinition): Method {
  const { type, capability } = definition
  const shape = record(changesArguments)
  return accountMethod({
    name: `${type}/changes`,
    ...{ capability, access: 'read', shape },
    async run(call, { sinceState, maxChanges }) {
      const limit = Math.min(maxChanges ?? Infinity, call.limits.maxChanges)
      const changes = await definition.load(call, { sinceState, maxChanges: limit })
      if (changes instanceof MethodError) return changes
      const { created, updated, destroyed, newState, hasMoreChanges, more } = changes
      return {
        arguments: {
          ...{ accountId: call.place.id, oldState: sinceState, newState, hasMoreChanges },
          ...{ created, updated, destroyed, ...more },
        },
      }
    },
  })
}

/** What a /set is to do, sorted out: `update` and `destroy` by real ids. */
export interface SetWork {
  readonly create: ReadonlyMap<string, JsonObject>
  readonly update: ReadonlyMap<string, JsonObject>
  readonly destroy: readonly string[]
}

/** What became of each. Whoever creates a record also adds it to `call.createdIds`, at once. */
export interface SetDone {
  /** By creation id: server-set properties and defaults, `id` among them. */
  readonly created: Map<string, JsonObject>
  /** By id: what changed beyond the patch, or null. */
  readonly updated: Map<string, JsonObject | null>
  readonly destroyed: string[]
  readonly notCreated: Map<string, SetError>
  readonly notUpdated: Map<string, SetError>
  readonly notDestroyed: Map<string, SetError>
}

export function nothingDone(): SetDone {
  return {
    created: new Map(),
    updated: new Map(),
    destroyed: [],
    notCreated: new Map(),
    notUpdated: new Map(),
    notDestroyed: new Map(),
  }
}

interface SetRequest<F extends Fields> {
  readonly done: SetDone
  readonly args: Extra<F>
}

export interface SetDefinition<F extends Fields> {
  readonly type: string
  readonly capability: string
  readonly extra: F
  state(place: AccountPlace): Promise<string>
  /** A check of the type's own arguments before anything is done. */
  check?(call: AccountCall, args: Extra<F>): MethodError | null
  /** Does all of it, one record's failure not touching the others, and writes into `done`. */
  apply?(call: AccountCall, work: SetWork, request: SetRequest<F>): Promise<void>
  /**
   * In place of `apply`, for records that can be in each other's way: RFC 8620 §5.3 has "the final state" judged. Gets all at once, with
   * `update` and `destroy` as the client named them.
   */
  applyTogether?(call: AccountCall, asked: SetWork, request: SetRequest<F>): Promise<void>
  /** Calls that follow from it (RFC 8621 §7.5). */
  then?(call: AccountCall, done: SetDone, args: Extra<F>): readonly ImplicitCall[]
}

/** RFC 8620 §5.3. */
export function setMethod<const F extends Fields>(definition: SetDefinition<F>): Method {
  const { type, capability, extra } = definition
  return accountMethod({
    name: `${type}/set`,
    capability,
    access: 'write',
    shape: record({ ...extra, ...setArguments }) as Shape<FieldsOf<F & typeof setArguments> & SetArguments>,
    async run(call, args) {
      const count = (args.create?.size ?? 0) + (args.update?.size ?? 0) + (args.destroy?.length ?? 0)
      const { maxObjectsInSet } = call.limits
      if (count > maxObjectsInSet) {
        return new MethodError('requestTooLarge', `At most ${maxObjectsInSet} objects are changed at once.`)
      }
      const refused = definition.check?.(call, args) ?? null
      if (refused !== null) return refused
      const state = { place: call.place, wanted: args.ifInState, state: definition.state }
      return inStates(call, [state], (guarded) => runSet(definition, guarded, args))
    },
  })
}

type SetArguments = FieldsOf<typeof setArguments>

async function runSet<F extends Fields>(
  definition: SetDefinition<F>,
  call: AccountCall,
  args: SetArguments & Extra<F>,
): Promise<MethodAnswer> {
  const oldState = args.ifInState ?? (await definition.state(call.place))
  const done = nothingDone()
  await applySet(definition, call, { args, done })
  const newState = await definition.state(call.place)
  const then = definition.then?.(call, done, args) ?? []
  return { arguments: setResponse(call.place.id, { oldState, newState, done }), then }
}

/** Sorts out references and what is both changed and destroyed, then has the type do the rest. */
async function applySet<F extends Fields>(
  definition: SetDefinition<F>,
  call: AccountCall,
  request: { readonly args: SetArguments & Extra<F>; readonly done: SetDone },
): Promise<void> {
  const { args, done } = request
  const asked: SetWork = {
    ...{ create: args.create ?? new Map(), update: args.update ?? new Map(), destroy: args.destroy ?? [] },
  }
  await definition.applyTogether?.(call, asked, request)
  if (definition.apply === undefined) return
  // Creates come first: updates and destroys of the same call may name what they make (RFC 8620 §5.3).
  const { create } = asked
  if (create.size > 0) {
    await definition.apply(call, { create, update: new Map(), destroy: [] }, request)
  }
  const destroy = new Set<string>()
  for (const named of asked.destroy) {
    const id = call.createdIds.resolve(named)
    if (id === undefined) done.notDestroyed.set(named, new SetError('notFound'))
    else destroy.add(id)
  }
  const update = new Map<string, JsonObject>()
  for (const [named, patch] of asked.update) {
    const id = call.createdIds.resolve(named)
    if (id === undefined) done.notUpdated.set(named, new SetError('notFound'))
    // RFC 8620 §5.3: "The server MAY skip an update (rejecting it with a "willDestroy" SetError)".
    else if (destroy.has(id)) done.notUpdated.set(id, new SetError('willDestroy'))
    else update.set(id, patch)
  }
  if (update.size > 0 || destroy.size > 0) {
    await definition.apply(call, { create: new Map(), update, destroy: [...destroy] }, request)
  }
}

function setResponse(
  accountId: string,
  { oldState, newState, done }: { oldState: string; newState: string; done: SetDone },
): JsonObject {
  return {
    ...{ accountId, oldState, newState },
    ...setResults(done),
  }
}

/** RFC 8620 §5.3: each is null where there is nothing of it. */
export function setResults(done: SetDone): JsonObject {
  // What "cannot be found" is told so, for the update too.
  for (const [id, { type }] of done.notDestroyed) {
    if (type === 'notFound' && done.notUpdated.get(id)?.type === 'willDestroy') {
      done.notUpdated.set(id, new SetError('notFound'))
    }
  }
  return {
    created: orNull(done.created),
    updated: orNull(done.updated),
    destroyed: done.destroyed.length === 0 ? null : done.destroyed,
    notCreated: errorsOrNull(done.notCreated),
    notUpdated: errorsOrNull(done.notUpdated),
    notDestroyed: errorsOrNull(done.notDestroyed),
  }
}

export function orNull(map: ReadonlyMap<string, Json>): JsonObject | null {
  return map.size === 0 ? null : objectOf(map)
}

export function errorsOrNull(map: ReadonlyMap<string, SetError>): JsonObject | null {
  return map.size === 0 ? null : objectOf([...map].map(([id, error]) => [id, error.toJson()]))
}

/** For types whose records are made, changed and destroyed one at a time. */
export interface OneByOne {
  /** The server-set properties, `id` among them. */
  create(creationId: string, object: JsonObject): Promise<JsonObject | SetError>
  update(id: string, patch: JsonObject): Promise<JsonObject | null | SetError>
  /** Null: done. */
  destroy(id: string): Promise<null | SetError>
}

export async function applyOneByOne(
  call: AccountCall,
  work: SetWork,
  { done, each }: { readonly done: SetDone; readonly each: OneByOne },
): Promise<void> {
  for (const [creationId, object] of work.create) {
    const made = await each.create(creationId, object)
    if (made instanceof SetError) done.notCreated.set(creationId, made)
    else {
      const id = memberOf(made, 'id')
      if (typeof id !== 'string') throw new Error('a record was made without an id')
      call.createdIds.add(creationId, id)
      done.created.set(creationId, made)
    }
  }
  for (const [id, patch] of work.update) {
    const changed = await each.update(id, patch)
    if (changed instanceof SetError) done.notUpdated.set(id, changed)
    else done.updated.set(id, changed)
  }
  for (const id of work.destroy) {
    const gone = await each.destroy(id)
    if (gone instanceof SetError) done.notDestroyed.set(id, gone)
    else done.destroyed.push(id)
  }
}

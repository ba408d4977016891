// /copy (RFC 8620 §5.4): a type says how it copies; the two accounts, their states, the arguments and the form of the response are here.
// Each record fails by itself, and originals are destroyed by a call of /set behind it, of those alone that were copied.
import { invalidProperties, MethodError, SetError } from '../proto/errors.ts'
import { memberOf, type JsonObject } from '../proto/json.ts'
import { idOrReference, record, type FieldsOf, type Shape, Wrong } from '../proto/shape.ts'
import { copyArguments } from '../proto/standard.ts'
import {
  accountMethod,
  type AccountCall,
  type AccountPlace,
  type ImplicitCall,
  type Method,
  type MethodAnswer,
} from './module.ts'
import { errorsOrNull, type Fields, orNull, type SetDone } from './standard-methods.ts'
import { inStates } from './state-guard.ts'

export interface CopyDefinition<F extends Fields> {
  readonly type: string
  readonly capability: string
  readonly extra: F
  state(place: AccountPlace): Promise<string>
  /** Copies each; `create` has real ids in `id`. Adds to `call.createdIds`. */
  apply(
    call: AccountCall,
    work: { readonly from: AccountPlace; readonly create: ReadonlyMap<string, JsonObject> },
    done: Pick<SetDone, 'created' | 'notCreated'>,
  ): Promise<void>
}

/** RFC 8620 §5.4. */
export function copyMethod<const F extends Fields>(definition: CopyDefinition<F>): Method {
  const { type, capability, extra } = definition
  return accountMethod({
    name: `${type}/copy`,
    capability,
    access: 'write',
    shape: record({ ...extra, ...copyArguments }) as Shape<
      FieldsOf<F & typeof copyArguments> & CopyArguments
    >,
    async run(call, args) {
      const from = await call.findAccount(args.fromAccountId)
      if (from === undefined) return new MethodError('fromAccountNotFound')
      if (!call.supports(from, capability)) return new MethodError('fromAccountNotSupportedByMethod')
      // RFC 8620 §5.4: "This MUST be different to the "fromAccountId"."
      if (from.id === call.place.id) {
        return new MethodError('invalidArguments', 'fromAccountId: another account than accountId is wanted')
      }
      const { maxObjectsInSet } = call.limits
      if (args.create.size > maxObjectsInSet) {
        return new MethodError('requestTooLarge', `At most ${maxObjectsInSet} objects are copied at once.`)
      }
      const { state } = definition
      const states = [
        { place: call.place, wanted: args.ifInState, state },
        { place: from, wanted: args.ifFromInState, state },
      ]
      return inStates(call, states, (guarded) => runCopy(definition, guarded, { args, from }))
    },
  })
}

type CopyArguments = FieldsOf<typeof copyArguments>

async function runCopy<F extends Fields>(
  definition: CopyDefinition<F>,
  call: AccountCall,
  { args, from }: { args: CopyArguments; from: AccountPlace },
): Promise<MethodAnswer> {
  const oldState = args.ifInState ?? (await definition.state(call.place))
  const done = { created: new Map<string, JsonObject>(), notCreated: new Map<string, SetError>() }
  const create = originals(call, args.create, done.notCreated)
  await definition.apply(call, { from, create }, done)
  const newState = await definition.state(call.place)
  const response = {
    ...{ fromAccountId: from.id, accountId: call.place.id, oldState, newState },
    created: orNull(done.created),
    notCreated: errorsOrNull(done.notCreated),
  }
  return { arguments: response, then: removals(definition.type, args, { create, created: done.created }) }
}

function originals(
  call: AccountCall,
  create: ReadonlyMap<string, JsonObject>,
  notCreated: Map<string, SetError>,
): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>()
  for (const [creationId, object] of create) {
    const named = idOrReference(memberOf(object, 'id'))
    const id = named instanceof Wrong ? undefined : call.createdIds.resolve(named)
    if (named instanceof Wrong) notCreated.set(creationId, invalidProperties(['id'], named.description))
    else if (id === undefined) notCreated.set(creationId, new SetError('notFound'))
    else found.set(creationId, { ...object, id })
  }
  return found
}

/** RFC 8620 §5.4 onSuccessDestroyOriginal: one call of /set for all that were copied. */
function removals(
  type: string,
  args: CopyArguments,
  { create, created }: { create: ReadonlyMap<string, JsonObject>; created: ReadonlyMap<string, JsonObject> },
): readonly ImplicitCall[] {
  if (!args.onSuccessDestroyOriginal || created.size === 0) return []
  const destroy = [...created.keys()].flatMap(
    (creationId) => memberOf(create.get(creationId) ?? {}, 'id') ?? [],
  )
  return [
    {
      name: `${type}/set`,
      arguments: { accountId: args.fromAccountId, ifInState: args.destroyFromIfInState, destroy },
    },
  ]
}

// Identity/get, /changes and /set (RFC 8621 §6).
import type { Clock } from '../../base/clock.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Store } from '../../store/store.ts'
import { submission } from '../proto/capabilities.ts'
import { invalidProperties, refusalOf, SetError } from '../proto/errors.ts'
import { objectOf, type JsonObject } from '../proto/json.ts'
import { applyPatch } from '../proto/patch.ts'
import { Wrong } from '../proto/shape.ts'
import {
  describeIdentity,
  emptyIdentity,
  identityKind,
  type IdentityRecord,
  identityRecord,
  loadIdentities,
  ownsEmail,
} from './identity-records.ts'
import type { AccountCall, AccountPlace, Method } from './module.ts'
import { ObjectTypeStore } from './object-type.ts'
import { applyOneByOne, getMethod, setMethod } from './standard-methods.ts'
import { writing } from './state-guard.ts'

export interface IdentityParts {
  readonly store: Store
  readonly directory: Pick<Directory, 'resolve'>
  readonly clock: Pick<Clock, 'now'>
}

const mutable = ['name', 'replyTo', 'bcc', 'textSignature', 'htmlSignature']
const fixed = ['id', 'email', 'mayDelete']
const defaults = { name: '', replyTo: null, bcc: null, textSignature: '', htmlSignature: '' }

export function identityStore({ store, clock }: IdentityParts): ObjectTypeStore {
  const type = { name: 'Identity', capability: submission, kind: identityKind, letter: 'I' }
  return new ObjectTypeStore(type, { store, now: () => clock.now() })
}

/** There is one from the beginning, which is made when somebody first looks. */
export async function identityState(
  parts: IdentityParts,
  identities: ObjectTypeStore,
  place: Pick<AccountPlace, 'account'>,
): Promise<string> {
  await loadIdentities(identities, { account: place.account, now: parts.clock.now() })
  return identities.state(place)
}

export function identityMethods(parts: IdentityParts): readonly Method[] {
  const identities = identityStore(parts)
  return [
    getMethod({
      ...{ type: 'Identity', capability: submission, properties: [...fixed, ...mutable], extra: {} },
      async load(call, { ids }) {
        const { account } = call.place
        const all = await loadIdentities(identities, { account, now: call.now() })
        const state = await identities.state(call.place)
        const list = all.map((object) => describeIdentity(object, identities.idOf(account.id, object.id)))
        return { state, list: ids === null ? list : list.filter(({ id }) => ids.some((one) => one === id)) }
      },
    }),
    identities.changesMethod(),
    setMethod({
      ...{ type: 'Identity', capability: submission, extra: {} },
      state: (place) => identityState(parts, identities, place),
      apply: (call, work, { done }) =>
        applyOneByOne(call, work, {
          done,
          each: {
            create: (_, object) => create(parts, identities, { call, object }),
            update: (id, patch) => update(identities, call, { id, patch }),
            destroy: (id) => destroy(identities, call, id),
          },
        }),
    }),
  ]
}

async function create(
  parts: IdentityParts,
  identities: ObjectTypeStore,
  { call, object }: { readonly call: AccountCall; readonly object: JsonObject },
): Promise<JsonObject | SetError> {
  const strangers = Object.keys(object).filter((name) => name !== 'email' && !mutable.includes(name))
  const identity = checked({ ...defaults, ...object }, strangers)
  if (identity instanceof SetError) return identity
  const { account } = call.place
  if (!(await ownsEmail(parts, account, identity.email))) {
    return new SetError('forbiddenFrom', 'This address is not yours to write under.')
  }
  const made = await writing(call, parts.store).changeObjects({
    ...{ account: account.id, kind: identityKind, create: [{ value: JSON.stringify(identity) }] },
    ...{ limit: call.limits.maxIdentities, now: call.now() },
  })
  if (!made.ok) return refusal(made.reason, call)
  const [number] = made.created
  if (number === undefined) throw new Error('an identity was made without an id')
  const omitted = Object.entries(defaults).filter(([name]) => !Object.hasOwn(object, name))
  return { id: identities.idOf(account.id, number), ...objectOf(omitted), mayDelete: true }
}

/** The whole record with everything wrong about it. */
function checked(object: JsonObject, strangers: readonly string[]): IdentityRecord | SetError {
  const wrong = [...strangers]
  const empty: JsonObject = JSON.parse(JSON.stringify(emptyIdentity('')))
  for (const name of ['email', ...mutable]) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    // Each by itself, so that all that is wrong is told.
    const alone = identityRecord({ ...empty, ...(value === undefined ? {} : { [name]: value }) })
    if (alone instanceof Wrong || (name === 'email' && typeof value !== 'string')) wrong.push(name)
  }
  const { id: _id, mayDelete: _mayDelete, ...rest } = object
  const kept = objectOf(Object.entries(rest).filter(([name]) => !strangers.includes(name)))
  const identity = wrong.length === 0 ? identityRecord(kept) : new Wrong('')
  return identity instanceof Wrong ? invalidProperties(wrong) : identity
}

async function update(
  identities: ObjectTypeStore,
  call: AccountCall,
  { id, patch }: { readonly id: string; readonly patch: JsonObject },
): Promise<null | SetError> {
  const { account } = call.place
  const object = await identities.find(account.id, id)
  if (object === undefined) return new SetError('notFound')
  const patched = applyPatch(describeIdentity(object, id), patch, { mutable, fixed, defaults })
  if (patched instanceof SetError) return patched
  const identity = checked(patched.object, [])
  const refused = refusalOf([patched.refused, identity])
  if (refused !== null || identity instanceof SetError) return refused
  const value = JSON.stringify(identity)
  // RFC 8620 §5.1: what has not changed keeps its state.
  if (value === object.value) return null
  const changed = await writing(call, identities.store).changeObjects({
    ...{ account: account.id, kind: identityKind, now: call.now() },
    update: [{ id: object.id, value, ifModSeq: object.modSeq }],
  })
  if (changed.ok) return null
  // A patch says nothing of what somebody else has changed meanwhile: it is laid on that.
  return changed.reason === 'changed'
    ? update(identities, call, { id, patch })
    : refusal(changed.reason, call)
}

async function destroy(identities: ObjectTypeStore, call: AccountCall, id: string): Promise<null | SetError> {
  const { account } = call.place
  const object = await identities.find(account.id, id)
  if (object === undefined) return new SetError('notFound')
  // RFC 8621 §6: "Attempts to destroy an Identity with "mayDelete: false" will be rejected".
  if (describeIdentity(object, id)['mayDelete'] !== true) {
    return new SetError('forbidden', 'An account keeps the identity of its address.')
  }
  const gone = await writing(call, identities.store).changeObjects({
    ...{ account: account.id, kind: identityKind, destroy: [object.id], now: call.now() },
  })
  return gone.ok ? null : refusal(gone.reason, call)
}

function refusal(reason: string, { limits }: Pick<AccountCall, 'limits'>): SetError {
  if (reason === 'too-many') {
    return new SetError('overQuota', `At most ${limits.maxIdentities} identities.`)
  }
  if (reason === 'too-big') return new SetError('tooLarge', 'The identity is too large.')
  return new SetError('notFound')
}

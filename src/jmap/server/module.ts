// What a part of JMAP (mail, submission, quotas …) brings along: capabilities, methods, and the types whose changes are pushed. The
// composition root makes modules with what they need; the endpoint knows them by this alone.
import type { HttpCaller } from '../../base/http-mount.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import type { Account, AccountId, Change, ModSeq } from '../../store/model.ts'
import type { CreatedIds } from '../proto/created-ids.ts'
import { MethodError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'
import { Wrong, type Shape } from '../proto/shape.ts'
import type { StateGuard } from './state-guard.ts'

/** An account as one caller may use it. */
export interface AccountPlace {
  /** Its Id in JMAP. */
  readonly id: string
  /** Whose data it is. */
  readonly account: Account
  /** Who asks. */
  readonly viewer: Account
  /** RFC 8620 §2: `viewer`'s own. */
  readonly isPersonal: boolean
  /** RFC 8620 §2: "true if the entire account is read-only" to `viewer`. */
  readonly isReadOnly: boolean
}

/** What every method call of a request knows. */
export interface CallContext {
  readonly caller: HttpCaller<Account>
  /** The capabilities that the request opted into. */
  readonly using: ReadonlySet<string>
  readonly createdIds: CreatedIds
  readonly limits: JmapConfig
  /** An account that the caller may see something of. */
  findAccount(accountId: string): Promise<AccountPlace | undefined>
  /** Whether methods of a capability can be used in it. */
  supports(place: AccountPlace, capability: string): boolean
  /** An account's modseq as of now; undefined: it is gone. */
  modSeqOf(account: AccountId): Promise<ModSeq | undefined>
  /** Milliseconds since the epoch. */
  now(): number
}

export interface AccountCall extends CallContext {
  readonly place: AccountPlace
  /** Of the state in which alone it may write; null: any. */
  readonly guard: StateGuard | null
}

/** RFC 8620 §5.4, RFC 8621 §7.5: a call that another one makes, answered right after it under the same method call id. */
export interface ImplicitCall {
  readonly name: string
  readonly arguments: JsonObject
}

export interface MethodResponse {
  readonly arguments: JsonObject
  readonly then?: readonly ImplicitCall[]
}

export type MethodAnswer = MethodResponse | MethodError

export interface Method {
  readonly name: string
  /** Known only to requests that use it (RFC 8620 §1.8). */
  readonly capability: string
  /** Rejects for surprises alone: they become serverFail, or serverUnavailable where the store cannot serve. */
  call(context: CallContext, args: JsonObject): Promise<MethodAnswer>
}

/** RFC 8620 §2. */
export interface Capability {
  readonly uri: string
  /** Its value in `capabilities` of the Session; `origin` is what URLs begin with. */
  server(origin: string): JsonObject
  /** Its value in `accountCapabilities`; null: its methods cannot be used there. */
  account(place: AccountPlace): JsonObject | null
}

/** A type whose changes are pushed (RFC 8620 §7.1). */
export interface PushedType {
  readonly name: string
  readonly capability: string
  /** Whether a change may have moved its state. */
  touchedBy(change: Change): boolean
  /** What /get would tell as `state`. */
  state(place: AccountPlace): Promise<string>
}

export interface WatchedType {
  readonly type: PushedType
  /** Whether an account has it for whoever looks: of other types he is told nothing. */
  isIn(place: AccountPlace): boolean
}

export interface JmapModule {
  readonly capabilities: readonly Capability[]
  readonly methods: readonly Method[]
  readonly types: readonly PushedType[]
}

/** A method of an account: checks the arguments (RFC 8620 §3.9), finds the account, and calls `run` where all is well. */
export function accountMethod<Args extends { readonly accountId: string }>(definition: {
  readonly name: string
  readonly capability: string
  /** Whether it changes something: refused in accounts that are read-only. */
  readonly access: 'read' | 'write'
  readonly shape: Shape<Args>
  run(call: AccountCall, args: Args): Promise<MethodAnswer>
}): Method {
  const { name, capability, access, shape } = definition
  return {
    name,
    capability,
    async call(context, given) {
      const args = shape(given)
      if (args instanceof Wrong) return new MethodError('invalidArguments', args.description)
      const place = await context.findAccount(args.accountId)
      if (place === undefined) return new MethodError('accountNotFound')
      if (!context.supports(place, capability)) return new MethodError('accountNotSupportedByMethod')
      if (access === 'write' && place.isReadOnly) return new MethodError('accountReadOnly')
      return definition.run({ ...context, place, guard: null }, args)
    },
  }
}

/** A method that takes no accountId. */
export function plainMethod<Args>(definition: {
  readonly name: string
  readonly capability: string
  readonly shape: Shape<Args>
  run(call: CallContext, args: Args): Promise<MethodAnswer>
}): Method {
  const { name, capability, shape } = definition
  return {
    name,
    capability,
    async call(context, given) {
      const args = shape(given)
      if (args instanceof Wrong) return new MethodError('invalidArguments', args.description)
      return definition.run(context, args)
    },
  }
}

// PushSubscription/get and /set (RFC 8620 §7.2.1, §7.2.2). A client sees the subscriptions that were made with its credentials alone, and
// never their URLs and keys.
import { credentialOf, pushKind } from '../../directory/push-credentials.ts'
import type { AccountId } from '../../store/model.ts'
import type { Random } from '../../base/random.ts'
import type { Store } from '../../store/store.ts'
import { leadsInside } from '../../net/guarded-lookup.ts'
import { isPrivateName } from '../../net/private-name.ts'
import { isPublicAddress } from '../../net/public-address.ts'
import { core } from '../proto/capabilities.ts'
import { formatUtcDate, utcDate } from '../proto/date.ts'
import { invalidProperties, MethodError, refusalOf, SetError } from '../proto/errors.ts'
import { memberOf, objectOf, type JsonObject } from '../proto/json.ts'
import { applyPatch, type Patched } from '../proto/patch.ts'
import {
  type FieldsOf,
  idOrReference,
  listOf,
  nullable,
  record,
  type Shape,
  string,
  where,
  Wrong,
} from '../proto/shape.ts'
import { setArguments } from '../proto/standard.ts'
import { type CallContext, type Method, plainMethod } from './module.ts'
import {
  pushKeys,
  type PushSubscription,
  subscriptionId,
  subscriptionOf,
  trySubscriptionNumber,
  writeRecord,
} from './push-subscription.ts'
import { nothingDone, setResults, type SetDone } from './standard-methods.ts'

export interface PushMethodParts {
  readonly store: Store
  readonly random: Random
  /** Whether a URL of this machine and its networks will do, and there of http too: for tests. */
  readonly toLoopback: boolean
  /**
   * A subscription was made, changed or is gone. `made` wants its verification (RFC 8620 §7.2.2). Resolves when verified ones are followed,
   * so that what changes after the client has its answer is pushed.
   */
  readonly changed: (account: AccountId, made: PushSubscription | null) => Promise<void>
  /** False where the account has made too many of late (RFC 8620 §8.6). */
  readonly mayCreate: (account: AccountId) => boolean
}

const shown = ['id', 'deviceClientId', 'verificationCode', 'expires', 'types']
/** RFC 8620 §7.2.1: "the values for these properties MUST NOT be returned". */
const secret = ['url', 'keys']

const getShape = record({ ids: nullable(listOf(idOrReference)), properties: nullable(listOf(string)) })

const { create, update, destroy } = setArguments
const setShape = record({ create, update, destroy })

const longestText = 500
const longestUrl = 2000

const shortText = where(string, (text) =>
  text.length > 0 && text.length <= longestText ? null : `1 to ${longestText} characters are wanted`,
)
const typeNames = nullable(listOf(shortText))

const nothing: Shape<null> = (value) =>
  value === undefined || value === null ? null : new Wrong('null is wanted')

function createFields(toLoopback: boolean) {
  return {
    deviceClientId: shortText,
    url: pushUrl(toLoopback),
    keys: nullable(pushKeys),
    // RFC 8620 §7.2: "MUST be null (or omitted) when the subscription is created".
    verificationCode: nothing,
    expires: nullable(utcDate),
    types: typeNames,
  }
}

/** RFC 8620 §7.2: "This MUST begin with "https://"". */
function pushUrl(toLoopback: boolean): Shape<string> {
  return where(string, (text) => {
    const url = text.length <= longestUrl && URL.canParse(text) ? new URL(text) : null
    const scheme = toLoopback && url !== null && isInside(url) ? /^https?:\/\//i : /^https:\/\//i
    return url !== null && scheme.test(text) && url.username === '' && url.password === ''
      ? null
      : 'a URL that begins with https:// is wanted'
  })
}

/** A push over http goes at most to a service of the same machine or network, never over the Internet. */
function isInside(url: URL): boolean {
  return leadsInside(url, isPublicAddress) || isPrivateName(url.hostname)
}

export function createPushMethods(parts: PushMethodParts): readonly Method[] {
  return [getMethod(parts), setMethod(parts)]
}

async function ownSubscriptions(
  { store }: PushMethodParts,
  { caller, now }: CallContext,
): Promise<PushSubscription[]> {
  const account = caller.account.id
  const objects = await store.listObjects({ account, kind: pushKind, now: now() })
  return objects
    .map((object) => subscriptionOf(account, object))
    .filter(({ credential }) => credential === credentialOf(caller))
}

function told(one: PushSubscription): JsonObject {
  return {
    id: subscriptionId(one.object),
    deviceClientId: one.deviceClientId,
    // The code is the client's to tell first.
    verificationCode: one.isVerified ? one.verificationCode : null,
    expires: one.expiresAt === null ? null : formatUtcDate(one.expiresAt),
    types: one.types,
  }
}

function getMethod(parts: PushMethodParts): Method {
  return plainMethod({
    name: 'PushSubscription/get',
    capability: core,
    shape: getShape,
    async run(call, { ids, properties }) {
      if (properties?.some((name) => secret.includes(name)) === true) return new MethodError('forbidden')
      const stranger = properties?.find((name) => !shown.includes(name))
      if (stranger !== undefined) {
        return new MethodError('invalidArguments', `properties: there is no ${stranger}`)
      }
      const { maxObjectsInGet } = call.limits
      if (ids !== null && ids.length > maxObjectsInGet) return new MethodError('requestTooLarge')
      const asked = ids === null ? null : new Set(ids.map((id) => call.createdIds.resolve(id) ?? id))
      const all = (await ownSubscriptions(parts, call)).map(told)
      const list = all.filter(({ id }) => asked === null || (typeof id === 'string' && asked.has(id)))
      const found = new Set(list.map(({ id }) => id))
      const names = new Set(['id', ...(properties ?? shown)])
      return {
        arguments: {
          list: list.map((one) => objectOf(Object.entries(one).filter(([name]) => names.has(name)))),
          notFound: [...(asked ?? [])].filter((id) => !found.has(id)),
        },
      }
    },
  })
}

function setMethod(parts: PushMethodParts): Method {
  return plainMethod({
    name: 'PushSubscription/set',
    capability: core,
    shape: setShape,
    async run(call, args) {
      const count = (args.create?.size ?? 0) + (args.update?.size ?? 0) + (args.destroy?.length ?? 0)
      if (count > call.limits.maxObjectsInSet) return new MethodError('requestTooLarge')
      const done = nothingDone()
      const work = new PushSetWork(parts, call, done)
      for (const [creationId, object] of args.create ?? []) await work.create(creationId, object)
      const going = new Set((args.destroy ?? []).map((id) => call.createdIds.resolve(id) ?? id))
      for (const [named, patch] of args.update ?? []) {
        const id = call.createdIds.resolve(named) ?? named
        if (going.has(id)) done.notUpdated.set(id, new SetError('willDestroy'))
        else await work.update(id, patch)
      }
      for (const id of going) await work.destroy(id)
      return { arguments: setResults(done) }
    },
  })
}

type NewSubscription = FieldsOf<{
  deviceClientId: Shape<string>
  url: Shape<string>
  keys: Shape<{ p256dh: string; auth: string } | null>
  expires: Shape<number | null>
  types: Shape<readonly string[] | null>
}>

/** What the server made of it beyond the patch; `changed`: somebody else was quicker. */
type Changed = JsonObject | null | SetError | 'changed'

interface Revised {
  readonly types: readonly string[] | null
  readonly isVerified: boolean
  /** As asked for, and as it is kept. */
  readonly expires: number | null
  readonly expiresAt: number | null
}

class PushSetWork {
  readonly #parts: PushMethodParts
  readonly #call: CallContext
  readonly #done: SetDone

  constructor(parts: PushMethodParts, call: CallContext, done: SetDone) {
    this.#parts = parts
    this.#call = call
    this.#done = done
  }

  get #account(): AccountId {
    return this.#call.caller.account.id
  }

  async create(creationId: string, object: JsonObject): Promise<void> {
    const { notCreated, created } = this.#done
    const fields = createFields(this.#parts.toLoopback)
    const read = record(fields)(object)
    const made = read instanceof Wrong ? allWrong(object, fields, read) : await this.#keep(read)
    if (made instanceof SetError) {
      notCreated.set(creationId, made)
      return
    }
    const id = subscriptionId(made.object)
    this.#call.createdIds.add(creationId, id)
    const expires = made.expiresAt === null ? null : formatUtcDate(made.expiresAt)
    // RFC 8620 §5.3: what the client did not send, or what became otherwise.
    const omitted = ['keys', 'types'].filter((name) => memberOf(object, name) === undefined)
    created.set(creationId, {
      id,
      ...Object.fromEntries(omitted.map((name) => [name, null])),
      ...(memberOf(object, 'expires') === expires ? {} : { expires }),
    })
    await this.#parts.changed(this.#account, made)
  }

  async #keep(read: NewSubscription): Promise<PushSubscription | SetError> {
    const { store, random, mayCreate } = this.#parts
    const { caller, limits } = this.#call
    const now = this.#call.now()
    const account = this.#account
    if (read.expires !== null && read.expires <= now) {
      return invalidProperties(['expires'], 'That time is over.')
    }
    if (!mayCreate(account)) return new SetError('rateLimit')
    const record = {
      ...{ deviceClientId: read.deviceClientId, url: read.url, keys: read.keys, types: read.types },
      // RFC 8620 §7.2.2: "sufficient entropy to avoid the client being able to guess the code".
      ...{ verificationCode: random.id(160), isVerified: false, credential: credentialOf(caller) },
    }
    const expiresAt = this.#clamp(read.expires)
    const done = await store.changeObjects({
      ...{ account, kind: pushKind, now, limit: limits.pushSubscriptions },
      create: [{ value: writeRecord(record), expiresAt }],
    })
    const [object] = done.ok ? done.created : []
    if (done.ok && object !== undefined) return { ...record, account, object, modSeq: done.modSeq, expiresAt }
    return new SetError(done.ok || done.reason === 'too-many' ? 'overQuota' : 'forbidden')
  }

  /** RFC 8620 §7.2: bounded with a password; with a session it ends when that does. */
  #clamp(expires: number | null): number | null {
    const { caller, limits } = this.#call
    const latest = this.#call.now() + limits.pushExpires
    if (caller.sessionId !== null) return expires
    return Math.trunc((expires === null ? latest : Math.min(expires, latest)) / 1000) * 1000
  }

  async #find(id: string): Promise<PushSubscription | undefined> {
    const object = trySubscriptionNumber(id)
    if (object === undefined) return undefined
    const own = await ownSubscriptions(this.#parts, this.#call)
    return own.find((one) => one.object === object)
  }

  async update(id: string, patch: JsonObject): Promise<void> {
    const { notUpdated, updated } = this.#done
    let done: Changed = 'changed'
    // A patch says nothing of what somebody else has changed meanwhile: it is laid on that.
    while (done === 'changed') {
      const found = await this.#find(id)
      done = found === undefined ? new SetError('notFound') : await this.#change(found, patch)
    }
    if (done instanceof SetError) notUpdated.set(id, done)
    else {
      updated.set(id, done)
      await this.#parts.changed(this.#account, null)
    }
  }

  async #change(found: PushSubscription, patch: JsonObject): Promise<Changed> {
    const current = { ...told(found), url: found.url, keys: found.keys === null ? null : { ...found.keys } }
    const patched = applyPatch(current, patch, {
      mutable: ['verificationCode', 'expires', 'types'],
      fixed: ['id', 'deviceClientId', 'url', 'keys'],
      defaults: { expires: null, types: null, verificationCode: null },
    })
    if (patched instanceof SetError) return patched
    const read = this.#read(found, patched)
    if (read instanceof SetError) return read
    const { types, isVerified, expiresAt } = read
    const written = await this.#parts.store.changeObjects({
      ...{ account: this.#account, kind: pushKind, now: this.#call.now() },
      update: [
        {
          ...{ id: found.object, value: writeRecord({ ...found, types, isVerified }), expiresAt },
          ifModSeq: found.modSeq,
        },
      ],
    })
    if (!written.ok) return written.reason === 'changed' ? 'changed' : new SetError('notFound')
    return expiresAt === read.expires || expiresAt === null ? null : { expires: formatUtcDate(expiresAt) }
  }

  /** What a patch makes of a subscription, or all that is wrong with it. */
  #read(found: PushSubscription, { object, touched, refused }: Patched): Revised | SetError {
    const code = memberOf(object, 'verificationCode')
    // RFC 8620 §5.3: a whole object is a patch too, which says again that the code is not known.
    const tellsCode = touched.has('verificationCode') && (found.isVerified || code !== null)
    // RFC 8620 §7.2.2: "an invalid verification code MUST be rejected".
    const isCode = !tellsCode || code === found.verificationCode
    const types = typeNames(memberOf(object, 'types'))
    const expires = nullable(utcDate)(memberOf(object, 'expires'))
    const isOver = touched.has('expires') && typeof expires === 'number' && expires <= this.#call.now()
    const wrong = refusalOf([
      refused,
      isCode ? null : invalidProperties(['verificationCode'], 'That is not the code.'),
      types instanceof Wrong ? wrongProperty(types.within('types')) : null,
      expires instanceof Wrong ? wrongProperty(expires.within('expires')) : null,
      isOver ? invalidProperties(['expires'], 'That time is over.') : null,
    ])
    if (wrong !== null) return wrong
    if (types instanceof Wrong || expires instanceof Wrong) throw new Error('what is wrong was not told')
    const expiresAt = touched.has('expires') ? this.#clamp(expires) : found.expiresAt
    return { types, isVerified: found.isVerified || tellsCode, expires, expiresAt }
  }

  async destroy(id: string): Promise<void> {
    const { notDestroyed, destroyed } = this.#done
    const found = await this.#find(id)
    const now = this.#call.now()
    const request = { account: this.#account, kind: pushKind, now }
    const gone =
      found === undefined
        ? { ok: false }
        : await this.#parts.store.changeObjects({ ...request, destroy: [found.object] })
    if (gone.ok) {
      destroyed.push(id)
      await this.#parts.changed(this.#account, null)
    } else notDestroyed.set(id, new SetError('notFound'))
  }
}

/** RFC 8620 §5.3: "*all* the properties that were invalid". */
function allWrong(
  object: JsonObject,
  fields: Readonly<Record<string, Shape<unknown>>>,
  first: Wrong,
): SetError {
  const strangers = Object.keys(object).filter((name) => !Object.hasOwn(fields, name))
  const wrong = Object.entries(fields).flatMap(([name, shape]) =>
    shape(memberOf(object, name)) instanceof Wrong ? [name] : [],
  )
  return invalidProperties([...strangers, ...wrong], first.description)
}

function wrongProperty(wrong: Wrong): SetError {
  return invalidProperties([String(wrong.path[0] ?? '')], wrong.description)
}

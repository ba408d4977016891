// Quotas (RFC 9425) of an account: octets and number of its messages, and number of its mailboxes, as far as they are limited.
//
// A state says what each quota was, so that changes are told exactly whatever the client's state, without anything being kept. Others
// with whom a mailbox is shared don't see the owner's.
import type { AccountId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { mail, quota } from '../proto/capabilities.ts'
import { textOrder } from '../proto/collation.ts'
import { MethodError } from '../proto/errors.ts'
import { matches } from '../proto/filter.ts'
import type { JsonObject } from '../proto/json.ts'
import { oneOf, optional, record, string, type FieldsOf } from '../proto/shape.ts'
import type { Comparator, Filter } from '../proto/standard.ts'
import type { AccountCall, AccountPlace, JmapModule, Method } from './module.ts'
import { queryChangesMethod, queryMethod, resultList } from './query-methods.ts'
import { type Changes, changesMethod, getMethod } from './standard-methods.ts'

export interface QuotaModuleParts {
  readonly store: Pick<Store, 'getAccount' | 'listMailboxes'>
}

/** RFC 9425 §4.1. */
interface QuotaObject {
  readonly id: string
  readonly resourceType: 'count' | 'octets'
  readonly used: number
  readonly hardLimit: number
  readonly scope: 'account'
  readonly name: string
  readonly types: readonly string[]
}

const properties = [
  ...['id', 'resourceType', 'used', 'hardLimit', 'scope', 'name', 'types'],
  ...['warnLimit', 'softLimit', 'description'],
]

async function quotasOf({ store }: QuotaModuleParts, account: AccountId): Promise<QuotaObject[]> {
  const current = await store.getAccount(account)
  if (current === undefined) return []
  const { quota: limits, used } = current
  const scope = 'account'
  const found: QuotaObject[] = []
  const add = (one: Omit<QuotaObject, 'hardLimit' | 'scope'>, limit: number | null | undefined): void => {
    if (limit !== null && limit !== undefined) found.push({ ...one, hardLimit: limit, scope })
  }
  const types = ['Email']
  add({ id: 'Qoctets', resourceType: 'octets', used: used.bytes, name: 'Mail', types }, limits.bytes)
  add(
    { id: 'Qmessages', resourceType: 'count', used: used.messages, name: 'Messages', types },
    limits.messages,
  )
  if (limits.mailboxes !== null && limits.mailboxes !== undefined) {
    const mailboxes = (await store.listMailboxes(account)).length
    add(
      { id: 'Qmailboxes', resourceType: 'count', used: mailboxes, name: 'Mailboxes', types: ['Mailbox'] },
      limits.mailboxes,
    )
  }
  return found
}

/**
 * RFC 9425 §4.1: the server "MUST filter out any types for which the client did not request the associated capability", and tells no quota that
 * has none left. All of ours are of mail. States are of all of them.
 */
function isTold({ using }: Pick<AccountCall, 'using'>): boolean {
  return using.has(mail)
}

/** `Qoctets=used/limit` of each, the numbers to the base 36. */
function stateOf(quotas: readonly QuotaObject[]): string {
  const told = quotas.map(({ id, used, hardLimit }) => `${id}=${used.toString(36)}/${hardLimit.toString(36)}`)
  return told.length === 0 ? 'none' : told.join(' ')
}

/** By id; undefined: no state that was ever told. */
function tryState(state: string): ReadonlyMap<string, { used: string; limit: string }> | undefined {
  const quotas = new Map<string, { used: string; limit: string }>()
  if (state === 'none') return quotas
  for (const text of state.split(' ')) {
    const [, id = '', used = '', limit = ''] =
      /^(Q[a-z]+)=([0-9a-z]{1,12})\/([0-9a-z]{1,12})$/.exec(text) ?? []
    if (id === '') return undefined
    quotas.set(id, { used, limit })
  }
  return quotas
}

/** Some of the quotas as they are now, and the others as they were. */
function stateBetween(
  quotas: readonly QuotaObject[],
  { before, told }: { before: ReturnType<typeof tryState> & object; told: ReadonlySet<string> },
): string {
  const now = new Map(quotas.map((one) => [one.id, one]))
  const ids = new Set([...before.keys(), ...now.keys()])
  const words = [...ids].flatMap((id) => {
    const [old, one] = [before.get(id), now.get(id)]
    if (told.has(id)) return one === undefined ? [] : [stateOf([one])]
    return old === undefined ? [] : [`${id}=${old.used}/${old.limit}`]
  })
  return words.length === 0 ? 'none' : words.join(' ')
}

interface Changed {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly destroyed: readonly string[]
  readonly isUsedAlone: boolean
}

function changedSince(quotas: readonly QuotaObject[], sinceState: string): Changed | undefined {
  const before = tryState(sinceState)
  if (before === undefined) return undefined
  const now = new Map(quotas.map((one) => [one.id, one]))
  const both = quotas.filter(({ id }) => before.has(id))
  const isSame = (one: QuotaObject, key: 'used' | 'limit'): boolean =>
    before.get(one.id)?.[key] === (key === 'used' ? one.used : one.hardLimit).toString(36)
  const updated = both.filter((one) => !isSame(one, 'used') || !isSame(one, 'limit'))
  return {
    created: quotas.filter(({ id }) => !before.has(id)).map(({ id }) => id),
    updated: updated.map(({ id }) => id),
    destroyed: [...before.keys()].filter((id) => !now.has(id)),
    isUsedAlone: updated.every((one) => isSame(one, 'limit')),
  }
}

/** RFC 9425 §4.4. */
const conditionFields = {
  name: optional(string),
  scope: optional(oneOf('account', 'domain', 'global')),
  resourceType: optional(oneOf('count', 'octets')),
  type: optional(string),
} as const
const condition = record(conditionFields)
type Condition = FieldsOf<typeof conditionFields>

const sortable = ['name', 'used'] as const

function meets(one: QuotaObject, condition: Condition): boolean {
  const { name, scope, resourceType, type } = condition
  return (
    (name === undefined || one.name.includes(name)) &&
    (scope === undefined || one.scope === scope) &&
    (resourceType === undefined || one.resourceType === resourceType) &&
    (type === undefined || one.types.includes(type))
  )
}

function compare(one: QuotaObject, other: QuotaObject, sort: readonly Comparator[]): number {
  for (const { property, isAscending, collation } of sort) {
    const order = property === 'used' ? one.used - other.used : compareNames(one, other, collation)
    if (order !== 0) return isAscending ? order : -order
  }
  return 0
}

/** An account has one or two. */
function compareNames(one: QuotaObject, other: QuotaObject, collation: string | undefined): number {
  const { keyOf, compare } = textOrder(collation)
  return compare(keyOf(one.name), keyOf(other.name))
}

function select(
  quotas: readonly QuotaObject[],
  { filter, sort }: { filter: Filter<Condition> | null; sort: readonly Comparator[] },
): readonly string[] {
  return quotas
    .filter((one) => matches(filter, (wanted) => meets(one, wanted)))
    .toSorted((one, other) => compare(one, other, sort))
    .map(({ id }) => id)
}

const type = 'Quota'
const capability = quota

type Load = (call: Pick<AccountCall, 'place'>) => Promise<QuotaObject[]>

export function createQuotaModule(parts: QuotaModuleParts): JmapModule {
  const load: Load = ({ place }) => quotasOf(parts, place.account.id)
  return {
    capabilities: [
      {
        uri: quota,
        server: () => ({}),
        account: ({ isPersonal }: AccountPlace) => (isPersonal ? {} : null),
      },
    ],
    methods: [quotaGet(load), quotaChanges(load), quotaQuery(load), quotaQueryChanges(load)],
    types: [
      {
        name: type,
        capability,
        touchedBy: ({ type: change }) =>
          ['message-added', 'messages-expunged', 'mailbox-created', 'mailbox-removed'].includes(change),
        state: async (place) => stateOf(await load({ place })),
      },
    ],
  }
}

function quotaGet(load: Load): Method {
  return getMethod({
    ...{ type, capability, properties, extra: {} },
    async load(call, { ids }) {
      const quotas = await load(call)
      const told = isTold(call) ? quotas : []
      const list = told.filter(({ id }) => ids === null || ids.includes(id)).map(quotaJson)
      return { state: stateOf(quotas), list }
    },
  })
}

function quotaChanges(load: Load): Method {
  return changesMethod({
    ...{ type, capability },
    async load(call, { sinceState, maxChanges }) {
      const quotas = await load(call)
      const before = tryState(sinceState)
      const all = changedSince(quotas, sinceState)
      if (before === undefined || all === undefined) return new MethodError('cannotCalculateChanges')
      if (!isTold(call)) return nothingSince(stateOf(quotas))
      const told = new Set([...all.created, ...all.updated, ...all.destroyed].slice(0, maxChanges))
      const hasMoreChanges = told.size < all.created.length + all.updated.length + all.destroyed.length
      const newState = hasMoreChanges ? stateBetween(quotas, { before, told }) : stateOf(quotas)
      const [created, updated, destroyed] = [all.created, all.updated, all.destroyed].map((list) =>
        list.filter((id) => told.has(id)),
      )
      // RFC 9425 §4.3: most often only what is used has changed.
      const isUsedAlone = all.isUsedAlone && updated !== undefined && updated.length > 0
      const more = { updatedProperties: isUsedAlone ? ['used'] : null }
      const lists = { created: created ?? [], updated: updated ?? [], destroyed: destroyed ?? [] }
      return { ...lists, newState, hasMoreChanges, more }
    },
  })
}

function nothingSince(newState: string): Changes {
  const more = { updatedProperties: null }
  return { created: [], updated: [], destroyed: [], newState, hasMoreChanges: false, more }
}

const queried = { type, capability, condition, sortable, extra: {} }

function quotaQuery(load: Load): Method {
  return queryMethod({
    ...queried,
    async run(call, request) {
      const quotas = await load(call)
      const results = resultList(isTold(call) ? select(quotas, request) : [])
      return { results, queryState: stateOf(quotas), canCalculateChanges: true }
    },
  })
}

function quotaQueryChanges(load: Load): Method {
  return queryChangesMethod({
    ...queried,
    async run(call, request) {
      const quotas = await load(call)
      const changed = changedSince(quotas, request.sinceQueryState)
      if (changed === undefined) return new MethodError('cannotCalculateChanges')
      const { created, updated, destroyed } = isTold(call) ? changed : nothingSince('')
      const now = isTold(call) ? select(quotas, request) : []
      const moved = new Set([...created, ...updated])
      return {
        newQueryState: stateOf(quotas),
        removed: [...updated, ...destroyed],
        added: now.flatMap((id, index) => (moved.has(id) ? [{ id, index }] : [])),
        total: now.length,
      }
    },
  })
}

function quotaJson({ types, ...one }: QuotaObject): JsonObject {
  return { ...one, types: [...types], warnLimit: null, softLimit: null, description: null }
}

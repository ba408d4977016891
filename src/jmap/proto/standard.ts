// The arguments of the standard methods (RFC 8620 §5.1 to §5.6), as shapes. Types add their own to them.
import type { JsonObject } from './json.ts'
import { isJsonObject, memberOf } from './json.ts'
import {
  anyObject,
  boolean,
  id,
  idOrReference,
  int,
  listOf,
  mapOf,
  nullable,
  oneOf,
  optional,
  otherwise,
  positiveInt,
  string,
  unsignedInt,
  Wrong,
  type Shape,
} from './shape.ts'

/** Any string: one that is no Id is an account that is not there (RFC 8620 §3.6.2 accountNotFound). */
export const accountId = string

/** RFC 8620 §5.1. `ids` may be creation ids of the same request, as everywhere. */
export const getArguments = {
  accountId,
  ids: nullable(listOf(idOrReference)),
  properties: nullable(listOf(string)),
} as const

/** RFC 8620 §5.2. */
export const changesArguments = {
  accountId,
  sinceState: string,
  maxChanges: nullable(positiveInt),
} as const

/** RFC 8620 §5.3. */
export const setArguments = {
  accountId,
  ifInState: nullable(string),
  create: nullable(mapOf(id, anyObject)),
  update: nullable(mapOf(idOrReference, anyObject)),
  destroy: nullable(listOf(idOrReference)),
} as const

/** RFC 8620 §5.4; an object without the "id" that it "MUST contain" is refused by itself. */
export const copyArguments = {
  fromAccountId: accountId,
  ifFromInState: nullable(string),
  accountId,
  ifInState: nullable(string),
  create: mapOf(id, anyObject),
  onSuccessDestroyOriginal: otherwise(boolean, false),
  destroyFromIfInState: nullable(string),
} as const

/** RFC 8620 §5.5, without `filter` and `sort`. */
export const queryArguments = {
  accountId,
  position: otherwise(int, 0),
  anchor: nullable(idOrReference),
  anchorOffset: otherwise(int, 0),
  limit: nullable(unsignedInt),
  calculateTotal: otherwise(boolean, false),
} as const

/** RFC 8620 §5.6, without `filter` and `sort`. */
export const queryChangesArguments = {
  accountId,
  sinceQueryState: string,
  maxChanges: nullable(unsignedInt),
  upToId: nullable(id),
  calculateTotal: otherwise(boolean, false),
} as const

/** RFC 8620 §5.5 FilterOperator, or a condition of the type. */
export type Filter<Condition> =
  | { readonly operator: 'AND' | 'OR' | 'NOT'; readonly conditions: readonly Filter<Condition>[] }
  | { readonly operator: null; readonly condition: Condition }

const operator = oneOf('AND', 'OR', 'NOT')

/** RFC 8620 §5.5: a FilterCondition "MUST NOT have an "operator" property", so that member tells them apart. */
export function filterOf<Condition>(condition: Shape<Condition>): Shape<Filter<Condition>> {
  const filter: Shape<Filter<Condition>> = (value) => {
    if (!isJsonObject(value)) return new Wrong('a FilterOperator or FilterCondition is wanted')
    const named = memberOf(value, 'operator')
    if (named === undefined) {
      const read = condition(value)
      return read instanceof Wrong ? read : { operator: null, condition: read }
    }
    const read = operator(named)
    if (read instanceof Wrong) return read.within('operator')
    const conditions = listOf(filter)(memberOf(value, 'conditions'))
    if (conditions instanceof Wrong) return conditions.within('conditions')
    const stranger = Object.keys(value).find((name) => name !== 'operator' && name !== 'conditions')
    if (stranger !== undefined) return new Wrong('is not known here', [stranger], 'unknown')
    return { operator: read, conditions }
  }
  return filter
}

/** RFC 8620 §5.5 Comparator; what a type adds is in `more`. */
export interface Comparator {
  readonly property: string
  readonly isAscending: boolean
  /** Absent: the server's choice. */
  readonly collation?: string
  /** Further members, as they are: `keyword` of RFC 8621 §4.4.2. */
  readonly more: JsonObject
}

const ascending = otherwise(boolean, true)
const collation = optional(string)

export const comparator: Shape<Comparator> = (value) => {
  if (!isJsonObject(value)) return new Wrong('a Comparator is wanted')
  const { property: _property, isAscending: _isAscending, collation: _collation, ...more } = value
  const property = string(memberOf(value, 'property'))
  if (property instanceof Wrong) return property.within('property')
  const isAscending = ascending(memberOf(value, 'isAscending'))
  if (isAscending instanceof Wrong) return isAscending.within('isAscending')
  const named = collation(memberOf(value, 'collation'))
  if (named instanceof Wrong) return named.within('collation')
  return { property, isAscending, more, ...(named === undefined ? {} : { collation: named }) }
}

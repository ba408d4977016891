// JSON values as the protocol knows them (RFC 8259), and the few questions that all of it asks of them. Values come from clients: a
// member may be called `__proto__`, so members are read as own ones and written by `withMembers` alone.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** An own member, whatever its name; undefined: there is none. */
export function memberOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** An object of these members in their order, the later of two with one name. */
export function objectOf(members: Iterable<readonly [name: string, value: Json]>): JsonObject {
  // It defines own members, `__proto__` too.
  return Object.fromEntries(members)
}

/** Equal as JSON: the order of members does not count. */
export function jsonEquals(one: Json, other: Json): boolean {
  if (one === other) return true
  if (isJsonArray(one)) {
    return (
      isJsonArray(other) &&
      one.length === other.length &&
      one.every((item, index) => jsonEquals(item, other[index] ?? null))
    )
  }
  if (!isJsonObject(one) || !isJsonObject(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => {
      const value = memberOf(other, name)
      return value !== undefined && jsonEquals(memberOf(one, name) ?? null, value)
    })
  )
}

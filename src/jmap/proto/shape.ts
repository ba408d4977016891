// The argument checker (RFC 8620 §3.9): a shape says what JSON a place takes, and reads it into a typed value or says what is wrong and
// where. Shapes are plain functions, put together from a few small ones; the method tables are made of them.
//
// A shape that is given `undefined` (nothing there) answers with its default, or that something is wanted. Linear in the value;
// the JSON reader bounds its depth.
import { isJsonArray, isJsonObject, memberOf, type Json, type JsonObject } from './json.ts'

/** Where something is not as it should be, outermost first, and what would be. */
export class Wrong {
  readonly path: readonly (string | number)[]
  readonly wanted: string
  /** `unknown`: a member that no shape knows, which a filter tells apart from a wrong one (RFC 8620 §5.5 unsupportedFilter). */
  readonly kind: 'wrong' | 'unknown'

  constructor(wanted: string, path: readonly (string | number)[] = [], kind: Wrong['kind'] = 'wrong') {
    this.wanted = wanted
    this.path = path
    this.kind = kind
  }

  within(step: string | number): Wrong {
    return new Wrong(this.wanted, [step, ...this.path], this.kind)
  }

  /** For `description` of an error (RFC 8620 §3.6.2). */
  get description(): string {
    return this.path.length === 0 ? this.wanted : `${this.path.join('/')}: ${this.wanted}`
  }
}

export type Shape<T> = (value: Json | undefined) => T | Wrong
export type ShapeOf<S> = S extends Shape<infer T> ? Exclude<T, Wrong> : never

export const boolean: Shape<boolean> = (value) =>
  typeof value === 'boolean' ? value : new Wrong('true or false is wanted')

export const string: Shape<string> = (value) =>
  typeof value === 'string' ? value : new Wrong('a string is wanted')

/** RFC 8620 §1.3. */
export const int: Shape<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : new Wrong('an integer is wanted')

/** RFC 8620 §1.3. */
export const unsignedInt: Shape<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : new Wrong('an integer from 0 is wanted')

/** RFC 8620 §5.2 `maxChanges`. */
export const positiveInt: Shape<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? value
    : new Wrong('an integer from 1 is wanted')

const idForm = /^[A-Za-z0-9_-]{1,255}$/

/** RFC 8620 §1.2. */
export function isId(text: string): boolean {
  return idForm.test(text)
}

/** RFC 8620 §1.2. */
export const id: Shape<string> = (value) =>
  typeof value === 'string' && isId(value) ? value : new Wrong('an Id is wanted')

/** An Id, or `#` and a creation id (RFC 8620 §5.3). */
export const idOrReference: Shape<string> = (value) =>
  typeof value === 'string' && isId(value.startsWith('#') ? value.slice(1) : value)
    ? value
    : new Wrong('an Id, or # and a creation id, is wanted')

/** What must be there and may be anything. */
export const anything: Shape<Json> = (value) =>
  value ?? (value === null ? null : new Wrong('a value is wanted'))

export const anyObject: Shape<JsonObject> = (value) =>
  isJsonObject(value) ? value : new Wrong('an object is wanted')

export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  const known: ReadonlySet<unknown> = new Set(words)
  const wanted = `one of ${words.map((word) => `"${word}"`).join(', ')} is wanted`
  // The set holds nothing but T.
  return (value) => (known.has(value) ? (value as T) : new Wrong(wanted))
}

/** `T|null`, with null where nothing is there (RFC 8620 §3.5). */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === undefined || value === null ? null : shape(value))
}

/** A default for what may be left out (RFC 8620 §3.5); null is no omission. */
export function otherwise<T, const D extends T>(shape: Shape<T>, initial: D): Shape<T> {
  return (value) => (value === undefined ? initial : shape(value))
}

/** What may be left out, and is then not there. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value) => (value === undefined ? undefined : shape(value))
}

export function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value) => {
    if (!isJsonArray(value)) return new Wrong('an array is wanted')
    const items: T[] = []
    for (const [index, item] of value.entries()) {
      const read = shape(item)
      if (read instanceof Wrong) return read.within(index)
      items.push(read)
    }
    return items
  }
}

/** `Key[T]`: in the order of the object. */
export function mapOf<T>(key: Shape<string>, shape: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return (value) => {
    if (!isJsonObject(value)) return new Wrong('an object is wanted')
    const entries = new Map<string, T>()
    for (const [name, member] of Object.entries(value)) {
      const readKey = key(name)
      if (readKey instanceof Wrong) return new Wrong(`as a key, ${readKey.wanted}`, [name])
      const read = shape(member)
      if (read instanceof Wrong) return read.within(name)
      entries.set(name, read)
    }
    return entries
  }
}

/** `String[Boolean]` where each value must be true, such as keywords and mailboxIds (RFC 8621 §4.1.1). */
export function setOf(key: Shape<string>): Shape<ReadonlySet<string>> {
  const read = mapOf(key, (value) => (value === true ? true : new Wrong('true is wanted')))
  return (value) => {
    const map = read(value)
    return map instanceof Wrong ? map : new Set(map.keys())
  }
}

type Fields = Readonly<Record<string, Shape<unknown>>>
export type FieldsOf<F extends Fields> = { readonly [K in keyof F]: ShapeOf<F[K]> }

/** An object of these members and no others (RFC 8620 §3.9: unknown arguments are refused). */
export function record<const F extends Fields>(fields: F): Shape<FieldsOf<F>> {
  const names = Object.keys(fields)
  const known = new Set(names)
  return (value) => {
    if (!isJsonObject(value)) return new Wrong('an object is wanted')
    for (const name of Object.keys(value))
      if (!known.has(name)) return new Wrong('is not known here', [name], 'unknown')
    const members: [string, unknown][] = []
    for (const name of names) {
      const shape = fields[name]
      const read = shape?.(memberOf(value, name))
      if (read instanceof Wrong) return read.within(name)
      if (read !== undefined) members.push([name, read])
    }
    // Each member was read by the shape of its name.
    return Object.fromEntries(members) as FieldsOf<F>
  }
}

/** Checks after a shape what it cannot say by itself; text: what is wanted instead. */
export function where<T>(shape: Shape<T>, check: (value: T) => string | null): Shape<T> {
  return (value) => {
    const read = shape(value)
    if (read instanceof Wrong) return read
    const wanted = check(read)
    return wanted === null ? read : new Wrong(wanted)
  }
}

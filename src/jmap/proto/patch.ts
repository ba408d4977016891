// PatchObjects (RFC 8620 §5.3): paths into a record and what to put there, checked by the RFC's three rules before anything is done, so
// that a patch is applied whole or not at all. A whole record is a patch too.
import { SetError, unsettable } from './errors.ts'
import { isJsonObject, jsonEquals, memberOf, objectOf, type Json, type JsonObject } from './json.ts'
import { tryTokens } from './pointer.ts'

export interface PatchRules {
  /** Properties that the client may change. */
  readonly mutable: readonly string[]
  /** Server-set or immutable: they may be in a patch as they are, and not otherwise. */
  readonly fixed: readonly string[]
  /** RFC 8620 §5.3: what null means for a property, where something has a default. */
  readonly defaults?: JsonObject
}

export interface Patched {
  readonly object: JsonObject
  /** Properties of the record that the patch names, whether or not they differ now. */
  readonly touched: ReadonlySet<string>
  /** What the patch names and may not change: invalidProperties, to be told with what else is wrong. */
  readonly refused: SetError | null
}

interface Step {
  readonly tokens: readonly string[]
  readonly value: Json
}

/** `current` is the record with all its properties as a client sees them. */
export function applyPatch(current: JsonObject, patch: JsonObject, rules: PatchRules): Patched | SetError {
  const steps: Step[] = []
  for (const [path, value] of Object.entries(patch)) {
    const tokens = tryTokens(path)
    if (tokens === undefined) return invalid(`"${path}" is no path.`)
    steps.push({ tokens, value })
  }
  const unsound = findUnsound(current, steps)
  if (unsound !== null) return unsound
  const wrong = new Set<string>()
  const touched = new Set<string>()
  for (const { tokens, value } of steps) {
    const [property = ''] = tokens
    if (rules.mutable.includes(property)) touched.add(property)
    else if (!rules.fixed.includes(property) || !isAsItIs(current, tokens, value)) wrong.add(property)
  }
  const object = steps
    .filter(({ tokens }) => touched.has(tokens[0] ?? ''))
    .reduce((object, step) => withStep(object, step, rules.defaults ?? {}), current)
  return { object, touched, refused: unsettable([...wrong]) }
}

function invalid(description: string): SetError {
  return new SetError('invalidPatch', description)
}

/** RFC 8620 §5.3: the restrictions whose violation is `invalidPatch`. */
function findUnsound(current: JsonObject, steps: readonly Step[]): SetError | null {
  const ends = new Set(steps.map(({ tokens }) => keyOf(tokens)))
  for (const { tokens } of steps) {
    let place: Json | undefined = current
    for (const [index, token] of tokens.slice(0, -1).entries()) {
      const path = tokens.slice(0, index + 1)
      if (ends.has(keyOf(path))) return invalid(`"${path.join('/')}" is the beginning of another path.`)
      place = isJsonObject(place) ? memberOf(place, token) : undefined
      if (Array.isArray(place)) return invalid(`"${tokens.join('/')}" leads into an array.`)
      if (!isJsonObject(place)) return invalid(`"${path.join('/')}" is not there, or no object.`)
    }
  }
  return null
}

/** The same for the same tokens alone. */
function keyOf(tokens: readonly string[]): string {
  return JSON.stringify(tokens)
}

/** Null for what is null or not there is no change. */
function isAsItIs(current: JsonObject, tokens: readonly string[], value: Json): boolean {
  let place: Json | undefined = current
  for (const token of tokens) place = isJsonObject(place) ? memberOf(place, token) : undefined
  return jsonEquals(place ?? null, value)
}

function withStep(object: JsonObject, { tokens, value }: Step, defaults: JsonObject): JsonObject {
  const [name = '', ...rest] = tokens
  const inner = memberOf(object, name)
  if (rest.length > 0) {
    const changed = withStep(isJsonObject(inner) ? inner : {}, { tokens: rest, value }, {})
    return withMember(object, name, changed)
  }
  if (value !== null) return withMember(object, name, value)
  const initial = memberOf(defaults, name)
  if (initial !== undefined) return withMember(object, name, initial)
  return objectOf(Object.entries(object).filter(([other]) => other !== name))
}

function withMember(object: JsonObject, name: string, value: Json): JsonObject {
  return objectOf([...Object.entries(object), [name, value]])
}

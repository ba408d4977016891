// References to results of earlier calls of a request (RFC 8620 §3.7): arguments whose names begin with `#` become the real ones.
//
// A few references to references make a small request mean an endless one (each Core/echo twice the one before): what they lead to
// is weighed, and too much of it is refused.
import { MethodError } from './errors.ts'
import { isJsonArray, isJsonObject, memberOf, objectOf, type Json, type JsonObject } from './json.ts'
import { evaluatePointer, tryPointer } from './pointer.ts'
import { record, string, Wrong } from './shape.ts'

/** A response that stands already. */
export interface Answered {
  readonly name: string
  readonly arguments: JsonObject
  readonly callId: string
}

/** RFC 8620 §3.7 ResultReference. */
const resultReference = record({ resultOf: string, name: string, path: string })

/** The arguments with all references resolved. `room`: characters and values that they may come to. */
export function resolveReferences(
  args: JsonObject,
  responses: readonly Answered[],
  { room }: { readonly room: number },
): JsonObject | MethodError {
  const names = Object.keys(args)
  if (!names.some((name) => name.startsWith('#'))) return args
  const members: [string, Json][] = []
  let left = room
  for (const name of names) {
    const value = memberOf(args, name) ?? null
    if (!name.startsWith('#')) {
      members.push([name, value])
      continue
    }
    const real = name.slice(1)
    // RFC 8620 §3.7: the same name "in normal and referenced form".
    if (Object.hasOwn(args, real)) {
      return new MethodError('invalidArguments', `${real} is given both as it is and by reference.`)
    }
    const found = resolve(value, responses)
    if (found instanceof MethodError) return found
    left -= weigh(found, left)
    if (left < 0) return new MethodError('requestTooLarge', 'The references lead to too much.')
    members.push([real, found])
  }
  return objectOf(members)
}

function resolve(value: Json, responses: readonly Answered[]): Json | MethodError {
  const reference = resultReference(value)
  if (reference instanceof Wrong) return unresolved(`A ResultReference is not one: ${reference.description}.`)
  const { resultOf, name, path } = reference
  // Step 1: the first response with that id; step 2: of that name, and not some later one of that name.
  const response = responses.find(({ callId }) => callId === resultOf)
  if (response === undefined) return unresolved(`There is no response to "${resultOf}".`)
  if (response.name !== name) return unresolved(`The first response to "${resultOf}" is no ${name}.`)
  const tokens = tryPointer(path)
  const found = tokens === undefined ? undefined : evaluatePointer(response.arguments, tokens)
  return found === undefined ? unresolved(`"${path}" leads nowhere.`) : found
}

function unresolved(description: string): MethodError {
  return new MethodError('invalidResultReference', description)
}

/** Characters and values in it, counted until they are more than `most`. */
function weigh(root: Json, most: number): number {
  let weight = 0
  const waiting: Json[] = [root]
  for (let value = waiting.pop(); value !== undefined && weight <= most; value = waiting.pop()) {
    weight += typeof value === 'string' ? value.length + 1 : 1
    if (isJsonArray(value)) {
      if (value.length > most) return most + 1
      for (const item of value) waiting.push(item)
    } else if (isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        weight += name.length
        waiting.push(member)
      }
    }
  }
  return weight
}

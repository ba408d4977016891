// The Request and Response objects (RFC 8620 §3.2 to §3.4): what an API request is made of, checked to its type signature and no further.
// Arguments are the methods' own.
import { requestProblem, type RequestProblem } from './errors.ts'
import type { Json, JsonObject } from './json.ts'
import { isJsonObject } from './json.ts'
import { anyObject, id, listOf, mapOf, optional, string, Wrong, type Shape } from './shape.ts'

/** RFC 8620 §3.2. */
export interface Invocation {
  readonly name: string
  readonly arguments: JsonObject
  readonly callId: string
}

/** RFC 8620 §3.3. */
export interface JmapRequest {
  readonly using: readonly string[]
  readonly methodCalls: readonly Invocation[]
  /** Absent: not given, and not to be told. */
  readonly createdIds?: ReadonlyMap<string, string>
}

/** RFC 8620 §3.4, as JSON. */
export interface JmapResponse {
  readonly methodResponses: readonly (readonly [name: string, args: JsonObject, callId: string])[]
  readonly createdIds?: JsonObject
  readonly sessionState: string
}

const invocation: Shape<Invocation> = (value) => {
  const [name, args, callId, ...rest] = Array.isArray(value) ? (value as readonly Json[]) : []
  const object = anyObject(args)
  if (typeof name !== 'string' || typeof callId !== 'string' || object instanceof Wrong || rest.length > 0) {
    return new Wrong('[name, arguments, method call id] is wanted')
  }
  return { name, arguments: object, callId }
}

const using = listOf(string)
const methodCalls = listOf(invocation)
const createdIds = optional(mapOf(id, id))

/** RFC 8620 §3.3: other properties are ignored. */
export function parseRequest(value: Json): JmapRequest | RequestProblem {
  if (!isJsonObject(value)) return requestProblem('notRequest', 'A Request is an object.')
  const read = {
    using: using(value['using']),
    methodCalls: methodCalls(value['methodCalls']),
    createdIds: createdIds(value['createdIds']),
  }
  if (read.using instanceof Wrong) return mismatch('using', read.using)
  if (read.methodCalls instanceof Wrong) return mismatch('methodCalls', read.methodCalls)
  if (read.createdIds instanceof Wrong) return mismatch('createdIds', read.createdIds)
  return {
    using: read.using,
    methodCalls: read.methodCalls,
    ...(read.createdIds === undefined ? {} : { createdIds: read.createdIds }),
  }
}

function mismatch(name: string, wrong: Wrong): RequestProblem {
  return requestProblem('notRequest', wrong.within(name).description)
}

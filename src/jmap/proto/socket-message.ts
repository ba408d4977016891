// Messages of the WebSocket subprotocol `jmap` (RFC 8887 §4.3): which of the three a client sent, and how ours are told.
import { requestProblem, type RequestProblem } from './errors.ts'
import { toIJsonText } from './i-json.ts'
import { isJsonObject, memberOf, objectOf, type Json, type JsonObject } from './json.ts'
import type { JmapResponse } from './request.ts'
import { listOf, nullable, string, Wrong } from './shape.ts'

export type SocketMessage =
  /** RFC 8887 §4.3.2. `request` is not checked yet. */
  | { readonly type: 'request'; readonly id: string | null; readonly request: Json }
  /** RFC 8887 §4.3.5.2. Null types: all. */
  | {
      readonly type: 'push-enable'
      readonly types: ReadonlySet<string> | null
      readonly since: string | null
    }
  /** RFC 8887 §4.3.5.3. */
  | { readonly type: 'push-disable' }
  | { readonly type: 'invalid'; readonly id: string | null; readonly problem: RequestProblem }

const dataTypes = nullable(listOf(string))
const optionalString = nullable(string)

export function readSocketMessage(value: Json): SocketMessage {
  if (!isJsonObject(value)) return invalid(null, 'A message is an object.')
  const id = optionalString(memberOf(value, 'id'))
  if (id instanceof Wrong) return invalid(null, 'id is a string.')
  switch (memberOf(value, '@type')) {
    case 'Request': {
      const { '@type': _type, id: _id, ...request } = value
      return { type: 'request', id, request }
    }
    case 'WebSocketPushEnable': {
      const types = dataTypes(memberOf(value, 'dataTypes'))
      const since = optionalString(memberOf(value, 'pushState'))
      if (types instanceof Wrong) return invalid(id, `dataTypes: ${types.description}`)
      if (since instanceof Wrong) return invalid(id, `pushState: ${since.description}`)
      return { type: 'push-enable', types: types === null ? null : new Set(types), since }
    }
    case 'WebSocketPushDisable':
      return { type: 'push-disable' }
    default:
      return invalid(id, '@type is Request, WebSocketPushEnable or WebSocketPushDisable.')
  }
}

function invalid(id: string | null, detail: string): SocketMessage {
  return { type: 'invalid', id, problem: requestProblem('notRequest', detail) }
}

/** RFC 8887 §4.3.3: `requestId` where the request had an id. */
export function socketResponse(response: JmapResponse, id: string | null): string {
  return toIJsonText({ '@type': 'Response', ...(id === null ? {} : { requestId: id }), ...response })
}

/** RFC 8887 §4.3.4. */
export function socketError(problem: RequestProblem, id: string | null): string {
  return JSON.stringify({ '@type': 'RequestError', requestId: id, ...problem })
}

/** RFC 8887 §4.3.5.1. */
export function socketStateChange(change: JsonObject, pushState: string): string {
  return JSON.stringify(objectOf([...Object.entries(change), ['pushState', pushState]]))
}

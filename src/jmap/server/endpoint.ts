// JMAP over HTTP as a mount: finds the resource of a request (RFC 8620 §2, §3.1, §6.1, §6.2, §7.3; RFC 8887 §4.2), has the listener judge who
// asks, and hands over. Whoever has no `mail` scope has no JMAP.
import type { HttpCaller, HttpEnvironment, HttpMount, WebSocketHandler } from '../../base/http-mount.ts'
import type { Account } from '../../store/model.ts'
import { limitProblem, requestProblem } from '../proto/errors.ts'
import { parseIJson } from '../proto/i-json.ts'
import { Accounts } from './accounts.ts'
import { answerRequest, type ApiParts } from './api.ts'
import { judgeAuthentication } from './authentication.ts'
import { download } from './download.ts'
import { openEventSource } from './event-source.ts'
import type { JmapParts } from './parts.ts'
import { readBody } from '../../base/request-body.ts'
import {
  jsonResponse,
  plainProblem,
  preflightResponse,
  problemResponse,
  withCors,
  wrongMethod,
} from './responses.ts'
import { makeSession } from './session.ts'
import { upload } from './upload.ts'
import { openWebSocket } from './websocket.ts'

type Environment = HttpEnvironment<Account>
export type Caller = HttpCaller<Account>

/** A request of somebody known. */
export interface Asked {
  readonly request: Request
  readonly url: URL
  readonly caller: Caller
  readonly env: Environment
}

type Resource = (asked: Asked) => Promise<Response>

/** Made once for all listeners. */
export function createMount(parts: JmapParts): HttpMount<Account> {
  return {
    paths: ['/.well-known/jmap', '/jmap/*'],
    async fetch(request, env) {
      if (request.method === 'OPTIONS') return preflightResponse()
      const url = new URL(request.url)
      const found = findResource(parts, url.pathname)
      if (found === null) return withCors(plainProblem(404, 'There is no such resource of JMAP.'))
      if (!found.methods.includes(request.method)) return withCors(wrongMethod(found.methods.join(', ')))
      const caller = await callerOf(request, env)
      if (caller instanceof Response) return withCors(caller)
      return withCors(await found.serve({ request, url, caller, env }))
    },
    async upgrade(request, env): Promise<Response | WebSocketHandler> {
      if (new URL(request.url).pathname.replace(/\/$/, '') !== '/jmap/ws') {
        return plainProblem(404, 'There is no such resource of JMAP.')
      }
      const caller = await callerOf(request, env)
      return caller instanceof Response ? caller : openWebSocket(parts, { request, caller, env })
    },
  }
}

async function callerOf(request: Request, env: Environment): Promise<Caller | Response> {
  const judged = await env.authenticate(request)
  if (!judged.ok) return judged.response
  if (!judged.caller.scopes.has('mail')) return plainProblem(403, 'This password is not for mail.')
  return judged.caller
}

interface Found {
  readonly methods: readonly string[]
  readonly serve: Resource
}

const reading = ['GET', 'HEAD']

function findResource(parts: JmapParts, path: string): Found | null {
  // RFC 8620 §2.2: clients are led to the Session by its well-known path.
  if (path === '/.well-known/jmap') return { methods: reading, serve: (asked) => tellSession(parts, asked) }
  const [, , name, ...rest] = path.replace(/\/$/, '').split('/')
  // RFC 8620 §6.2: of a file without a name the variable is empty.
  if (name === 'download' && rest.length === 2 && path.endsWith('/')) rest.push('')
  switch (`${name ?? ''} ${rest.length}`) {
    case 'session 0':
      return { methods: reading, serve: (asked) => tellSession(parts, asked) }
    case 'api 0':
      return { methods: ['POST'], serve: (asked) => api(parts, asked) }
    case 'upload 1':
      return { methods: ['POST'], serve: (asked) => upload(parts, asked, rest[0] ?? '') }
    case 'download 3': {
      const [accountId = '', blobId = '', fileName = ''] = rest
      return { methods: reading, serve: (asked) => download(parts, asked, { accountId, blobId, fileName }) }
    }
    case 'authentication 2': {
      const [accountId = '', emailId = ''] = rest
      return { methods: ['GET'], serve: (asked) => authentication(parts, asked, { accountId, emailId }) }
    }
    case 'eventsource 0':
      return { methods: ['GET'], serve: (asked) => openEventSource(parts, asked) }
    case 'ws 0':
      return {
        methods: ['GET'],
        serve: async () => plainProblem(426, 'Here is a WebSocket.', { upgrade: 'websocket' }),
      }
    default:
      return null
  }
}

async function tellSession(parts: JmapParts, { request, caller, env }: Asked): Promise<Response> {
  const accounts = new Accounts(parts.store, caller.account)
  const session = await makeSession(
    { capabilities: parts.api.capabilities, origin: `${env.origin}${env.root ?? ''}` },
    accounts,
  )
  const headers = { etag: `"${session.state}"` }
  // RFC 9110 §13.1.2.
  if (request.headers.get('if-none-match')?.includes(headers.etag) === true) {
    return new Response(null, { status: 304, headers })
  }
  return jsonResponse(session, { headers })
}

/** Not JMAP's, but for our own pages: who vouches for a message. */
async function authentication(
  parts: JmapParts,
  { caller }: Asked,
  { accountId, emailId }: { accountId: string; emailId: string },
): Promise<Response> {
  const place = await new Accounts(parts.store, caller.account).find(accountId)
  if (place === undefined) return plainProblem(404, 'There is no such account.')
  const release = parts.api.requests.tryTake(caller.account.id)
  if (release === null) return plainProblem(429, 'Too much is asked at once.')
  try {
    const judged = await judgeAuthentication(parts.authentication, place, emailId)
    return judged === undefined ? plainProblem(404, 'There is no such email.') : jsonResponse(judged)
  } finally {
    release()
  }
}

async function api(parts: JmapParts, { request, caller, env }: Asked): Promise<Response> {
  const { maxSizeRequest } = parts.config
  // RFC 8620 §3.6.1: "The content type of the request was not "application/json"".
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return problemResponse(requestProblem('notJSON', 'The content type is not application/json.'))
  }
  const octets = await readBody(request, maxSizeRequest)
  if (octets === null) {
    const detail = 'The request is larger than the server is willing to process.'
    return problemResponse(limitProblem('maxSizeRequest', detail))
  }
  const json = parseIJson(octets)
  if (!json.ok) return problemResponse(requestProblem('notJSON', json.detail))
  const answer = await answerRequest(
    parts.api,
    { caller, origin: `${env.origin}${env.root ?? ''}` },
    json.value,
  )
  return 'type' in answer ? problemResponse(answer) : jsonResponse(answer)
}

export type { ApiParts }

// From a Request object to a Response object (RFC 8620 §3): the part that HTTP (§3.1) and WebSocket (RFC 8887 §4.3) share. Whoever asks is
// known already; limits that count are here, sizes are with those who read.
import type { HttpCaller } from '../../base/http-mount.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import type { Account } from '../../store/model.ts'
import { CreatedIds } from '../proto/created-ids.ts'
import { limitProblem, requestProblem, type RequestProblem } from '../proto/errors.ts'
import type { Json } from '../proto/json.ts'
import { parseRequest, type JmapResponse } from '../proto/request.ts'
import { Accounts, type AccountsStore } from './accounts.ts'
import { runCalls } from './dispatch.ts'
import type { Capability, CallContext, Method } from './module.ts'
import { makeSession } from './session.ts'
import type { Slots } from './slots.ts'

export interface ApiParts {
  readonly store: AccountsStore
  readonly limits: JmapConfig
  readonly capabilities: readonly Capability[]
  readonly methods: ReadonlyMap<string, Method>
  /** Requests at once, over HTTP and WebSocket together (RFC 8887 §4.3.2). */
  readonly requests: Slots
  readonly now: () => number
  readonly onTrouble: (method: string, error: string) => void
}

export interface Asking {
  readonly caller: HttpCaller<Account>
  readonly origin: string
}

/** Rejects where the store cannot serve before any call has begun. */
export async function answerRequest(
  parts: ApiParts,
  { caller, origin }: Asking,
  value: Json,
): Promise<JmapResponse | RequestProblem> {
  const { limits, capabilities } = parts
  const request = parseRequest(value)
  if ('type' in request) return request
  const stranger = request.using.find((uri) => !capabilities.some((capability) => capability.uri === uri))
  if (stranger !== undefined) {
    return requestProblem(
      'unknownCapability',
      `The Request object used capability '${stranger}', which is not supported by this server.`,
    )
  }
  if (request.methodCalls.length > limits.maxCallsInRequest) {
    return limitProblem('maxCallsInRequest', `At most ${limits.maxCallsInRequest} calls fit into a request.`)
  }
  const release = parts.requests.tryTake(caller.account.id)
  if (release === null) {
    const most = limits.maxConcurrentRequests
    return limitProblem('maxConcurrentRequests', `At most ${most} requests run at once.`, 429)
  }
  try {
    const accounts = new Accounts(parts.store, caller.account)
    const createdIds = new CreatedIds(request.createdIds)
    const context: CallContext = {
      ...{ caller, createdIds, limits, now: parts.now },
      using: new Set(request.using),
      findAccount: (id) => accounts.find(id),
      modSeqOf: async (id) => (await parts.store.getAccount(id))?.modSeq,
      supports: (place, uri) =>
        capabilities.some((capability) => capability.uri === uri && capability.account(place) !== null),
    }
    const answered = await runCalls(parts, context, request.methodCalls)
    const { state } = await makeSession({ capabilities, origin }, accounts)
    return {
      methodResponses: answered.map((one) => [one.name, one.arguments, one.callId] as const),
      // RFC 8620 §3.4: "only returned if given in the request".
      ...(request.createdIds === undefined ? {} : { createdIds: createdIds.toJson() }),
      sessionState: state,
    }
  } finally {
    release()
  }
}

// The Session resource (RFC 8620 §2): what this server can do for whoever asks, with which accounts, and where. Its `state` is a hash of
// all else in it, so that it changes with anything that changes.
import { createHash } from 'node:crypto'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import { collations, core } from '../proto/capabilities.ts'
import { objectOf, type Json, type JsonObject } from '../proto/json.ts'
import type { Accounts } from './accounts.ts'
import type { AccountPlace, Capability } from './module.ts'

/** RFC 8620 §2 `urn:ietf:params:jmap:core`; whatever else is a module's. */
export function coreCapability(limits: JmapConfig): Capability {
  return {
    uri: core,
    server: () => ({
      maxSizeUpload: limits.maxSizeUpload,
      maxConcurrentUpload: limits.maxConcurrentUpload,
      maxSizeRequest: limits.maxSizeRequest,
      maxConcurrentRequests: limits.maxConcurrentRequests,
      maxCallsInRequest: limits.maxCallsInRequest,
      maxObjectsInGet: limits.maxObjectsInGet,
      maxObjectsInSet: limits.maxObjectsInSet,
      collationAlgorithms: [...collations],
    }),
    account: () => ({}),
  }
}

export interface SessionParts {
  readonly capabilities: readonly Capability[]
  /** `https://host[:port]`. */
  readonly origin: string
}

/** The Session object of one caller. */
export async function makeSession(
  { capabilities, origin }: SessionParts,
  accounts: Accounts,
): Promise<JsonObject & { readonly state: string }> {
  const places = [accounts.personal, ...(await accounts.shared())]
  const { account: own, id } = accounts.personal
  const session = {
    capabilities: objectOf(capabilities.map(({ uri, server }) => [uri, server(origin)])),
    accounts: objectOf(places.map((place) => [place.id, accountObject(capabilities, place)])),
    primaryAccounts: objectOf(
      capabilities
        // RFC 8620 §2: "urn:ietf:params:jmap:core" SHOULD NOT be present.
        .filter((capability) => capability.uri !== core && capability.account(accounts.personal) !== null)
        .map(({ uri }) => [uri, id]),
    ),
    username: own.address,
    apiUrl: `${origin}/jmap/api`,
    downloadUrl: `${origin}/jmap/download/{accountId}/{blobId}/{name}?accept={type}`,
    uploadUrl: `${origin}/jmap/upload/{accountId}`,
    eventSourceUrl: `${origin}/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}`,
  }
  const state = createHash('sha256').update(JSON.stringify(session)).digest('base64url').slice(0, 16)
  return { ...session, state }
}

/** RFC 8620 §2 Account. */
function accountObject(capabilities: readonly Capability[], place: AccountPlace): Json {
  const { account, isPersonal, isReadOnly } = place
  const supported: [string, JsonObject][] = []
  for (const capability of capabilities) {
    const value = capability.account(place)
    if (value !== null) supported.push([capability.uri, value])
  }
  return { name: account.address, isPersonal, isReadOnly, accountCapabilities: objectOf(supported) }
}

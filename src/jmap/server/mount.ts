// JMAP put together: the core (RFC 8620) and what modules bring along, as one mount for the listeners of HTTP, and the pushes that go on
// whether anybody is connected or not.
import type { HttpMount } from '../../base/http-mount.ts'
import { jmapTrouble } from '../../events/jmap.ts'
import type { Account, AccountId } from '../../store/model.ts'
import { webPushVapid } from '../proto/capabilities.ts'
import type { AuthenticationBasis } from './authentication.ts'
import { createBlobAccess } from './blobs.ts'
import type { BlobAccess, EmailSight } from './blob-access.ts'
import { createBlobModule } from './blob-methods.ts'
import { echo } from './core-methods.ts'
import { createMount } from './endpoint.ts'
import type { Capability, JmapModule, PushedType, WatchedType } from './module.ts'
import type { JmapParts } from './parts.ts'
import { createPushMethods } from './push-methods.ts'
import { Pusher, type PusherParts } from './pusher.ts'
import { createQuotaModule } from './quota-methods.ts'
import { coreCapability } from './session.ts'
import { Slots } from './slots.ts'
import { Times } from './times.ts'
import { webSocketCapability } from './websocket.ts'

export interface JmapMountParts extends Omit<
  JmapParts,
  'api' | 'authentication' | 'uploads' | 'streams' | 'types' | 'blobs'
> {
  readonly authentication: AuthenticationBasis
  /** Who may see which email. */
  readonly sight: EmailSight
  /** Mail, submission … made with the blobs of this server. */
  readonly modules: (blobs: BlobAccess) => readonly JmapModule[]
  readonly push: Pick<PusherParts, 'request' | 'vapid' | 'subject'>
}

export interface Jmap extends Disposable {
  readonly mount: HttpMount<Account>
  /** Takes up the push subscriptions that are kept. Rejects where the store cannot serve. */
  startPushing(): Promise<void>
}

const hour = 3_600_000

/** Made once for all listeners. */
export function createJmap(parts: JmapMountParts): Jmap {
  const { store, config, clock, random, events, sight } = parts
  const now = (): number => clock.now()
  const blobs = createBlobAccess({ store, sight, now })
  const modules = [
    createBlobModule({ store, config, clock, blobs, sight }),
    createQuotaModule({ store }),
    ...parts.modules(blobs),
  ]
  const capabilities = [
    coreCapability(config),
    webSocketCapability,
    vapidCapability(parts.push.vapid.publicKey),
    ...modules.flatMap((module) => module.capabilities),
  ]
  const types = modules.flatMap((module) => module.types).map((type) => watched(type, capabilities))
  const pusher = new Pusher({ ...parts.push, store, clock, events, config, types })
  const made = new Times<AccountId>({ most: config.pushSubscriptionsPerHour, within: hour, clock })
  const methods = [
    echo,
    ...createPushMethods({
      ...{ store, random },
      toLoopback: config.pushToLoopback,
      changed: (account, subscription) => pusher.changed(account, subscription),
      mayCreate: (account) => made.tryAdd(account),
    }),
    ...modules.flatMap((module) => module.methods),
  ]
  const mount = createMount({
    ...{ store, config, clock, random, events, blobs, types },
    authentication: { ...parts.authentication, store, sight, maxSize: config.authenticationSize },
    uploads: new Slots(config.maxConcurrentUpload),
    streams: new Slots(config.maxEventSources),
    api: {
      ...{ store, capabilities, now },
      limits: config,
      methods: new Map(methods.map((method) => [method.name, method])),
      requests: new Slots(config.maxConcurrentRequests),
      onTrouble: (method, error) => events.emit(jmapTrouble, { method, error }),
    },
  })
  return {
    mount,
    startPushing: () => pusher.start(),
    [Symbol.dispose]: () => pusher.stop(),
  }
}

function watched(type: PushedType, capabilities: readonly Capability[]): WatchedType {
  const own = capabilities.filter(({ uri }) => uri === type.capability)
  return { type, isIn: (place) => own.some((capability) => capability.account(place) !== null) }
}

/** RFC 9749 §3. */
function vapidCapability(applicationServerKey: string): Capability {
  return { uri: webPushVapid, server: () => ({ applicationServerKey }), account: () => null }
}

// What JMAP is made of, put together by the composition root.
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import type { Events } from '../../events/event.ts'
import type { Store } from '../../store/store.ts'
import type { ApiParts } from './api.ts'
import type { AuthenticationParts } from './authentication.ts'
import type { BlobAccess } from './blob-access.ts'
import type { WatchedType } from './module.ts'
import type { Slots } from './slots.ts'

/** What the resources work with. */
export interface JmapParts {
  readonly store: Store
  readonly config: JmapConfig
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly blobs: BlobAccess
  readonly authentication: AuthenticationParts
  readonly types: readonly WatchedType[]
  readonly api: ApiParts
  /** Uploads, and event streams and WebSockets, at once. */
  readonly uploads: Slots
  readonly streams: Slots
}

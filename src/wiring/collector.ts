// The store's upkeep while the server runs.
import type { Timer } from '../base/clock.ts'
import { errorText } from '../events/error-text.ts'
import * as serverEvents from '../events/server.ts'
import type { Backend } from './backend.ts'

/** Drops what nothing names any more, from time to time, never two at once. */
export function collectRegularly({ config, store, clock, events }: Backend): AsyncDisposable {
  let timer: Timer | null = null
  let collecting: Promise<void> = Promise.resolve()
  const collect = async (): Promise<void> => {
    try {
      const done = await store.collectGarbage({ now: clock.now() })
      if (done.blobs + done.files + done.tombstones > 0) events.emit(serverEvents.collected, done)
    } catch (error) {
      events.emit(serverEvents.collectionFailed, { error: errorText(error) })
    }
  }
  const arm = (): void => {
    timer = clock.after(config.store.collectEvery, () => {
      collecting = collect().finally(arm)
    })
  }
  arm()
  return {
    async [Symbol.asyncDispose]() {
      timer?.cancel()
      await collecting
      timer?.cancel()
    },
  }
}

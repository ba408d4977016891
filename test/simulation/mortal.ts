// What a process takes with it when it dies: its timers never fire, its connections break, its calls to the store neither return nor
// begin. The next life gets new ones of all, over the same store.
import type { Clock } from '../../src/base/clock.ts'
import type { Connection } from '../../src/base/connection.ts'
import type { Network } from '../../src/net/network.ts'
import type { StoreCalls } from './store-calls.ts'
import type { Store } from '../../src/store/store.ts'

/** Never settles: whoever waits for it is dead. */
const never = new Promise<never>(() => {})

/** Timers of one life. */
export function mortalClock(clock: Clock, life: AbortSignal): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (milliseconds, task) =>
      clock.after(milliseconds, () => {
        if (!life.aborted) task()
      }),
    async sleep(milliseconds, signal) {
      await clock.sleep(milliseconds, signal)
      return life.aborted ? never : undefined
    },
  }
}

/** Connections and listeners of one life. */
export function mortalNetwork(network: Network, life: AbortSignal): Network {
  const own = new Set<Connection>()
  life.addEventListener('abort', () => {
    for (const connection of own) {
      connection.onData = () => {}
      connection.onEnd = () => {}
      connection.onClose = () => {}
      connection.destroy(new Error('the process died'))
    }
  })
  return {
    async dial(target) {
      const connection = await network.dial(target)
      if (life.aborted) {
        connection.destroy()
        return never
      }
      own.add(connection)
      return connection
    },
    async listen(point, onConnection, onError) {
      const listening = await network.listen(
        point,
        (connection) => {
          own.add(connection)
          onConnection(connection)
        },
        onError,
      )
      life.addEventListener('abort', () => void listening.close())
      return listening
    },
  }
}

/** A store that a life can lose, but not close. */
export function mortalStore(store: Store, life: AbortSignal, calls: StoreCalls): Store {
  const guard = (own: Store, property: string | symbol): unknown => {
    if (property === 'close' || property === Symbol.asyncDispose) return () => Promise.resolve()
    const value: unknown = Reflect.get(own, property, own)
    if (typeof value !== 'function') return value
    return (...parameters: unknown[]): unknown => {
      if (life.aborted) return never
      const result: unknown = value.apply(own, parameters)
      if (property === 'subscribe' || property === 'onQueued') {
        if (typeof result === 'function') life.addEventListener('abort', () => void result())
        return result
      }
      return result instanceof Promise
        ? result.then((done: unknown) => (life.aborted ? never : done))
        : result
    }
  }
  return new Proxy(store, { get: guard })
}

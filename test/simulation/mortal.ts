// What a process takes with it when it dies: its timers never fire, its connections break, its calls to the store neither return nor
// begin. The next life gets new ones of all, over the same store.
import type { Clock } from '../../src/base/clock.ts'
import type { Connection } from '../../src/base/connection.ts'
import type { Network } from '../../src/net/network.ts'
import type { Store } from '../../src/store/store.ts'
import type { StoreCalls } from './store-calls.ts'

/** Never settles: whoever waits for it is dead. One for each, or all that ever died would be kept by it. */
const never = (): Promise<never> => new Promise(() => {})

/** From a start to a death. */
export class Life {
  readonly #over = Promise.withResolvers<undefined>()
  readonly #controller = new AbortController()
  #callsLeft = Number.POSITIVE_INFINITY
  #when: 'before' | 'after' = 'before'

  get isOver(): boolean {
    return this.#controller.signal.aborted
  }

  /** Resolves at its end. */
  get over(): Promise<undefined> {
    return this.#over.promise
  }

  end(): void {
    this.#controller.abort()
    this.#over.resolve(undefined)
  }

  endAtCall(count: number, when: 'before' | 'after'): void {
    this.#callsLeft = count
    this.#when = when
  }

  onEnd(task: () => void): void {
    this.#controller.signal.addEventListener('abort', task)
  }

  /** A call of the store begins: what it is to do. */
  calls(): 'call' | 'die first' | 'die after it' {
    this.#callsLeft--
    if (this.#callsLeft !== 0) return 'call'
    return this.#when === 'before' ? 'die first' : 'die after it'
  }
}

/** Timers of one life. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (milliseconds, task) =>
      clock.after(milliseconds, () => {
        if (!life.isOver) task()
      }),
    async sleep(milliseconds, signal) {
      await clock.sleep(milliseconds, signal)
      return life.isOver ? never() : undefined
    },
  }
}

/** Connections and listeners of one life. */
export function mortalNetwork(network: Network, life: Life): Network {
  const own = new Set<Connection>()
  life.onEnd(() => {
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
      if (life.isOver) {
        connection.destroy()
        return never()
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
      life.onEnd(() => void listening.close())
      return listening
    },
  }
}

/** A store that a life can lose, but not close. */
export function mortalStore(store: Store, life: Life, calls: StoreCalls): Store {
  const call = (value: Function, own: Store, parameters: unknown[]): unknown => {
    const fate = life.calls()
    if (fate === 'die first') {
      life.end()
      return never()
    }
    const result: unknown = value.apply(own, parameters)
    if (!(result instanceof Promise)) return result
    calls.begun()
    const ended = (): void => {
      calls.ended()
      if (fate === 'die after it') life.end()
    }
    result.then(ended, ended)
    return result.then((done: unknown) => (life.isOver ? never() : done))
  }
  const guard = (own: Store, property: string | symbol): unknown => {
    if (property === 'close' || property === Symbol.asyncDispose) return () => Promise.resolve()
    const value: unknown = Reflect.get(own, property, own)
    if (typeof value !== 'function') return value
    return (...parameters: unknown[]): unknown => {
      if (life.isOver) return never()
      if (property !== 'subscribe' && property !== 'onQueued') return call(value, own, parameters)
      const unsubscribe: unknown = value.apply(own, parameters)
      if (typeof unsubscribe === 'function') life.onEnd(() => void unsubscribe())
      return unsubscribe
    }
  }
  return new Proxy(store, { get: guard })
}

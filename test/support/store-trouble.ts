// Trouble around a real store, switched on and off while a server runs: a disk or a database that cannot serve. It also counts
// the messages that were begun, so that a test can say that none was forgotten, and knows what is under way, so that a
// virtual clock can wait for real storage.
import { type BlobStore, type BlobWriter, type Store, StoreUnavailable } from '../../src/store/store.ts'

/** What keeps working: the end of it all, and what does no I/O. */
const unbroken = new Set<unknown>(['close', 'subscribe', 'subscribeBatched', Symbol.asyncDispose])
const iterables = new Set<unknown>(['messages', 'messageTexts'])

/** One store's switch. */
export class StoreTrouble {
  #broken: 'nothing' | 'store' | 'blobs' = 'nothing'
  #unfinished = 0
  readonly #running = new Set<Promise<unknown>>()

  /** Messages begun, and neither finished nor discarded. */
  get unfinished(): number {
    return this.#unfinished
  }

  /** From now on every operation rejects with `StoreUnavailable`, and so does every blob. */
  breakStore(): void {
    this.#broken = 'store'
  }

  /** From now on no message's bytes can be written or read. */
  breakBlobs(): void {
    this.#broken = 'blobs'
  }

  repair(): void {
    this.#broken = 'nothing'
  }

  /** Resolves when no operation is under way and those that heard of their end have had their turn. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running)
      await nextTurn()
    }
  }

  /** The store with the trouble around it. */
  around(store: Store): Store {
    const blobs = this.#aroundBlobs(store.blobs)
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'blobs') return blobs
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (unbroken.has(name)) return value.bind(target)
        if (this.#broken !== 'store')
          return (...request: unknown[]) => this.#watch(value.apply(target, request))
        return iterables.has(name) ? failingRows : () => Promise.reject(trouble())
      },
    })
  }

  #watch(result: unknown): unknown {
    if (!(result instanceof Promise)) return result
    this.#running.add(result)
    const done = (): void => void this.#running.delete(result)
    result.then(done, done)
    return result
  }

  #aroundBlobs(blobs: BlobStore): BlobStore {
    return {
      stage: () => this.#count(blobs.stage()),
      read: (blob, range) => (this.#broken === 'nothing' ? blobs.read(blob, range) : failingRows()),
      readStaged: (blob, range) =>
        this.#broken === 'nothing' ? blobs.readStaged(blob, range) : failingRows(),
      readSmall: (blob) => (this.#broken === 'nothing' ? blobs.readSmall(blob) : Promise.reject(trouble())),
    }
  }

  #count(writer: BlobWriter): BlobWriter {
    let open = true
    const end = (): void => {
      if (open) this.#unfinished--
      open = false
    }
    this.#unfinished++
    return {
      write: (bytes) => {
        if (this.#broken !== 'nothing') throw trouble()
        return writer.write(bytes)
      },
      finish: () => {
        end()
        return writer.finish()
      },
      discard: () => {
        end()
        return writer.discard()
      },
    }
  }
}

/** Resolves when everything that was ready to run has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function trouble(): StoreUnavailable {
  return new StoreUnavailable('the test broke it')
}

async function* failingRows(): AsyncGenerator<never> {
  throw trouble()
}

// Lets so many pieces of work run at once and so many wait; turns the rest away. Password hashing costs memory and
// threads that files and DNS need too.

/** A bounded queue in front of something expensive. */
export class Gate {
  readonly #concurrency: number
  readonly #maximumWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: { readonly concurrency: number; readonly maximumWaiting: number }) {
    this.#concurrency = limits.concurrency
    this.#maximumWaiting = limits.maximumWaiting
  }

  /** The result of `work` when its turn has come, or 'full' at once. What `work` throws is passed on. */
  async run<T>(work: () => Promise<T>): Promise<{ readonly result: T } | 'full'> {
    if (this.#running >= this.#concurrency) {
      if (this.#waiting.length >= this.#maximumWaiting) return 'full'
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      return { result: await work() }
    } finally {
      // The place is handed on, not given up, so that a newcomer cannot slip in before those who wait.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}

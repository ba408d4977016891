// What an asker sends behind its request, for operations that are fed: values in order, read when the operation is ready for
// them. The source is held up while it is ahead, so that no more than a few values wait here.

/** Values that wait before the source is held up. */
const mostWaiting = 8

export class InputFeed implements AsyncIterable<unknown> {
  readonly #flow: (state: 'hold' | 'go') => void
  readonly #waiting: unknown[] = []
  #ended = false
  #wake: PromiseWithResolvers<void> | null = null

  constructor(flow: (state: 'hold' | 'go') => void) {
    this.#flow = flow
  }

  push(value: unknown): void {
    this.#waiting.push(value)
    if (this.#waiting.length === mostWaiting) this.#flow('hold')
    this.#wake?.resolve()
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true
    this.#wake?.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      while (this.#waiting.length > 0) {
        const value = this.#waiting.shift()
        if (this.#waiting.length === mostWaiting - 1) this.#flow('go')
        yield value
      }
      if (this.#ended) return
      this.#wake = Promise.withResolvers<void>()
      await this.#wake.promise
    }
  }
}

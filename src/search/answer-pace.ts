// A search in turns: it must not stop everybody else's sessions, and ends when nobody waits for it any more.

/** Steps in one turn: about two milliseconds of looking through blocks. */
const turn = 40

export class AnswerPace {
  readonly #signal: AbortSignal | undefined
  #spent = 0

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Adds steps, each about a block; rejects with the signal's reason. */
  async spend(steps: number): Promise<void> {
    this.#spent += steps
    if (this.#spent < turn) return
    this.#spent = 0
    await new Promise((resolve) => setImmediate(resolve))
    this.#signal?.throwIfAborted()
  }
}

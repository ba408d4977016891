// Turns of sessions that have something to tell unasked: a change that thousands of sessions in IDLE hear of must not keep everybody
// else waiting. A few are set going in each turn of the event loop, in the order in which they asked.

/** Sessions in one turn: a few milliseconds of work. */
const inOneTurn = 100

/** One queue, shared by all sessions of a service. */
export class Turns {
  #waiting: (() => void)[] = []
  #scheduled = false

  /** Runs `step` in its turn. Whoever waits already asks not again. */
  ask(step: () => void): void {
    this.#waiting.push(step)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const now = this.#waiting.slice(0, inOneTurn)
      this.#waiting = this.#waiting.slice(inOneTurn)
      this.#schedule()
      for (const step of now) step()
    })
  }
}

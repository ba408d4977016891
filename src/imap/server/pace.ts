// Long computations in turns: a search with a thousand keys over a hundred thousand messages must not stop everybody else's
// sessions. Whoever loops spends what each round costs, and waits where `spend` gives something to wait for.

/** Steps in one turn: a few milliseconds of comparing. */
const turn = 200_000

/** The work of one command. */
export class Pace {
  #spent = 0

  /** Adds steps; a promise where it is time to let others have their turn. */
  spend(steps: number): void | Promise<void> {
    this.#spent += steps
    if (this.#spent < turn) return
    this.#spent = 0
    return new Promise((resolve) => setImmediate(resolve))
  }
}

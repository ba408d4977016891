// Writes to stores that are under way. Time stands still until they have been answered: a commit takes real time, which is none in
// the simulation.
//
// One turn of the event loop drains every promise job and every tick; only what a store put off to a later turn needs more.
const mostRounds = 100_000

export class StoreCalls {
  #open = 0

  begun(): void {
    this.#open++
  }

  ended(): void {
    this.#open--
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#open === 0) return
    }
    throw new Error('a store does not answer')
  }
}

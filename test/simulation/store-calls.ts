// Calls to stores that are under way. Time stands still until they have been answered: a commit takes real time, which is none in
// the simulation.
const quietRounds = 2
const mostRounds = 10_000

export class StoreCalls {
  #open = 0

  begun(): void {
    this.#open++
  }

  ended(): void {
    this.#open--
  }

  /** Resolves when nothing is under way, and nothing has begun for a while. */
  async settled(): Promise<void> {
    let quiet = 0
    for (let round = 0; round < mostRounds && quiet < quietRounds; round++) {
      for (let job = 0; job < 50; job++) await null
      await new Promise((resolve) => setImmediate(resolve))
      quiet = this.#open === 0 ? quiet + 1 : 0
    }
  }
}

// How much one account does at once: API requests, uploads, streams. A limit of 0 lets nothing through.

export class Slots {
  readonly #most: number
  readonly #taken = new Map<number, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Null: all are taken. To be called once when it is over; more calls do nothing. */
  tryTake(account: number): (() => void) | null {
    const taken = this.#taken.get(account) ?? 0
    if (taken >= this.#most) return null
    this.#taken.set(account, taken + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#taken.get(account) ?? 1) - 1
      if (left > 0) this.#taken.set(account, left)
      else this.#taken.delete(account)
    }
  }
}

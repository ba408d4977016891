// Whoever wants what somebody has waits until it is given back: two imports of one folder into one mailbox, of which the earlier was cut off
// and still writes what came whole, would each bring what the other does not know yet. Within one process; asked for in order, given in order.

/** Gives it back; may be called twice. */
export type GiveBack = () => void

export class OneAtATime {
  readonly #last = new Map<string, Promise<void>>()

  /** Resolves when all who asked for the name before have given it back. */
  async take(name: string): Promise<GiveBack> {
    const before = this.#last.get(name)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#last.set(name, over)
    await before
    return () => {
      if (this.#last.get(name) === over) this.#last.delete(name)
      resolve()
    }
  }
}

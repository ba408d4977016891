// Connections of mail programs that are open, whatever they speak. What closes a door of an account (another password, an app password that is
// revoked, a second factor, the account's end) ends those that came in by it, and with them all others of the account: a program that may
// still come in comes again by itself, and one that may not is out.
//
// Those of this process alone are known: of several nodes on one store each ends its own.

/** What of a session is needed. */
interface Ending {
  /** The address of the account that is logged in, or null. */
  readonly account: string | null
  /** At the next moment that cuts no reply. */
  stop(): void
}

export class OpenConnections {
  #views: () => Iterable<Ending> = () => []

  /** Where they are looked for from now on. */
  follow(views: () => Iterable<Ending>): void {
    this.#views = views
  }

  /** Ends those of the account; how many. */
  end(address: string): number {
    const ending = [...this.#views()].filter(({ account }) => account === address)
    for (const one of ending) one.stop()
    return ending.length
  }
}

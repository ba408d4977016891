// Which hosts of a destination were tried in vain when the tries of one pass (`relay.maxTries`) were used up before its hosts
// were: so that the next passes get to the others.
//
// RFC 5321 §5.1: a client tries each address in order and may limit how many. Always beginning at the top, such a limit would
// keep the last hosts of a long list from ever being asked. So the best host is asked first in each pass, since it is meant to
// have the mail when it is back; then come those that no pass has got to, and those that were tried last come last. Kept
// in memory alone: what a restart forgets costs a pass.

export interface Named {
  readonly host: string
}

const destinationsRemembered = 1000

export class TriedHosts {
  readonly #tried = new Map<string, ReadonlySet<string>>()

  /** The hosts in the order in which this pass shall try them. */
  order<Host extends Named>(destination: string, hosts: readonly Host[]): Host[] {
    const tried = this.#tried.get(destination)
    const [best, ...rest] = hosts
    if (tried === undefined || best === undefined) return [...hosts]
    const isTried = ({ host }: Host): boolean => tried.has(host)
    return [best, ...rest.filter((host) => !isTried(host)), ...rest.filter(isTried)]
  }

  /** A pass tried these in vain and had to leave the others. */
  cutShort(destination: string, request: { tried: ReadonlySet<string>; left: readonly Named[] }): void {
    const { tried, left } = request
    const before = this.#tried.get(destination) ?? new Set()
    const all = before.union(tried)
    this.#tried.delete(destination)
    // Once everybody has had a turn a new round begins.
    this.#tried.set(destination, left.every(({ host }) => all.has(host)) ? tried : all)
    if (this.#tried.size <= destinationsRemembered) return
    for (const oldest of this.#tried.keys()) {
      this.#tried.delete(oldest)
      break
    }
  }

  /** The best host took the session, or a pass got to the end of the list. */
  forget(destination: string): void {
    this.#tried.delete(destination)
  }
}

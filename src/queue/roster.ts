// Who is known to the dispatcher, domains and their destinations, and whose turn it is. All in memory and bounded: what is
// forgotten is found again in the store.
//
// - A domain is due or not; while its destination is known it stands with that, else among the unknown ones.
// - Destinations with something to do stand in sets that are worked off in order: whoever has had his turn goes to the end.
import { DestinationState } from './destinations.ts'
import type { Destination } from './transport.ts'

type DomainPhase = 'idle' | 'ready' | 'claiming'

export interface DomainState {
  phase: DomainPhase
  /** More is due in the store than was claimed last: what comes now must not overtake it. */
  backlog: boolean
  /** Became due while it was being claimed. */
  again: boolean
  /** Where its last row went. */
  destination: DestinationState | undefined
}

const domainsRemembered = 20_000
const destinationsRemembered = 5000

export class Roster {
  readonly #initialLanes: number
  readonly #domains = new Map<string, DomainState>()
  readonly #destinations = new Map<string, DestinationState>()
  /** Domains that are due and whose destination is not known. */
  readonly unknown = new Set<string>()
  // Destinations with something to do, in turn. Each stands here until it has been looked at; what happens to it puts it back.
  readonly wantLanes = new Set<DestinationState>()
  readonly wantClaims = new Set<DestinationState>()
  /** Dead ones, whose due rows are to be put off. */
  readonly wantPutOffs = new Set<DestinationState>()
  /** Those that would have a lane, were there not too many that nobody knows anything good of. */
  readonly starved = new Set<DestinationState>()

  constructor(initialLanes: number) {
    this.#initialLanes = initialLanes
  }

  get destinations(): Iterable<DestinationState> {
    return this.#destinations.values()
  }

  /** Where the domain's mail went last. */
  destinationOf(domain: string): DestinationState | undefined {
    return this.#domains.get(domain)?.destination
  }

  destination(destination: Destination): DestinationState {
    const known = this.#destinations.get(destination.key)
    if (known !== undefined) {
      known.destination = destination
      return known
    }
    const state = new DestinationState(destination, this.#initialLanes)
    this.#destinations.set(destination.key, state)
    return state
  }

  knownDomain(name: string): DomainState | undefined {
    return this.#domains.get(name)
  }

  domain(name: string): DomainState {
    const known = this.#domains.get(name)
    if (known !== undefined) return known
    if (this.#domains.size >= domainsRemembered) {
      for (const [other, { phase }] of this.#domains) {
        if (phase !== 'idle') continue
        this.#domains.delete(other)
        break
      }
    }
    const made: DomainState = { phase: 'idle', backlog: true, again: false, destination: undefined }
    this.#domains.set(name, made)
    return made
  }

  /** The domain is due, and waits for its turn to be claimed. */
  setReady(name: string, domain: DomainState): void {
    domain.phase = 'ready'
    if (domain.destination === undefined) this.unknown.add(name)
    else {
      domain.destination.ready.add(name)
      this.want(domain.destination)
    }
  }

  unready(name: string): void {
    const domain = this.#domains.get(name)
    if (domain?.phase !== 'ready') return
    domain.phase = 'idle'
    this.unknown.delete(name)
    domain.destination?.ready.delete(name)
  }

  /** Something happened to it: it is to be looked at again. */
  want(state: DestinationState): void {
    if (state.pending.length > 0) this.wantLanes.add(state)
    this.wantClaims.add(state)
  }

  /** Drops what is known of an idle destination, where there are very many. */
  forget(state: DestinationState, now: number): void {
    if (!state.isIdle() || state.health.retryAt > now || this.#destinations.size < destinationsRemembered)
      return
    this.#destinations.delete(state.key)
    for (const domain of this.#domains.values())
      if (domain.destination === state) domain.destination = undefined
  }
}

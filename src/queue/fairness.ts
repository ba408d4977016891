// Whose turn it is among the senders to one domain: start-time fair queueing (docs/queue.md, "Fair turns").
//
// Each row gets a turn when it is queued: where its sender's last row ended, but never before the virtual time of the
// domain, which is the turn of the row that was taken last. So a sender's 50,000th row stands far behind, and another sender's
// first one stands at the front, whatever came before it. Rows are taken in order of turn.
// Turns are kept with the rows; this state is only what new ones are reckoned from. Losing it (a restart, a limit) costs
// fairness for a moment, never a row. The unit is the millisecond, so that turns of after a restart fit those from before.

/** What one row costs its sender: the distance between two turns. */
export const turnLength = 1000

/** The turn of a sender's next row: `finish` is where his last one ended, `virtual` the domain's time; undefined: unknown. */
export function startTurn(state: {
  readonly finish: number | undefined
  readonly virtual: number | undefined
  readonly now: number
}): number {
  return Math.max(state.virtual ?? state.now, state.finish ?? 0)
}

/** The domain's virtual time after a row with that turn was taken. */
export function advanceVirtual(virtual: number | undefined, turn: number): number {
  return virtual === undefined ? turn : Math.max(virtual, turn)
}

/** Gives turns, for every domain and priority on its own. */
export class FairTurns {
  readonly #limit: number
  readonly #finish = new Map<string, number>()
  readonly #virtual = new Map<string, number>()

  /** Senders, and domains, that are remembered at once. */
  constructor(limit = 20_000) {
    this.#limit = limit
  }

  next(row: { domain: string; priority: number; sender: string; now: number }): number {
    const lane = `${row.priority} ${row.domain}`
    const key = `${lane} ${row.sender}`
    const turn = startTurn({
      finish: this.#finish.get(key),
      virtual: this.#virtual.get(lane),
      now: row.now,
    })
    this.#remember(this.#finish, key, turn + turnLength)
    return turn
  }

  /** A row was taken from the store to be tried. */
  taken(row: { domain: string; priority: number; turn: number }): void {
    const lane = `${row.priority} ${row.domain}`
    this.#remember(this.#virtual, lane, advanceVirtual(this.#virtual.get(lane), row.turn))
  }

  #remember(map: Map<string, number>, key: string, value: number): void {
    map.delete(key)
    map.set(key, value)
    if (map.size <= this.#limit) return
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  }
}

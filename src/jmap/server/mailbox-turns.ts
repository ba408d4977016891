// The order in which the Mailboxes of one Mailbox/set are made and changed. RFC 8620 §5.3 has "the final state" of a call be judged, so each
// waits for whatever of the same call is in its way, and a ring of those that wait for each other is opened by having one step aside.
//
// - Only of a ring somebody steps aside: all of it then moves on, and nobody's place is lost to one that is refused in the end.
// - Whoever is done wakes those behind it, so that long chains need no more tries than they have links.
import type { SetError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'

/** Whose name or role is wanted, by its id. */
export interface Obstacle {
  readonly id: string
  readonly what: 'name' | 'role'
}

/** `wait`: something else of the same call may make it possible. */
export type Step =
  | { readonly done: JsonObject | null }
  | { readonly refused: SetError; readonly wait: boolean; readonly behind?: Obstacle }

export interface Turns {
  try(key: string, value: JsonObject): Promise<Step>
  done(key: string, result: JsonObject | null): void
  refused(key: string, error: SetError): void
  /** True where what was in the way is so no more, for the time being. */
  stepAside?(obstacle: Obstacle): Promise<boolean>
}

export async function inTurn(work: ReadonlyMap<string, JsonObject>, turns: Turns): Promise<void> {
  const line = new Line(work, turns)
  for (;;) {
    const { length } = line
    await line.round()
    if (line.length === length) await line.openRings()
    if (line.length === 0 || line.length === length) break
  }
  line.end()
}

class Line {
  readonly #turns: Turns
  readonly #waiting: Map<string, JsonObject>
  readonly #errors = new Map<string, SetError>()
  /** What each of those that wait is behind, as far as that is known. */
  readonly #obstacles = new Map<string, Obstacle>()

  constructor(work: ReadonlyMap<string, JsonObject>, turns: Turns) {
    this.#waiting = new Map(work)
    this.#turns = turns
  }

  get length(): number {
    return this.#waiting.size
  }

  async round(): Promise<void> {
    for (const key of [...this.#waiting.keys()]) await this.#try(key)
  }

  async openRings(): Promise<void> {
    for (const key of [...this.#waiting.keys()]) {
      const obstacle = this.#obstacles.get(key)
      if (obstacle === undefined || !this.#waits(obstacle.id, key)) continue
      if (await this.#turns.stepAside?.(obstacle)) await this.#try(key)
    }
  }

  end(): void {
    for (const [key, error] of this.#errors) this.#turns.refused(key, error)
  }

  /** One, and those behind it where it is done. */
  async #try(first: string): Promise<void> {
    const next = [first]
    for (let key = next.pop(); key !== undefined; key = next.pop()) {
      const value = this.#waiting.get(key)
      if (value === undefined) continue
      const step = await this.#turns.try(key, value)
      this.#obstacles.delete(key)
      if ('refused' in step && step.wait) {
        this.#errors.set(key, step.refused)
        if (step.behind !== undefined) this.#obstacles.set(key, step.behind)
        continue
      }
      this.#waiting.delete(key)
      this.#errors.delete(key)
      if ('refused' in step) this.#turns.refused(key, step.refused)
      else {
        this.#turns.done(key, step.done)
        for (const [other, { id }] of this.#obstacles) if (id === key) next.push(other)
      }
    }
  }

  /** Whether one waits for another, over those between them. */
  #waits(key: string, other: string): boolean {
    let at: string | undefined = key
    for (let left = this.length; at !== undefined && left > 0; left--) {
      if (at === other) return true
      at = this.#obstacles.get(at)?.id
    }
    return false
  }
}

// The order in which the Mailboxes of one Mailbox/set are made, changed and destroyed. RFC 8620 §5.3 has "the final state" of a call be judged, so each
// waits for whatever of the same call is in its way, and a ring of those that wait for each other is opened by having one step aside.
//
// - Only of a ring somebody steps aside: all of it then moves on, and nobody's place is lost to one that is refused in the end.
// - Whoever is done wakes those behind it, so that long chains need no more tries than they have links.
import type { SetError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'

/** What else of the call must come first, by its key: to give up a name or role, to be made, or to leave its place. */
export interface Obstacle {
  readonly id: string
  readonly what: 'name' | 'role' | 'making' | 'place'
}

/** `wait`: something else of the same call may make it possible. */
export type Step =
  | { readonly done: JsonObject | null }
  | { readonly refused: SetError; readonly wait: boolean; readonly behind?: Obstacle }

export interface Turns<Task> {
  try(task: Task): Promise<Step>
  done(task: Task, result: JsonObject | null): void
  refused(task: Task, error: SetError): void
  /** True where what was in the way is so no more, for the time being. */
  stepAside(obstacle: Obstacle): Promise<boolean>
}

export async function inTurn<Task>(work: ReadonlyMap<string, Task>, turns: Turns<Task>): Promise<void> {
  const line = new Line(work, turns)
  for (;;) {
    const { length } = line
    await line.round()
    const isStuck = line.length === length && !(await line.openRings())
    if (line.length === 0 || isStuck) break
  }
  line.end()
}

class Line<Task> {
  readonly #turns: Turns<Task>
  readonly #waiting: Map<string, Task>
  readonly #errors = new Map<string, SetError>()
  /** What each of those that wait is behind, as far as that is known. */
  readonly #obstacles = new Map<string, Obstacle>()
  /** Who has stepped aside, for what: nobody does so twice. */
  readonly #opened = new Set<string>()

  constructor(work: ReadonlyMap<string, Task>, turns: Turns<Task>) {
    this.#waiting = new Map(work)
    this.#turns = turns
  }

  get length(): number {
    return this.#waiting.size
  }

  async round(): Promise<void> {
    for (const key of [...this.#waiting.keys()]) await this.#try(key)
  }

  /** Whether there was one. Whoever of it waited for a role may next be found to wait for a name, in another ring. */
  async openRings(): Promise<boolean> {
    let some = false
    for (const key of [...this.#waiting.keys()]) {
      const obstacle = this.#obstacles.get(key)
      if (obstacle === undefined || !this.#waits(obstacle.id, key)) continue
      const way = `${obstacle.what} ${obstacle.id}`
      if (this.#opened.has(way) || !(await this.#turns.stepAside(obstacle))) continue
      this.#opened.add(way)
      some = true
      await this.#try(key)
    }
    return some
  }

  end(): void {
    for (const [key, error] of this.#errors) {
      const task = this.#waiting.get(key)
      if (task !== undefined) this.#turns.refused(task, error)
    }
  }

  /** One, and those behind it where it is done. */
  async #try(first: string): Promise<void> {
    const next = [first]
    for (let key = next.pop(); key !== undefined; key = next.pop()) {
      const task = this.#waiting.get(key)
      if (task === undefined) continue
      const step = await this.#turns.try(task)
      this.#obstacles.delete(key)
      if ('refused' in step && step.wait) {
        this.#errors.set(key, step.refused)
        if (step.behind !== undefined) this.#obstacles.set(key, step.behind)
        continue
      }
      this.#waiting.delete(key)
      this.#errors.delete(key)
      if ('refused' in step) this.#turns.refused(task, step.refused)
      else {
        this.#turns.done(task, step.done)
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

// Group commit: runs the writes that wait as one transaction, and answers each.
//
// - A group is tried without savepoints first: nearly all operations succeed, or refuse before they write. When one must be
//   undone, or throws, the group is rolled back and run again with a savepoint for each, so that neighbours never notice.
// - When the database itself fails (disk full, I/O error), the group is rolled back and each of its operations is tried once
//   alone, so that one that is too large does not fail the others; what fails again is answered with `unavailable`.
// - A group ends after a number of operations or milliseconds; one commit, so one fsync, carries it.
// - What nobody waits for in person (an import beside a running server, the full-text index, collections) stands behind: others that
//   wait are committed first, and it has a commit of its own, so that a delivery waits for one such operation at most. After some groups
//   that passed it, it has its turn.
// - Synchronous, and the sole owner of its connection's transactions. Lives in a thread or in line.
import type { Told } from '../changes.ts'
import type { Op } from '../op.ts'
import { writes, type Writes } from '../ops/index.ts'
import type { StoreLimits } from '../limits.ts'
import { type Connection, drive } from './connection.ts'

/** A write as it passes between threads: the limits, which some operations take besides, are the writer's. */
export interface Call {
  readonly id: number
  readonly name: keyof Writes
  readonly request: unknown
}

/** Work for later, always. */
const behind: ReadonlySet<Call['name']> = new Set<Call['name']>([
  'putSearchBlocks',
  'saveSegment',
  'sweepSearchIndex',
  'dropSearchIndex',
  'forgetTombstones',
  'forgetThreadKeys',
  'dropOrphanBlobs',
  'pruneExpired',
  'pruneHookEvents',
  'expireObjects',
  'expireUploads',
])

/** Groups that pass what stands behind, before it has its turn. */
const mostPassing = 20

function standsBehind({ name, request }: Call): boolean {
  if (behind.has(name)) return true
  return name === 'append' && typeof request === 'object' && request !== null && 'behind' in request
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly result: unknown; readonly changes: readonly Told[] }
  | { readonly id: number; readonly ok: false; readonly unavailable: boolean; readonly message: string }

/** Thrown where a group without savepoints meets an operation that must be undone. */
class NeedsSavepoints extends Error {}

export class Writer {
  readonly #connection: Connection
  readonly #limits: StoreLimits
  /** Milliseconds, ascending. */
  readonly #monotonic: () => number
  /** Groups since something stood behind. */
  #passed = 0

  constructor(options: { connection: Connection; limits: StoreLimits; monotonic: () => number }) {
    this.#connection = options.connection
    this.#limits = options.limits
    this.#monotonic = options.monotonic
  }

  /** Runs a group of `waiting`, takes it away, and answers it. */
  run(waiting: Call[]): Answer[] {
    const chosen = this.#choose(waiting)
    const answers = this.#run(chosen)
    if (chosen !== waiting) {
      const done = new Set(answers.map(({ id }) => id))
      waiting.splice(0, waiting.length, ...waiting.filter(({ id }) => !done.has(id)))
    }
    return answers
  }

  /** What goes before: all that does not stand behind, or one that does. Each kind keeps its order. */
  #choose(waiting: Call[]): Call[] {
    const last = waiting.find(standsBehind)
    if (last === undefined) return waiting
    const first = waiting.filter((call) => !standsBehind(call))
    if (first.length > 0 && this.#passed++ < mostPassing) return first
    this.#passed = 0
    return [last]
  }

  #run(waiting: Call[]): Answer[] {
    try {
      return this.#group(waiting, false)
    } catch (error) {
      if (error instanceof NeedsSavepoints) return this.#withSavepoints(waiting)
      return this.#oneByOne(waiting)
    }
  }

  #withSavepoints(waiting: Call[]): Answer[] {
    try {
      return this.#group(waiting, true)
    } catch {
      return this.#oneByOne(waiting)
    }
  }

  #oneByOne(waiting: Call[]): Answer[] {
    const calls = waiting.splice(0, this.#limits.groupOperations)
    return calls.map((call) => {
      try {
        const [answer] = this.#group([call], true)
        if (!answer) throw new Error('no answer')
        return answer
      } catch (error) {
        return { id: call.id, ok: false, unavailable: true, message: messageOf(error) }
      }
    })
  }

  /** One transaction. Leaves `waiting` as it was when it throws. */
  #group(waiting: Call[], savepoints: boolean): Answer[] {
    const answers: Answer[] = []
    const deadline = this.#monotonic() + this.#limits.groupMilliseconds
    try {
      this.#connection.control('BEGIN IMMEDIATE')
      for (const call of waiting) {
        answers.push(this.#one(call, savepoints))
        if (answers.length >= this.#limits.groupOperations || this.#monotonic() > deadline) break
      }
      this.#connection.control('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw error
    }
    waiting.splice(0, answers.length)
    return answers
  }

  #one({ id, name, request }: Call, savepoint: boolean): Answer {
    const changes: Told[] = []
    let dirty = false
    const undo = (): void => {
      changes.length = 0
      if (!dirty) return
      if (!savepoint) throw new NeedsSavepoints()
      this.#connection.control('ROLLBACK TO operation')
    }
    const driver = {
      wrote: (): void => {
        dirty = true
      },
      publish: (change: Told): void => {
        changes.push(change)
      },
      undo,
    }
    // The client's types say that the request is what the operation of that name takes.
    const operation = writes[name] as (request: unknown, limits: StoreLimits) => Op<unknown>
    if (savepoint) this.#connection.control('SAVEPOINT operation')
    try {
      const result = drive(this.#connection, operation(request, this.#limits), driver)
      if (savepoint) this.#connection.control('RELEASE operation')
      return { id, ok: true, result, changes }
    } catch (error) {
      if (
        error instanceof NeedsSavepoints ||
        isUnavailable(error) ||
        !this.#connection.database.isTransaction
      ) {
        throw error
      }
      undo()
      if (savepoint) this.#connection.control('RELEASE operation')
      return { id, ok: false, unavailable: false, message: messageOf(error) }
    }
  }

  #rollBack(): void {
    if (!this.#connection.database.isTransaction) return
    try {
      this.#connection.control('ROLLBACK')
    } catch {
      // SQLite rolls back by itself where the disk does not let it; the next BEGIN tells whether it did.
    }
  }
}

/** Result codes that say something of the disk or the machine, not of the statement (sqlite.org/rescode.html). */
const unavailableCodes = new Set([5, 6, 7, 8, 10, 11, 13, 14, 15, 22, 26])

/** Whether an error is the database's own trouble: BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, … */
export function isUnavailable(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  // Extended codes carry the primary one in their low octet.
  return typeof code === 'number' && unavailableCodes.has(code & 0xff)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

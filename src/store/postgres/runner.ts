// Runs operations on PostgreSQL: each is one transaction on a pooled connection.
//
// - BEGIN travels with the first statement and independent statements travel together, so an operation costs one round trip
//   for each time it has to know something, and one for its commit.
// - An operation that lost against another (serialisation, deadlock, a key that came in between) is run again from its start,
//   as is one whose connection broke before its COMMIT was sent: nothing of it has happened. After that the outcome is not
//   known, and the caller is told so.
// - Reads see one snapshot; writes see what is committed at each statement and lock the account's row before they look.
// - What an operation changed is notified in its transaction, so it is told if and only if it is committed.
import type { Pool, PoolClient, QueryConfig } from 'pg'
import type { Told } from '../changes.ts'
import { type Compiled, Many, type Op, Stmt } from '../op.ts'
import { StoreUnavailable } from '../store.ts'
import { bound, verdictOf } from './driver.ts'

/** Sends one statement. Tests put one that fails in its place. */
export type Send = (client: PoolClient, query: QueryConfig & { rowMode?: 'array' }) => Promise<Answer>

export interface Answer {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: unknown[]
}

export const sendQuery: Send = (client, query) => client.query(query)

export interface RunnerOptions {
  readonly pool: Pool
  readonly send: Send
  /** How often an operation is tried before it is refused as unavailable. */
  readonly attempts: number
  /** Texts that a connection keeps prepared; rarer ones are parsed each time. */
  readonly preparedStatements: number
  /** The payloads that tell these changes, for `channel`. */
  readonly payloads: (changes: readonly Told[]) => string[]
  readonly channel: string
  /** Awaited before each operation; undefined where there is nothing to wait for. */
  readonly prepare: () => Promise<void> | undefined
}

export interface Ran<R> {
  readonly result: R
  readonly changes: readonly Told[]
}

export class Runner {
  readonly #options: RunnerOptions
  /** Names of prepared statements, the same on every connection. */
  readonly #names = new Map<Compiled, string>()
  readonly #underWay = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  read<R>(make: () => Op<R>): Promise<R> {
    return this.#tracked(async () => {
      await this.#options.prepare()
      return (await this.#transact(make, 'read')).result
    })
  }

  write<R>(make: () => Op<R>): Promise<Ran<R>> {
    return this.#tracked(async () => {
      await this.#options.prepare()
      return await this.#transact(make, 'write')
    })
  }

  /** A statement outside any operation that writes nothing, or nothing that doing it twice would harm. */
  query(query: QueryConfig): Promise<Answer> {
    const steps = [{ text: beginWrite }, query, { text: 'COMMIT' }]
    return this.#tracked(() =>
      this.#attempts(async (client) => {
        const [, answer] = await settled(steps.map((step) => this.#options.send(client, step)))
        if (!answer) throw new Error('no answer')
        return answer
      }),
    )
  }

  /** Statements in one transaction, for the blobs: they are no operation of the store, and not tried again. */
  transaction(queries: readonly QueryConfig[]): Promise<void> {
    const steps = [{ text: beginWrite }, ...queries, { text: 'COMMIT' }]
    return this.#tracked(() =>
      this.#attempts(async (client) => {
        try {
          await settled(steps.map((step) => this.#options.send(client, step)))
        } catch (error) {
          throw error instanceof Failed && error.verdict === 'lost'
            ? new Failed(error.cause, 'unavailable')
            : error
        }
      }),
    )
  }

  /** Waits for what is under way; what comes after is refused. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  async #tracked<R>(run: () => Promise<R>): Promise<R> {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
    const done = run()
    this.#underWay.add(done)
    try {
      return await done
    } finally {
      this.#underWay.delete(done)
    }
  }

  #transact<R>(make: () => Op<R>, kind: 'read' | 'write'): Promise<Ran<R>> {
    return this.#attempts((client) => new Transaction(this.#options, this.#names, client).run(make(), kind))
  }

  /** Until it succeeds, fails for good, or has been tried often enough. */
  async #attempts<R>(task: (client: PoolClient) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withClient(task)
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        const again = error.verdict === 'conflict' || error.verdict === 'lost'
        if (!again || attempt >= this.#options.attempts) throw translated(error)
      }
    }
  }

  async #withClient<R>(task: (client: PoolClient) => Promise<R>): Promise<R> {
    let client: PoolClient
    try {
      client = await this.#options.pool.connect()
    } catch (error) {
      throw new StoreUnavailable('the database cannot be reached', { cause: error })
    }
    // A connection that breaks rejects its queries too; unheard, the event would end the process.
    const ignore = (): void => undefined
    client.on('error', ignore)
    let sound = false
    try {
      const result = await task(client)
      sound = true
      return result
    } catch (error) {
      if (error instanceof Failed && error.verdict !== 'lost') {
        // When this fails the connection is broken, and the transaction with it.
        sound = await client.query('ROLLBACK').then(
          () => true,
          () => false,
        )
      }
      throw error
    } finally {
      client.removeListener('error', ignore)
      client.release(!sound)
    }
  }
}

/**
 * Connections are read-only but for transactions that say otherwise (`readOnlyByDefault`): BEGIN is not waited for, and were
 * it to fail alone, the statements behind it would each commit by itself.
 */
const beginWrite = 'BEGIN READ WRITE'
const beginRead = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'
export const readOnlyByDefault = 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY'

/** All answers, or the first failure once all are in: what follows a failed statement fails for that reason alone. */
async function settled(sent: readonly Promise<Answer>[], committing = false): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const one of await Promise.allSettled(sent)) {
    if (one.status === 'rejected') throw new Failed(one.reason, verdictOf(one.reason), committing)
    answers.push(one.value)
  }
  return answers
}

/** A statement or the connection failed, and the transaction has been rolled back or is gone. */
class Failed extends Error {
  readonly verdict: ReturnType<typeof verdictOf>
  readonly committing: boolean
  constructor(cause: unknown, verdict: ReturnType<typeof verdictOf>, committing = false) {
    super('a statement failed', { cause })
    this.verdict = committing && verdict === 'lost' ? 'unavailable' : verdict
    this.committing = committing && verdict === 'lost'
  }
}

/** What the caller hears of a failure that is final. */
function translated(failed: Failed): unknown {
  if (failed.verdict === 'wrong') return failed.cause
  const { cause, committing: outcomeUnknown } = failed
  const message = outcomeUnknown
    ? 'the connection to the database was lost during a commit'
    : 'the database failed'
  return new StoreUnavailable(message, { cause, outcomeUnknown })
}

class Transaction {
  readonly #options: RunnerOptions
  readonly #names: Map<Compiled, string>
  readonly #client: PoolClient
  #begun: Promise<Answer> | null = null
  #kind: 'read' | 'write' = 'write'
  #changes: Told[] = []

  constructor(options: RunnerOptions, names: Map<Compiled, string>, client: PoolClient) {
    this.#options = options
    this.#names = names
    this.#client = client
  }

  async run<R>(operation: Op<R>, kind: 'read' | 'write'): Promise<Ran<R>> {
    this.#kind = kind
    let step = operation.next()
    while (!step.done) {
      const { value } = step
      if (value instanceof Stmt) step = operation.next((await this.#send([value]))[0])
      else if (value instanceof Many) step = operation.next(await this.#send(value.statements))
      else if (value.kind === 'undo') step = operation.next(await this.#undo())
      else {
        this.#changes.push(value.change)
        step = operation.next()
      }
    }
    await this.#commit()
    return { result: step.value, changes: this.#changes }
  }

  /** Sends them in one go and answers each in the form of its mode. */
  async #send(statements: readonly Stmt<unknown>[]): Promise<unknown[]> {
    if (statements.length === 0) return []
    const sent: Promise<Answer>[] = []
    if (!this.#begun) {
      const text = this.#kind === 'read' ? beginRead : beginWrite
      this.#begun = this.#options.send(this.#client, { text })
      sent.push(this.#begun)
    }
    for (const statement of statements) sent.push(this.#options.send(this.#client, this.#queryOf(statement)))
    const answers = (await settled(sent)).slice(-statements.length)
    return answers.map((answer, index) => resultOf(statements[index]?.mode, answer))
  }

  #queryOf({ mode, compiled, values }: Stmt<unknown>): QueryConfig & { rowMode?: 'array' } {
    const query = {
      text: compiled.pg,
      values: bound(values),
      ...(mode === 'tuples' && { rowMode: 'array' as const }),
    }
    const known = this.#names.get(compiled)
    if (known !== undefined) return { ...query, name: known }
    if (this.#names.size >= this.#options.preparedStatements) return query
    const name = `s${this.#names.size}`
    this.#names.set(compiled, name)
    return { ...query, name }
  }

  async #undo(): Promise<void> {
    this.#changes = []
    if (this.#begun) await settled([this.#options.send(this.#client, { text: 'ROLLBACK' })])
    this.#begun = null
  }

  async #commit(): Promise<void> {
    if (!this.#begun) return
    const payloads = this.#options.payloads(this.#changes)
    if (payloads.length > 0) {
      // In a round trip of its own: a failure here is before the commit, and known to be.
      await settled([
        this.#options.send(this.#client, {
          name: 'notify',
          text: 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) WITH ORDINALITY AS told (payload, n) ORDER BY n',
          values: [this.#options.channel, payloads],
        }),
      ])
    }
    const [answer] = await settled(
      [this.#options.send(this.#client, { text: 'COMMIT' })],
      this.#kind === 'write',
    )
    // COMMIT of a transaction that failed answers ROLLBACK, without an error.
    if (answer?.command !== 'COMMIT') throw new Error(`COMMIT was answered ${answer?.command}`)
  }
}

function resultOf(mode: Stmt<unknown>['mode'] | undefined, answer: Answer): unknown {
  if (mode === 'run') return answer.rowCount ?? 0
  return mode === 'get' ? answer.rows[0] : answer.rows
}

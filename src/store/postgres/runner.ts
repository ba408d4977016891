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
import type { Change, ChangeBatch } from '../changes.ts'
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
  readonly payloads: (changes: readonly (Change | ChangeBatch)[]) => string[]
  readonly channel: string
  /** Awaited before each operation; undefined where there is nothing to wait for. */
  readonly prepare: () => Promise<void> | undefined
}

export interface Ran<R> {
  readonly result: R
  readonly changes: readonly (Change | ChangeBatch)[]
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
      return (await this.#attempts(make, 'read')).result
    })
  }

  write<R>(make: () => Op<R>): Promise<Ran<R>> {
    return this.#tracked(async () => {
      await this.#options.prepare()
      return await this.#attempts(make, 'write')
    })
  }

  /** A statement outside any operation, in a transaction of its own. */
  query(query: QueryConfig): Promise<Answer> {
    return this.#tracked(() => this.#withClient((client) => this.#options.send(client, query)))
  }

  /** Statements in one transaction, for the blobs: they are no operation of the store. */
  transaction(queries: readonly QueryConfig[]): Promise<void> {
    const steps = [{ text: 'BEGIN' }, ...queries, { text: 'COMMIT' }]
    return this.#tracked(() => this.#withClient(async (client) => void (await this.#together(client, steps))))
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

  async #attempts<R>(make: () => Op<R>, kind: 'read' | 'write'): Promise<Ran<R>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withClient((client) =>
          new Transaction(this.#options, this.#names, client).run(make(), kind),
        )
      } catch (error) {
        if (!(error instanceof Failed) || attempt >= this.#options.attempts) throw translated(error)
        if (error.verdict !== 'conflict' && error.verdict !== 'lost') throw translated(error)
      }
    }
  }

  async #withClient<R>(run: (client: PoolClient) => Promise<R>): Promise<R> {
    let client: PoolClient
    try {
      client = await this.#options.pool.connect()
    } catch (error) {
      throw new StoreUnavailable('the database cannot be reached', { cause: error })
    }
    // A connection that breaks rejects its queries too; unheard, the event would end the process.
    const ignore = (): void => undefined
    client.on('error', ignore)
    try {
      const result = await run(client)
      client.removeListener('error', ignore)
      client.release()
      return result
    } catch (error) {
      client.removeListener('error', ignore)
      // A refused statement leaves a sound connection; anything else is not worth keeping.
      client.release(!(error instanceof Failed) || error.verdict === 'lost')
      throw error instanceof Failed ? error : translated(error)
    }
  }

  async #together(client: PoolClient, queries: readonly QueryConfig[]): Promise<void> {
    const sent = queries.map((query) => this.#options.send(client, query))
    const settled = await Promise.allSettled(sent)
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed) {
      await client.query('ROLLBACK').catch(() => undefined)
      throw new Failed(failed.reason, verdictOf(failed.reason))
    }
  }
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

function translated(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return error
  if (!(error instanceof Failed)) {
    return verdictOf(error) === 'wrong' || !isOfDriver(error)
      ? error
      : new StoreUnavailable('the database failed', { cause: error })
  }
  if (error.verdict === 'wrong') return error.cause
  const { cause, committing: outcomeUnknown } = error
  return new StoreUnavailable(
    outcomeUnknown ? 'the connection to the database was lost during a commit' : 'the database failed',
    { cause, outcomeUnknown },
  )
}

/** An operation may throw on its own account, and a bug must look like one. */
function isOfDriver(error: unknown): boolean {
  return error instanceof Error && 'severity' in error
}

class Transaction {
  readonly #options: RunnerOptions
  readonly #names: Map<Compiled, string>
  readonly #client: PoolClient
  #begun: Promise<Answer> | null = null
  #kind: 'read' | 'write' = 'write'
  #changes: (Change | ChangeBatch)[] = []

  constructor(options: RunnerOptions, names: Map<Compiled, string>, client: PoolClient) {
    this.#options = options
    this.#names = names
    this.#client = client
  }

  async run<R>(operation: Op<R>, kind: 'read' | 'write'): Promise<Ran<R>> {
    this.#kind = kind
    try {
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
    } catch (error) {
      const lost = error instanceof Failed && error.verdict === 'lost'
      if (this.#begun && !lost && !(error instanceof Failed && error.committing)) await this.#rollback()
      throw error
    }
  }

  /** Sends them in one go and answers each in the form of its mode. */
  async #send(statements: readonly Stmt<unknown>[]): Promise<unknown[]> {
    if (statements.length === 0) return []
    const sent: Promise<Answer>[] = []
    if (!this.#begun) {
      const text = this.#kind === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN'
      this.#begun = this.#options.send(this.#client, { text })
      sent.push(this.#begun)
    }
    for (const statement of statements) sent.push(this.#options.send(this.#client, this.#queryOf(statement)))
    const answers = (await this.#all(sent)).slice(-statements.length)
    return answers.map((answer, index) => resultOf(statements[index]?.mode, answer))
  }

  /** All answers, or the first failure once all are in: what follows a failed statement fails for that reason alone. */
  async #all(sent: readonly Promise<Answer>[], committing = false): Promise<Answer[]> {
    const settled = await Promise.allSettled(sent)
    const answers: Answer[] = []
    for (const one of settled) {
      if (one.status === 'rejected') throw new Failed(one.reason, verdictOf(one.reason), committing)
      answers.push(one.value)
    }
    return answers
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
    if (this.#begun) await this.#all([this.#options.send(this.#client, { text: 'ROLLBACK' })])
    this.#begun = null
  }

  async #commit(): Promise<void> {
    if (!this.#begun) return
    const payloads = this.#options.payloads(this.#changes)
    if (payloads.length > 0) {
      // In a round trip of its own: a failure here is before the commit, and known to be.
      await this.#all([
        this.#options.send(this.#client, {
          name: 'notify',
          text: 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) WITH ORDINALITY AS told (payload, n) ORDER BY n',
          values: [this.#options.channel, payloads],
        }),
      ])
    }
    const [answer] = await this.#all(
      [this.#options.send(this.#client, { text: 'COMMIT' })],
      this.#kind === 'write',
    )
    // COMMIT of a transaction that failed answers ROLLBACK, without an error.
    if (answer?.command !== 'COMMIT') throw new Error(`COMMIT was answered ${answer?.command}`)
  }

  async #rollback(): Promise<void> {
    // When this fails the connection is broken, and the transaction with it.
    await this.#client.query('ROLLBACK').catch(() => undefined)
  }
}

function resultOf(mode: Stmt<unknown>['mode'] | undefined, answer: Answer): unknown {
  if (mode === 'run') return answer.rowCount ?? 0
  return mode === 'get' ? answer.rows[0] : answer.rows
}

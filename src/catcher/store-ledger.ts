// The ledger of a catcher whose mail outlives the program: summaries and records as objects of its account, written behind their delivery:
// in batches, one at a time, in the order of what happened.
//
// What is written here is no promise to anybody: the message itself is safe. Trouble is told as an event, and the next batch goes on.
import type { Clock, Timer } from '../base/clock.ts'
import { recordsFailed } from '../events/catcher.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import type { AccountId, ObjectId } from '../store/model.ts'
import type { NewObject } from '../store/objects.ts'
import type { Store } from '../store/store.ts'
import { decodeRecord, encodeRecord, type Ledger } from './ledger.ts'
import type { CaughtId, CaughtRecord } from './message.ts'
import type { Row } from './row.ts'

export const summaryKind = 'catcher-message'
const recordKind = 'catcher-record'

/** Milliseconds that a change waits for others. */
const gatherTime = 25
/** Changes that are written at once. */
const batchRows = 250

export interface StoreLedgerParts {
  readonly store: Pick<Store, 'changeObjects' | 'findObject' | 'getObjects' | 'listObjects'>
  readonly account: AccountId
  readonly clock: Clock
  readonly events: Events
}

export class StoreLedger implements Ledger {
  readonly #parts: StoreLedgerParts
  /** Rows whose summary is to be written. */
  #dirty = new Set<Row>()
  #records = new Map<Row, string>()
  #gone: Row[] = []
  #timer: Timer | null = null
  #work: Promise<void> = Promise.resolve()

  constructor(parts: StoreLedgerParts) {
    this.#parts = parts
  }

  changed(row: Row): void {
    this.#dirty.add(row)
    this.#schedule()
  }

  recorded(row: Row, record: CaughtRecord): void {
    this.#records.set(row, encodeRecord(record))
    this.#schedule()
  }

  removed(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#dirty.delete(row)
      this.#records.delete(row)
      this.#gone.push(row)
    }
    this.#schedule()
  }

  async record(row: Row): Promise<CaughtRecord | null> {
    const waiting = this.#records.get(row)
    if (waiting !== undefined) return decodeRecord(waiting)
    const { store, account, clock } = this.#parts
    const request = { account, kind: recordKind, now: clock.now() }
    const object =
      row.recordObject == null
        ? await store.findObject({ ...request, key: row.id })
        : (await store.getObjects({ ...request, ids: [row.recordObject] }))[0]
    return object === undefined ? null : decodeRecord(object.value)
  }

  async flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    while (this.#dirty.size + this.#records.size + this.#gone.length > 0) await this.#run()
    await this.#work
  }

  #schedule(): void {
    if (this.#timer !== null) return
    this.#timer = this.#parts.clock.after(gatherTime, () => {
      this.#timer = null
      void this.#run()
    })
  }

  #run(): Promise<void> {
    this.#work = this.#work.then(() => this.#write())
    return this.#work
  }

  async #write(): Promise<void> {
    const summaries = take(this.#dirty, batchRows)
    const records = take(this.#records.keys(), batchRows).map((row) => {
      const value = this.#records.get(row) ?? ''
      return { row, value }
    })
    const gone = this.#gone.splice(0)
    for (const row of summaries) this.#dirty.delete(row)
    try {
      await this.#writeSummaries(summaries)
      await this.#writeRecords(records)
      for (const { row, value } of records) {
        if (this.#records.get(row) === value) this.#records.delete(row)
      }
      await this.#remove(gone)
    } catch (error) {
      for (const { row } of records) this.#records.delete(row)
      const messages = new Set([...summaries, ...records.map(({ row }) => row), ...gone]).size
      this.#parts.events.emit(recordsFailed, { messages, error: errorText(error) })
    }
    if (this.#dirty.size + this.#records.size + this.#gone.length > 0) this.#schedule()
  }

  async #writeSummaries(rows: readonly Row[]): Promise<void> {
    const fresh = rows.filter(({ summaryObject }) => summaryObject === null)
    const known = rows.flatMap(({ summaryObject: id, json: value }) => (id === null ? [] : [{ id, value }]))
    const created = await this.#change(summaryKind, {
      create: fresh.map(({ id: key, json: value }) => ({ key, value })),
      update: known,
    })
    for (const [index, row] of fresh.entries()) row.summaryObject = created[index] ?? null
  }

  async #writeRecords(records: readonly { readonly row: Row; readonly value: string }[]): Promise<void> {
    const create = records.map(({ row, value }) => ({ key: row.id, value }))
    const created = await this.#change(recordKind, { create })
    for (const [index, { row }] of records.entries()) row.recordObject = created[index] ?? null
  }

  async #change(
    kind: string,
    {
      create,
      update = [],
    }: { create: readonly NewObject[]; update?: readonly { id: ObjectId; value: string }[] },
  ): Promise<readonly ObjectId[]> {
    if (create.length + update.length === 0) return []
    const { store, account, clock } = this.#parts
    const result = await store.changeObjects({ account, kind, create, update, now: clock.now() })
    if (!result.ok) throw new Error(`${kind}: ${result.reason}`)
    return result.created
  }

  async #remove(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    const summaries = rows.flatMap(({ summaryObject }) => (summaryObject === null ? [] : [summaryObject]))
    await this.#destroy(summaryKind, summaries)
    const known = rows.flatMap(({ recordObject }) => (recordObject == null ? [] : [recordObject]))
    const unknown = rows.filter(({ recordObject }) => recordObject === undefined).map(({ id }) => id)
    await this.#destroy(recordKind, [...known, ...(await this.#recordsOf(unknown))])
  }

  async #destroy(kind: string, destroy: readonly ObjectId[]): Promise<void> {
    if (destroy.length === 0) return
    const { store, account, clock } = this.#parts
    const result = await store.changeObjects({ account, kind, destroy, now: clock.now() })
    if (!result.ok) throw new Error(`${kind}: ${result.reason}`)
  }

  /** Of messages that an earlier life of the program caught. */
  async #recordsOf(ids: readonly CaughtId[]): Promise<ObjectId[]> {
    const { store, account, clock } = this.#parts
    const kind = recordKind
    if (ids.length > 20) {
      const wanted = new Set<string | null>(ids)
      const all = await store.listObjects({ account, kind, now: clock.now() })
      return all.filter(({ key }) => wanted.has(key)).map(({ id }) => id)
    }
    const found: ObjectId[] = []
    for (const key of ids) {
      const object = await store.findObject({ account, kind, key, now: clock.now() })
      if (object !== undefined) found.push(object.id)
    }
    return found
  }
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = []
  for (const item of items) {
    if (taken.length >= most) break
    taken.push(item)
  }
  return taken
}

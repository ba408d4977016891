// The ledger of a catcher whose mail ends with the program: rows are all there is of summaries, and records are put aside.
import type { Spool, SpoolPlace } from '../store/spool.ts'
import { decodeRecord, encodeRecord, type Ledger } from './ledger.ts'
import type { CaughtRecord } from './message.ts'
import type { Row } from './row.ts'

const nothing = new Uint8Array()

export class SpoolLedger implements Ledger {
  readonly #spool: Spool
  readonly #places = new WeakMap<Row, SpoolPlace>()

  constructor(spool: Spool) {
    this.#spool = spool
  }

  changed(): void {}

  recorded(row: Row, record: CaughtRecord): void {
    this.removed([row])
    this.#places.set(row, this.#spool.append([encodeRecord(record)], nothing))
  }

  removed(rows: readonly Row[]): void {
    for (const row of rows) {
      const place = this.#places.get(row)
      if (place === undefined) continue
      this.#places.delete(row)
      this.#spool.remove(place)
    }
  }

  async record(row: Row): Promise<CaughtRecord | null> {
    const place = this.#places.get(row)
    const [text] = place === undefined ? [] : this.#spool.read(place).texts
    return text === undefined ? null : decodeRecord(text)
  }

  async flush(): Promise<void> {}
}

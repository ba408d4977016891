// Blobs in PostgreSQL: small ones in their row, large ones in chunks of 64 KB that are written while they arrive.
//
// - A writer or reader holds no connection between two calls, and in memory no more than a few chunks.
// - Chunks are committed without waiting for the disk: the commit of the row that names them comes later in the same log, and
//   waits for all of it. A crash before leaves a file that no row names, or half of one: garbage either way.
// - A file that no row names is kept for a while by the database's clock, since its message may be about to be delivered.
import type { QueryConfig } from 'pg'
import type { BlobId, StagedBlob } from '../model.ts'
import { type BlobStore, type BlobWriter, StoreUnavailable } from '../store.ts'
import type { Runner } from './runner.ts'

const chunkBytes = 65_536
/** Written, and read, in one round trip. */
const chunksAtOnce = 4

export interface BlobOptions {
  readonly runner: Runner
  /** Blobs up to this size stay in memory until their row is written. */
  readonly inlineBytes: number
  /** A new key that nobody has. */
  readonly newKey: () => string
  readonly locate: (blob: BlobId) => Promise<Place | undefined>
}

/** Where a blob's bytes are: in its row, or in chunks under a key. */
interface Place {
  readonly size: number
  readonly key: string | null
  readonly data: Uint8Array | null
}

export class PostgresBlobs implements BlobStore {
  readonly #options: BlobOptions

  constructor(options: BlobOptions) {
    this.#options = options
  }

  stage(): BlobWriter {
    return new ChunkWriter(this.#options)
  }

  async *read(blob: BlobId, range?: { start: number; end: number }): AsyncGenerator<Uint8Array> {
    const place = await this.#options.locate(blob)
    if (!place) throw new Error(`there is no blob ${blob}`)
    yield* this.#pieces(place, range)
  }

  readStaged(blob: StagedBlob, range?: { start: number; end: number }): AsyncGenerator<Uint8Array> {
    const place =
      blob.type === 'inline'
        ? { size: blob.size, key: null, data: blob.bytes }
        : { size: blob.size, key: blob.key, data: null }
    return this.#pieces(place, range)
  }

  async *#pieces(place: Place, range?: { start: number; end: number }): AsyncGenerator<Uint8Array> {
    const { size, key, data } = place
    const start = Math.max(0, range?.start ?? 0)
    const end = Math.min(size, range?.end ?? size)
    if (start >= end) return
    if (data) return yield data.subarray(start, end)
    let at = start
    while (at < end) {
      const first = Math.floor(at / chunkBytes)
      const rows = await this.#chunks(key, first, Math.min(first + chunksAtOnce, Math.ceil(end / chunkBytes)))
      if (rows.length === 0) throw new Error(`the file ${key} lacks chunk ${first}`)
      for (const chunk of rows) {
        const offset = at % chunkBytes
        const bytes = chunk.subarray(offset, Math.min(chunk.length, offset + end - at))
        at += bytes.length
        yield bytes
      }
    }
  }

  async readSmall(blob: BlobId): Promise<Uint8Array | undefined> {
    const place = await this.#options.locate(blob)
    if (!place) throw new Error(`there is no blob ${blob}`)
    return place.data ?? undefined
  }

  /** Drops files by key, in no hurry. */
  async drop(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    await this.#options.runner.query({
      text: 'DELETE FROM blob_file WHERE key = ANY($1)',
      values: [[...keys]],
    })
  }

  /** Drops files that no row names and that were staged longer ago than this. */
  async dropOrphans(milliseconds: number): Promise<number> {
    const { rowCount } = await this.#options.runner.query({
      text: `DELETE FROM blob_file AS file WHERE staged_at < now() - $1 * interval '1 millisecond'
        AND NOT EXISTS (SELECT FROM blob WHERE blob.key = file.key)`,
      values: [milliseconds],
    })
    return rowCount ?? 0
  }

  /** Octets of a file, or undefined where there is none; and whether its chunks are in order and full. */
  async sizeOf(keys: readonly string[]): Promise<Map<string, { size: number; sound: boolean }>> {
    const { rows } = await this.#options.runner.query({
      text: `SELECT key, sum(octet_length(data)) AS size,
          max(position) = count(*) - 1
            AND bool_and(octet_length(data) = ${chunkBytes} OR position = last) AS sound
        FROM (SELECT key, position, data, max(position) OVER (PARTITION BY key) AS last
          FROM blob_chunk WHERE key = ANY($1)) AS chunk
        GROUP BY key`,
      values: [[...keys]],
    })
    // The columns of the statement above; a boolean comes as text.
    const sizes = rows as { key: string; size: number; sound: string }[]
    return new Map(sizes.map(({ key, size, sound }) => [key, { size, sound: sound === 't' }]))
  }

  async #chunks(key: string | null, first: number, past: number): Promise<Uint8Array[]> {
    const query = {
      name: 'chunks',
      text: 'SELECT data FROM blob_chunk WHERE key = $1 AND position >= $2 AND position < $3 ORDER BY position',
      values: [key, first, past],
    }
    const { rows } = await this.#options.runner.query(query)
    // Of that one column.
    return (rows as { data: Uint8Array }[]).map(({ data }) => data)
  }
}

/** Keeps what comes until it is more than may stay in memory, then writes full chunks. */
class ChunkWriter implements BlobWriter {
  readonly #options: BlobOptions
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #size = 0
  #key: string | null = null
  #position = 0
  #state: 'open' | 'finished' | 'discarded' = 'open'

  constructor(options: BlobOptions) {
    this.#options = options
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#state !== 'open') throw new TypeError('the blob is finished or discarded')
    this.#pending.push(Uint8Array.from(bytes))
    this.#pendingBytes += bytes.length
    this.#size += bytes.length
    if (this.#size > this.#options.inlineBytes && this.#pendingBytes >= chunkBytes * chunksAtOnce) {
      return this.#flush(false)
    }
  }

  async finish(): Promise<StagedBlob> {
    if (this.#state !== 'open') throw new TypeError('the blob is finished or discarded')
    if (this.#size <= this.#options.inlineBytes) {
      this.#state = 'finished'
      return { type: 'inline', size: this.#size, bytes: this.#joined() }
    }
    await this.#flush(true)
    this.#state = 'finished'
    if (this.#key === null) throw new StoreUnavailable('the blob was discarded')
    return { type: 'stored', size: this.#size, key: this.#key }
  }

  async discard(): Promise<void> {
    // After `finish` the blob is the store's: a message may have it, and if none has, it is garbage.
    if (this.#state !== 'open') return
    this.#state = 'discarded'
    this.#pending = []
    const key = this.#key
    if (key === null) return
    try {
      await this.#options.runner.query({ text: 'DELETE FROM blob_file WHERE key = $1', values: [key] })
    } catch (error) {
      // The collection will find it.
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }

  #joined(): Uint8Array {
    const [only] = this.#pending
    const all = this.#pending.length === 1 && only ? only : Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    return all
  }

  /** Writes all full chunks, and at the end the rest. */
  async #flush(atEnd: boolean): Promise<void> {
    const all = this.#joined()
    const queries: QueryConfig[] = [{ text: 'SET LOCAL synchronous_commit = off' }]
    if (this.#key === null) {
      this.#key = this.#options.newKey()
      queries.push({ text: 'INSERT INTO blob_file (key) VALUES ($1)', values: [this.#key] })
    }
    let at = 0
    for (; all.length - at >= chunkBytes || (atEnd && at < all.length); at += chunkBytes) {
      queries.push({
        name: 'stage',
        text: 'INSERT INTO blob_chunk (key, position, data) VALUES ($1, $2, $3)',
        values: [this.#key, this.#position++, all.subarray(at, at + chunkBytes)],
      })
    }
    if (at < all.length) {
      this.#pending = [all.subarray(at)]
      this.#pendingBytes = all.length - at
    }
    await this.#options.runner.transaction(queries)
  }
}

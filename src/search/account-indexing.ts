// One account's index brought up to its mail: new segments above the cursor, then merges, then the blocks of what was replaced go.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { SearchConfig } from '../config/sections/search.ts'
import type { Events } from '../events/event.ts'
import { searchIndexed, searchMerged } from '../events/search.ts'
import type { AccountId, BlobId, EmailId } from '../store/model.ts'
import type { SearchIndexStore, SearchSegment } from '../store/search-index.ts'
import { type BlobStore, type LeaseStore, StoreUnavailable } from '../store/store.ts'
import type { EmailToRead, IndexJob, IndexResult, WorkHost, Workshop } from './index-work.ts'
import { planMerge } from './merge-plan.ts'
import { segmentVersion } from './segment-format.ts'
import { SegmentGone } from './segment-gone.ts'

export type IndexingStore = SearchIndexStore & LeaseStore & { readonly blobs: BlobStore }

/** Emails of the account: up to `done` of `newest` are indexed. */
export interface IndexProgress {
  readonly done: number
  readonly newest: number
}

export interface AccountIndexingOptions {
  readonly store: IndexingStore
  readonly workshop: Workshop
  readonly clock: Clock
  readonly events: Events
  readonly config: SearchConfig
  readonly holder: string
  readonly account: AccountId
  readonly signal: AbortSignal
  /** Called after each piece of work with the milliseconds that it took; rejects when it is time to stop. */
  readonly pause: (spent: number) => Promise<void>
}

const leaseName = 'search-index'
const leaseTime = 120_000
/** Emails in one step, octets of small messages in it: what passes to the workshop at once. */
const emailsAtOnce = 50
const octetsAtOnce = 1024 * 1024
/** Larger messages are read by stretches. */
const smallMessage = 256 * 1024
/** Ids read at once: a millisecond or two. */
const aliveAtOnce = 4_000
/** Blocks removed in one commit. */
const sweptAtOnce = 16

export class AccountIndexing {
  readonly #options: AccountIndexingOptions
  #renewAt = 0
  #taken = 0

  constructor(options: AccountIndexingOptions) {
    this.#options = options
  }

  /** `taken`: another node is at it. Rejects as the store's calls and `pause` do. */
  async run(onProgress: (progress: IndexProgress) => void = () => {}): Promise<IndexProgress | 'taken'> {
    const { store, account, holder } = this.#options
    if (!(await this.#renew())) return 'taken'
    try {
      await this.#dropOtherVersions()
      let progress = await this.#progress()
      onProgress(progress)
      while (progress.done < progress.newest) {
        await this.#sweep()
        await this.#indexSome(progress)
        await this.#mergeAll()
        progress = await this.#progress()
        onProgress(progress)
      }
      await this.#sweep()
      return progress
    } finally {
      await store.releaseLease({ account, name: leaseName, holder }).catch(() => undefined)
    }
  }

  async #progress(): Promise<IndexProgress> {
    const found = await this.#options.store.searchProgress(this.#options.account)
    return { done: found?.cursor ?? 0, newest: found?.newest ?? 0 }
  }

  /** Keeps the lease; called between steps. */
  async #renew(): Promise<boolean> {
    const { store, clock, account, holder } = this.#options
    if (clock.monotonic() < this.#renewAt) return true
    const now = clock.now()
    const ours = await store.acquireLease({
      account,
      name: leaseName,
      holder,
      now,
      expiresAt: now + leaseTime,
    })
    this.#renewAt = clock.monotonic() + leaseTime / 3
    return ours
  }

  async #dropOtherVersions(): Promise<void> {
    const { store, account } = this.#options
    const segments = await store.searchSegments(account)
    if (segments.some(({ version }) => version !== segmentVersion)) await store.dropSearchIndex(account)
  }

  /** One new segment, or none where all emails up to the newest are gone. */
  async #indexSome({ done, newest }: IndexProgress): Promise<void> {
    const { store, account, config, clock, events } = this.#options
    const segment = await store.beginSegment(account)
    if (segment === undefined) return
    const started = clock.monotonic()
    const result = await this.#work(segment, {
      after: done,
      job: {
        ...{ job: 'build', emails: config.batch, characters: config.batchText },
        limits: { header: config.header, text: config.text },
      },
    })
    if (result.emails === 0) {
      // No account has so many that the brand matters: these are ids it has had.
      await store.skipIndexing({ account, cursor: newest as EmailId })
      return
    }
    await this.#save(segment, { result, replaces: [] })
    const milliseconds = Math.round(clock.monotonic() - started)
    events.emit(searchIndexed, { account, messages: result.emails, bytes: result.size, milliseconds })
  }

  async #mergeAll(): Promise<void> {
    const { store, account, config } = this.#options
    for (;;) {
      const plan = planMerge(await store.searchSegments(account), config.segment)
      if (plan === undefined) return
      await this.#merge(plan)
      await this.#sweep()
    }
  }

  async #merge(plan: readonly SearchSegment[]): Promise<void> {
    const { store, account, clock, events } = this.#options
    const first = plan[0]?.firstEmail
    const last = plan.at(-1)?.lastEmail
    if (first === undefined || last === undefined) return
    const segment = await store.beginSegment(account)
    if (segment === undefined) return
    const started = clock.monotonic()
    const alive = await this.#alive(first, last)
    const segments = plan.map(({ id }) => id)
    const result = await this.#work(segment, { job: { job: 'merge', segments, alive }, after: 0 })
    await this.#save(segment, { result: { ...result, first, last }, replaces: segments })
    events.emit(searchMerged, {
      ...{ account, segments: segments.length, messages: result.emails, bytes: result.size },
      milliseconds: Math.round(clock.monotonic() - started),
    })
  }

  /** Emails that are left in a stretch; read in pieces, since they may be many. */
  async #alive(first: EmailId, last: EmailId): Promise<Float64Array> {
    const { store, account } = this.#options
    const pieces: Float64Array[] = []
    let from: number = first
    while (from <= last) {
      // The one behind an email of the account.
      const piece = await store.emailsBetween({ account, first: from as EmailId, last, limit: aliveAtOnce })
      pieces.push(piece)
      if (piece.length < aliveAtOnce) break
      from = (piece.at(-1) ?? last) + 1
      await this.#step()
    }
    const all = new Float64Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      all.set(piece, at)
      at += piece.length
    }
    return all
  }

  async #save(id: number, made: { result: IndexResult; replaces: readonly number[] }): Promise<void> {
    const { store, account } = this.#options
    const { first, last, emails, size } = made.result
    // Ids that came from the store.
    const segment = { id, firstEmail: first as EmailId, lastEmail: last as EmailId, emails, size }
    const saved = await store.saveSegment({
      account,
      segment: { ...segment, version: segmentVersion },
      replaces: made.replaces,
      cursor: last as EmailId,
    })
    if (!saved) throw new Error('the index was changed by another node')
  }

  async #sweep(): Promise<void> {
    const { store, account } = this.#options
    while (await store.sweepSearchIndex({ account, keep: null, limit: sweptAtOnce })) await this.#step()
  }

  /** Between two steps: the time since the last one counts as spent. */
  async #step(): Promise<void> {
    const { clock, pause } = this.#options
    const spent = clock.monotonic() - this.#taken
    await pause(spent)
    if (!(await this.#renew())) throw new Error('another node has taken the index over')
    this.#taken = clock.monotonic()
  }

  async #work(segment: number, { job, after }: { job: IndexJob; after: number }): Promise<IndexResult> {
    this.#taken = this.#options.clock.monotonic()
    return await this.#options.workshop.run(job, this.#host(segment, after))
  }

  #host(segment: number, after: number): WorkHost {
    const { store, account } = this.#options
    let last = after
    return {
      nextEmails: async () => {
        await this.#step()
        const emails = await this.#nextEmails(last)
        last = emails.at(-1)?.email ?? last
        return emails
      },
      readBlob: async (blob, start, end) => {
        const chunks: Uint8Array[] = []
        try {
          // The id came from the email's row.
          for await (const chunk of store.blobs.read(blob as BlobId, { start, end })) chunks.push(chunk)
        } catch (error) {
          if (error instanceof StoreUnavailable) throw error
          return null
        }
        return Buffer.concat(chunks)
      },
      readRow: async (from, row) => {
        const [bytes] = await store.searchBlocks({ account, segment: from, numbers: [row] })
        if (bytes === undefined) throw new SegmentGone()
        return bytes
      },
      writeRows: async (blocks) => {
        await this.#step()
        if (!(await store.putSearchBlocks({ account, segment, blocks }))) throw new SegmentGone()
      },
    }
  }

  /** A stretch of emails, small ones with their octets. */
  async #nextEmails(last: number): Promise<EmailToRead[]> {
    const { store, account, config } = this.#options
    const rows = await store.emailsToIndex({
      account,
      after: last as EmailId,
      limit: Math.min(emailsAtOnce, config.batch),
    })
    const emails: EmailToRead[] = []
    let octets = 0
    for (const { email, blob, size, prefix, structure } of rows) {
      let bytes: Uint8Array | null = null
      let readable = true
      try {
        if (size <= smallMessage) bytes = (await store.blobs.readSmall(blob)) ?? null
      } catch (error) {
        // Expunged and collected meanwhile, or damaged: a search finds out.
        if (error instanceof StoreUnavailable) throw error
        readable = false
      }
      emails.push({ email, blob, prefix, structure: readable ? structure : '', bytes })
      octets += bytes?.length ?? 0
      if (octets >= octetsAtOnce) break
    }
    return emails
  }
}

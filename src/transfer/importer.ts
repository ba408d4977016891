// The side of an import that stands at the store: takes records, stages the messages, and appends them in small commits.
//
// - What was brought is remembered in the very commit that brings it, under the account, the source, its folder and the mailbox:
//   an import that was cut off at any moment goes on exactly where it was, and one that is repeated brings only what is new.
// - Two imports of the same folder into the same mailbox go one after the other: the second knows all that the first has brought.
// - A message without a key of its own is known by its octets, and by how many of the same came before it in its folder.
// - Beside a running server it is gentle: a commit is small, and is followed by a pause at least as long as it took, so that
//   mail that is delivered meanwhile waits for one small commit at most.
// - A message that cannot be kept is told and passed over. A full account ends the import: what is there stays.
import { createHash, type Hash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { MimeLimits } from '../mail/mime/limits.ts'
import { type Ingest, ingest } from '../store/ingest.ts'
import type { Account, AccountId, MailboxId, Uid } from '../store/model.ts'
import type { Store } from '../store/store.ts'
import { contentDigest, contentKey } from './content-key.ts'
import { Batch, type Staged, stateMilliseconds } from './import-batch.ts'
import { knownDuplicates, duplicateKey } from './duplicates.ts'
import { type ImportPlace, placeFor } from './import-place.ts'
import type { GiveBack, OneAtATime } from './one-at-a-time.ts'
import type { ImportEvent, ImportRecord, ImportTotals } from './records.ts'

export interface ImporterOptions {
  readonly store: Store
  readonly clock: Clock
  readonly mime: Partial<MimeLimits>
  readonly account: Account
  /** The same on every visit to the same source. */
  readonly source: string
  /** Leaves out what is in the mailbox already by its Message-ID, whoever brought it. */
  readonly dedupe: boolean
  /** Does not look at what earlier imports have brought. */
  readonly again: boolean
  readonly dryRun: boolean
  readonly pace: 'gentle' | 'full'
  readonly tell: (event: ImportEvent) => void
  readonly gone: AbortSignal
  /** Shared by all imports of a process: folders that are being imported. */
  readonly underWay: OneAtATime
}

/** Milliseconds without a pause: a delivery has several turns on this thread, and waits for this long in some of them. */
const longestWork = 1

/** A folder that is being imported. */
interface Current {
  readonly place: ImportPlace
  readonly kind: string
  readonly known: Set<string>
  readonly duplicates: Set<string> | null
  /** How often each content came. */
  readonly seen: Map<string, number>
}

/** A message whose octets are coming. */
interface Open {
  readonly record: Extract<ImportRecord, { type: 'message' }>
  readonly hash: Hash
  readonly ingest: Ingest | null
  size: number
}

export class Importer {
  readonly #options: ImporterOptions
  readonly #batch: Batch
  #current: Current | null = null
  /** Gives the current folder back. */
  #leave: GiveBack = () => {}
  #open: Open | null = null
  /** Milliseconds of work since the last pause. */
  #spent = 0
  #places = new Map<string, { mailbox: MailboxId; uid: Uid }>()
  #totals = { imported: 0, bytes: 0, known: 0, duplicates: 0, failed: 0 }

  constructor(options: ImporterOptions) {
    this.#options = options
    this.#batch = new Batch({
      ...options,
      onKept: (staged, uids, mailbox) => this.#kept(staged, { uids, mailbox }),
      onProblem: (name, reason) => this.#problem(name, reason),
    })
  }

  /** Takes records until they end or the account is full. What came whole before somebody went away is kept. */
  async run(records: AsyncIterable<ImportRecord>): Promise<ImportTotals> {
    let stopped: string | null = null
    try {
      for await (const record of records) {
        if (record.type === 'finish') break
        await this.#pace(() => this.#take(record))
        stopped = this.#batch.stopped
        if (stopped !== null) break
      }
      if (stopped === null) await this.#batch.flush()
    } catch (error) {
      // What came whole is kept, where it is the source that has broken.
      await this.#batch.flush().catch(() => undefined)
      throw error
    } finally {
      this.#leave()
      await this.#open?.ingest?.discard()
      await this.#batch.discard()
    }
    return { ...this.#totals, stopped: stopped ?? this.#batch.stopped }
  }

  /** Beside a running server, at most a third of its time: reading what came costs time too. */
  async #pace(work: () => Promise<void> | void): Promise<void> {
    const { clock, pace, gone } = this.#options
    const started = clock.monotonic() - this.#batch.paused
    await work()
    this.#spent += clock.monotonic() - this.#batch.paused - started
    if (pace === 'full' || this.#spent < longestWork) return
    const rest = Math.min(1_000, 2 * this.#spent)
    this.#spent = 0
    await clock.sleep(rest, gone).catch(() => undefined)
  }

  #take(record: Exclude<ImportRecord, { type: 'finish' }>): Promise<void> | void {
    switch (record.type) {
      case 'folder':
        return this.#folder(record)
      case 'message':
        return this.#message(record)
      case 'data':
        return this.#data(record.data)
      case 'end':
        return this.#end()
      case 'broken':
        return this.#broken()
    }
  }

  async #folder(record: Extract<ImportRecord, { type: 'folder' }>): Promise<void> {
    const { store, account, clock, dryRun, dedupe, again, source, tell, underWay } = this.#options
    await this.#batch.flush()
    this.#leave()
    const place = await placeFor({ store, account: account.id, now: clock.now(), dryRun }, record)
    if (typeof place === 'string') {
      this.#current = null
      this.#problem(record.name, place)
      tell({ type: 'folder', name: record.name, mailbox: '', known: [] })
      return
    }
    const kind = stateKind({ account: account.id, source, folder: record.name, mailbox: place.name })
    // A dry run keeps nobody waiting, and waits for nobody.
    if (!dryRun) this.#leave = await underWay.take(kind)
    const known = again ? new Set<string>() : await this.#recall(kind)
    const duplicates =
      dedupe && place.mailbox !== null
        ? await knownDuplicates(store, account.id, place.mailbox)
        : dedupe
          ? new Set<string>()
          : null
    this.#current = { place, kind, known, duplicates, seen: new Map() }
    tell({ type: 'folder', name: record.name, mailbox: place.name, known: [...known] })
  }

  async #recall(kind: string): Promise<Set<string>> {
    const { store, clock } = this.#options
    const known = new Set<string>()
    for (let after = ''; ;) {
      const rows = await store.recallAll({ kind, after, limit: 500, now: clock.now() })
      for (const { value } of rows) for (const key of value.split(' ')) known.add(key)
      const last = rows.at(-1)
      if (last === undefined || rows.length < 500) return known
      after = last.key
    }
  }

  async #message(record: Extract<ImportRecord, { type: 'message' }>): Promise<void> {
    if (record.isCopy) return this.#copy(record)
    const { store, mime, dryRun } = this.#options
    const staging = dryRun || this.#current === null ? null : ingest({ blobs: store.blobs, limits: mime })
    this.#open = { record, hash: createHash('sha256'), ingest: staging, size: 0 }
    await this.#data(record.data)
    if (!record.more) await this.#end()
  }

  async #data(data: string): Promise<void> {
    const open = this.#open
    if (open === null) return
    const bytes = Buffer.from(data, 'base64')
    open.hash.update(bytes)
    open.size += bytes.length
    await open.ingest?.write(bytes)
  }

  async #broken(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.ingest?.discard()
  }

  async #end(): Promise<void> {
    const open = this.#open
    const current = this.#current
    this.#open = null
    if (open === null || current === null) return this.#failWithoutPlace(open)
    const digest = contentDigest(open.hash)
    const count = (current.seen.get(digest) ?? 0) + 1
    current.seen.set(digest, count)
    const key = open.record.key ?? contentKey(digest, count)
    if (current.known.has(key)) {
      this.#totals.known++
      await open.ingest?.discard()
      return
    }
    current.known.add(key)
    if (open.ingest === null) {
      this.#totals.imported++
      this.#totals.bytes += open.size
      return
    }
    const { message } = await open.ingest.finish()
    if (current.duplicates !== null) {
      const duplicate = duplicateKey(message.structure)
      if (current.duplicates.has(duplicate)) {
        this.#totals.duplicates++
        await open.ingest.discard()
        return
      }
      current.duplicates.add(duplicate)
    }
    const { mailbox } = current.place
    if (mailbox === null) return
    const { name, flags, keywords, internalDate, identity } = open.record
    await this.#batch.add(
      { message, name, flags, keywords, internalDate, identity, key },
      { mailbox, kind: current.kind },
    )
  }

  #failWithoutPlace(open: Open | null): void {
    if (open !== null) this.#totals.failed++
  }

  async #copy(record: Extract<ImportRecord, { type: 'message' }>): Promise<void> {
    const { store, account, clock, dryRun } = this.#options
    const current = this.#current
    const key = record.key ?? ''
    if (current === null || current.known.has(key)) {
      this.#totals.known++
      return
    }
    if (dryRun || current.place.mailbox === null) {
      this.#totals.imported++
      return
    }
    await this.#batch.flush()
    const from = this.#places.get(record.identity ?? '')
    const uids = from === undefined ? [] : ([[from.uid, from.uid]] as const)
    const now = clock.now()
    const copied =
      from === undefined
        ? undefined
        : await store.copy({ account: account.id, from: from.mailbox, uids, to: current.place.mailbox, now })
    if (copied?.ok !== true || copied.to.length === 0) {
      this.#problem(record.name, 'the message that it is a copy of is not here; import again to get it')
      return
    }
    await store.remember({ kind: current.kind, key, value: key, expiresAt: now + stateMilliseconds })
    this.#totals.imported++
  }

  #kept(staged: readonly Staged[], at: { uids: readonly Uid[]; mailbox: MailboxId }): void {
    for (const [index, { message, identity }] of staged.entries()) {
      this.#totals.imported++
      this.#totals.bytes += message.blob.size
      const uid = at.uids[index]
      if (identity !== null && uid !== undefined) this.#places.set(identity, { mailbox: at.mailbox, uid })
    }
  }

  #problem(name: string, reason: string): void {
    this.#totals.failed++
    this.#options.tell({ type: 'problem', name, reason })
  }
}

/** One state of imports: of a folder of a source into a mailbox. */
function stateKind(of: { account: AccountId; source: string; folder: string; mailbox: string }): string {
  const { account, source, folder, mailbox } = of
  const digest = createHash('sha256').update([source, folder, mailbox].join('\0')).digest('hex')
  return `import ${account} ${digest.slice(0, 32)}`
}

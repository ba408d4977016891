// The catcher itself: what is caught, found, read, tagged, deleted, released. HTTP (our API and Mailpit's) and the test library are
// both clients of this object, and of nothing behind it.
import type { Clock, Timer } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { Peer } from '../base/core.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import type { CatcherConfig } from '../config/sections/catcher.ts'
import {
  duplicateIgnored,
  messageCaught,
  messagesDeleted,
  messageReleased,
  recordsFailed,
  releaseFailed,
} from '../events/catcher.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import type { MessageStructure } from '../mail/mime/structure.ts'
import type { Searcher } from '../search/search.ts'
import type { Account, Mailbox } from '../store/model.ts'
import type { Spool } from '../store/spool.ts'
import type { Store } from '../store/store.ts'
import { Chaos } from './chaos/engine.ts'
import { CaughtContent } from './content.ts'
import type { CatcherEvent, CaughtId, CaughtPlace, CaughtRecord, CaughtSummary, Refusal } from './message.ts'
import { compilePattern } from './pattern.ts'
import type { Thumbnailer } from './pictures/thumbnailer.ts'
import { type Found, Finder, type FindRequest } from './find.ts'
import { Labels } from './labels.ts'
import { matches, matchesText, parseQuery, type Query } from './query.ts'
import { type Allowed, mayRelease, release } from './release.ts'
import { makeRow, type NewRow, type Row, summaryOf } from './row.ts'
import type { WatchedSession } from './session.ts'
import { defaultInbox, Shelf } from './shelf.ts'
import { SpoolLedger } from './spool-ledger.ts'
import { StoreLedger } from './store-ledger.ts'
import { describe } from './summary.ts'
import { tagList } from './tags.ts'
import { Watch } from './watch.ts'
import { type CatcherWebhooks, createWebhooks } from './webhooks.ts'

export interface CatcherParts {
  readonly config: CatcherConfig
  readonly hostname: string
  readonly store: Store
  /** Where records are put aside when the store ends with the program; null: all is written for a later life of it. */
  readonly spool: Spool | null
  /** Of the catcher itself, and its INBOX. */
  readonly account: Account
  readonly mailbox: Mailbox
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly dialer: Dialer
  /** The world's DNS; made when it is first asked. */
  readonly resolver: () => Promise<Resolver>
  readonly lookUp: (host: string) => Promise<readonly string[]>
  /** The full-text index; null where none is kept. */
  readonly searcher: () => Searcher | null
  readonly httpFetch: typeof fetch
  /** False for this machine, its network and ranges that are no hosts of the Internet. */
  readonly isPublicAddress: (address: string) => boolean
  /** Ends with the catcher. */
  readonly thumbnailer: Thumbnailer
  /** A message in the shape of Mailpit, for webhooks. */
  readonly shown: (message: CaughtSummary) => unknown
}

/** A message on its way in, before it is kept. */
export interface Capture {
  readonly id: CaughtId
  /** '' is the null reverse-path. */
  readonly reversePath: string
  /** As the client named them. */
  readonly recipients: readonly string[]
  readonly structure: MessageStructure
  /** Octets of the trace that stands before the catcher's copy. */
  readonly traceSize: number
  /** The header's octets as a binary string. */
  readonly header: string
  readonly receivedAt: number
  /** Null where it came by no session. */
  readonly connection: Peer | null
  /** Who logged in, or submitted it; '' for nobody. */
  readonly username: string
}

/** What is open until the delivery is over; exactly one of the two ends it. */
export interface OpenCapture {
  /** It is in the store: the catcher's copy and the recipients'. */
  kept(own: CaughtPlace, copies: readonly CaughtPlace[]): void
  failed(): void
}

export interface InboxState {
  readonly name: string
  readonly total: number
  readonly unread: number
}

/** Since the program began. */
export interface CatcherCounts {
  readonly accepted: number
  readonly acceptedSize: number
  readonly rejected: number
  readonly ignored: number
  readonly deleted: number
}

export type ReleaseOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'off' | 'not-found' | 'no-recipients' }
  | {
      readonly ok: false
      readonly reason: 'not-allowed'
      readonly refused: readonly string[]
      readonly by: 'allow' | 'block'
    }
  | { readonly ok: false; readonly reason: 'failed'; readonly error: string }

/** Of so many messages that are kept one goes before it must. */
const retentionSlack = 1000

interface TagFilter {
  readonly query: Query
  readonly tags: readonly string[]
}

export class Catcher implements AsyncDisposable {
  readonly parts: CatcherParts
  readonly chaos: Chaos
  readonly watch: Watch
  readonly #shelf: Shelf
  readonly #webhooks: CatcherWebhooks
  readonly #listeners: Set<(event: CatcherEvent) => void>
  readonly #refusals: Refusal[] = []
  readonly #startedAt: number
  /** Where duplicates are ignored: by Message-ID how many have it, and the Message-ID of each. */
  readonly #known = new Map<string, number>()
  readonly #messageIds = new Map<CaughtId, string>()
  readonly #counts = { accepted: 0, acceptedSize: 0, rejected: 0, ignored: 0, deleted: 0 }
  readonly #filters: readonly TagFilter[]
  readonly #labels: Labels
  readonly #contentOptions: ConstructorParameters<typeof CaughtContent>[1]
  readonly #finder: Finder
  readonly #working = new Set<Promise<unknown>>()
  readonly #stopping = new AbortController()
  #pruning = false
  #tidying: Timer | null = null
  #reclaiming: Timer | null = null

  private constructor(parts: CatcherParts, shelf: Shelf, listeners: Set<(event: CatcherEvent) => void>) {
    const { config, clock, events, httpFetch, random } = parts
    this.parts = parts
    this.#shelf = shelf
    this.#listeners = listeners
    this.#startedAt = clock.monotonic()
    this.#webhooks = createWebhooks(config.webhooks, { clock, events, httpFetch })
    this.#filters = config.tags.filters.map(({ match, tags }) => ({ query: parseQuery(match), tags }))
    this.#labels = new Labels(config)
    this.#contentOptions = { blobs: parts.store.blobs, textSize: config.limits.textSize }
    this.#finder = new Finder({ ...parts, content: this.#contentOptions }, shelf)
    this.chaos = new Chaos(config.chaos, (seed) => new SeededRandom(seed))
    this.watch = new Watch({
      ...{ config, clock, events, random, chaos: this.chaos },
      over: (session) => this.#over(session),
      rebuffed: (session) => this.#rebuffed(session),
      inboxOf: (session, recipients) =>
        this.#labels.inboxOf({ header: '', recipients, username: session.username }),
    })
    if (config.ignoreDuplicates) {
      for (const row of shelf.rows) this.#know(summaryOf(row))
      // Also what comes and goes by IMAP, POP3 and JMAP.
      listeners.add((event) => {
        if (event.type === 'new') this.#know(event.message)
        if (event.type === 'delete') for (const id of event.ids) this.#forget(id)
      })
    }
  }

  static async open(parts: CatcherParts): Promise<Catcher> {
    const listeners = new Set<(event: CatcherEvent) => void>()
    const { spool, account } = parts
    const shelf = await Shelf.open({
      ...parts,
      ledger: spool === null ? new StoreLedger({ ...parts, account: account.id }) : new SpoolLedger(spool),
      newId: () => parts.random.id(),
      isHeard: () => listeners.size > 0,
      tell: (event) => {
        for (const listener of [...listeners]) listener(event)
      },
    })
    const catcher = new Catcher(parts, shelf, listeners)
    catcher.#keepTidy()
    return catcher
  }

  // What comes in

  /** Null: a duplicate that is to be taken and not kept. */
  capture(capture: Capture): OpenCapture | null {
    const { config, events } = this.parts
    const { messageId } = capture.structure
    if (config.ignoreDuplicates && messageId !== null && messageId !== '' && this.#known.has(messageId)) {
      this.#counts.ignored++
      events.emit(duplicateIgnored, { id: capture.id, messageId })
      return null
    }
    const end = this.#shelf.begin()
    return {
      kept: (own, copies) => {
        try {
          this.#catch(capture, { own, copies })
        } catch (error) {
          // It is in the store, so its client is told 250, whatever is wrong here; `end` has it adopted from there.
          events.emit(recordsFailed, { messages: 1, error: errorText(error) })
        } finally {
          end()
        }
      },
      failed: end,
    }
  }

  #catch(capture: Capture, { own, copies }: { own: CaughtPlace; copies: readonly CaughtPlace[] }): void {
    const { config, events } = this.parts
    const { id, structure, recipients, receivedAt, connection, username } = capture
    const described = { ...describe(structure, recipients), size: structure.size + capture.traceSize }
    const inbox = this.#labels.inboxOf(capture)
    const message: NewRow = {
      ...described,
      ...{ id, uid: own[2], receivedAt, read: false, inbox, username, places: copies },
      tags: this.#labels.tagsOf(capture, described),
    }
    const later: TagFilter[] = []
    const row = this.#shelf.add(this.#filters.length === 0 ? message : this.#filtered(message, later))
    this.#counts.accepted++
    this.#counts.acceptedSize += described.size
    events.emit(messageCaught, { id, inbox, recipients: recipients.length, bytes: described.size })
    const session = connection === null ? undefined : this.watch.session(connection)
    if (session === undefined) this.#shelf.keep(row, recordWithout(capture))
    else session.caught(row)
    if (config.webhooks.length > 0) this.#webhooks.tell(this.parts.shown(summaryOf(row)))
    if (later.length > 0) this.#later(() => this.#tagByText(row, later))
    this.#relayNew(row, capture)
    this.#prune()
  }

  /** With the tags of filters that it fits; those that only its text decides are added to `later`. */
  #filtered(message: NewRow, later: TagFilter[]): NewRow {
    const draft = makeRow(message)
    const tags = [...message.tags]
    for (const filter of this.#filters) {
      const found = matches(filter.query, draft)
      if (found === 'yes') tags.push(...filter.tags)
      else if (found === 'text') later.push(filter)
    }
    return { ...message, tags: tagList(tags) }
  }

  async #tagByText(row: Row, filters: readonly TagFilter[]): Promise<void> {
    const content = await this.#content(row)
    if (content === undefined) return
    const text = await content.searchText()
    const tags = filters.flatMap((filter) => (matchesText(filter.query, row, text) ? filter.tags : []))
    if (tags.length > 0) this.#shelf.setTags(row, tagList([...row.tags, ...tags]))
  }

  #relayNew(row: Row, { recipients }: Capture): void {
    const { relay } = this.parts.config
    if (relay === undefined) return
    const matching = relay.matching === undefined ? null : compilePattern(relay.matching)
    const chosen =
      relay.auto === 'all'
        ? recipients
        : relay.auto === 'none'
          ? []
          : recipients.filter((one) => matching?.(one))
    const allowed = chosen.filter((one) => mayRelease(relay, [one]).ok)
    if (allowed.length > 0) this.#later(() => this.release(row.id, allowed, 'auto'))
    if (relay.forward.length > 0) this.#later(() => this.#send(row, relay.forward, 'forward'))
  }

  #over(session: WatchedSession): void {
    const row = session.takeCaught()
    if (row === null) return
    this.#shelf.keep(row, session.record)
    // A log-in is known to the session alone.
    const { tags } = this.parts.config
    if (tags.username && session.username !== '')
      this.#shelf.setTags(row, tagList([...row.tags, session.username]))
  }

  #rebuffed(session: WatchedSession): void {
    const { config, random, clock } = this.parts
    const refusal = session.takeRefusal(random.id(80), clock.now())
    if (refusal === null) return
    this.#counts.rejected++
    if (config.refusals === 0) return
    this.#refusals.push(refusal)
    if (this.#refusals.length > config.refusals) this.#refusals.shift()
    this.#tell({ type: 'refusal', refusal })
  }

  // What is there

  get stats(): { readonly total: number; readonly unread: number } {
    return this.#shelf.stats
  }

  get counts(): CatcherCounts & { readonly uptime: number } {
    return { ...this.#counts, uptime: (this.parts.clock.monotonic() - this.#startedAt) / 1000 }
  }

  get webhooks(): CatcherWebhooks['status'] {
    return this.#webhooks.status
  }

  /** Newest first. */
  get refusals(): readonly Refusal[] {
    return this.#refusals.toReversed()
  }

  clearRefusals(): void {
    this.#refusals.length = 0
  }

  /** In use, in order of the alphabet. */
  tags(inbox?: string): { readonly name: string; readonly messages: number }[] {
    const counts = new Map<string, number>()
    for (const row of this.#shelf.rows) {
      if (inbox !== undefined && row.inbox !== inbox) continue
      for (const tag of row.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
    }
    return [...counts]
      .map(([name, messages]) => ({ name, messages }))
      .toSorted((one, other) => one.name.localeCompare(other.name, 'en'))
  }

  inboxes(): InboxState[] {
    const states = new Map<string, { total: number; unread: number }>([
      [defaultInbox, { total: 0, unread: 0 }],
    ])
    for (const { inbox, read } of this.#shelf.rows) {
      const state = states.get(inbox) ?? { total: 0, unread: 0 }
      state.total++
      if (!read) state.unread++
      states.set(inbox, state)
    }
    return [...states].map(([name, state]) => ({ name, ...state }))
  }

  /** Octets of all of them. */
  get size(): number {
    return this.#shelf.rows.reduce((sum, { size }) => sum + size, 0)
  }

  find(request: FindRequest): Promise<Found> {
    return this.#finder.page(request)
  }

  /** The newest that fits. */
  async latest(request: Omit<FindRequest, 'start' | 'limit'> = {}): Promise<CaughtId | undefined> {
    return (await this.#finder.rows(request))[0]?.id
  }

  summary(id: CaughtId): CaughtSummary | undefined {
    const row = this.#shelf.row(id)
    return row && summaryOf(row)
  }

  /** Undefined where it is not there, or not any more. */
  async open(id: CaughtId): Promise<CaughtContent | undefined> {
    const row = this.#shelf.row(id)
    return row && this.#content(row)
  }

  /** Null where nobody knows how it came. */
  async record(id: CaughtId): Promise<CaughtRecord | null> {
    const row = this.#shelf.row(id)
    return row === undefined ? null : this.#shelf.record(row)
  }

  /** What happens from now on. The returned function ends it. A listener must not throw. */
  subscribe(listener: (event: CatcherEvent) => void): () => void {
    const own = (event: CatcherEvent): void => listener(event)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  // What is changed

  async setRead(which: readonly CaughtId[] | FindRequest, read: boolean): Promise<number> {
    return this.#shelf.setRead(await this.#chosen(which), read)
  }

  /** Gives how many there were. */
  async remove(which: readonly CaughtId[] | FindRequest, by: 'api' | 'retention' = 'api'): Promise<number> {
    const rows = await this.#chosen(which)
    if (rows.length === 0) return 0
    await this.#shelf.remove(rows)
    this.#counts.deleted += rows.length
    this.parts.events.emit(messagesDeleted, { by, messages: rows.length })
    this.#reclaimSoon()
    return rows.length
  }

  /** Instead of those that they have. */
  setTags(ids: readonly CaughtId[], tags: readonly string[]): void {
    for (const row of this.#rowsOf(ids)) this.#shelf.setTags(row, tagList(tags))
  }

  /** On all messages; with null it is taken away. */
  renameTag(name: string, to: string | null): number {
    const key = name.toLowerCase()
    let changed = 0
    for (const row of this.#shelf.rows) {
      if (!row.tags.some((tag) => tag.toLowerCase() === key)) continue
      const rest = row.tags.filter((tag) => tag.toLowerCase() !== key)
      this.#shelf.setTags(row, tagList(to === null ? rest : [...rest, to]))
      changed++
    }
    if (changed > 0) this.#tell({ type: 'reload' })
    return changed
  }

  // What leaves

  /** Whether the configuration lets mail go to all of them; false where nothing may leave. */
  mayRelease(recipients: readonly string[]): Allowed | false {
    const { relay } = this.parts.config
    return relay === undefined ? false : mayRelease(relay, recipients)
  }

  async release(id: CaughtId, recipients: readonly string[], by: 'api' | 'auto'): Promise<ReleaseOutcome> {
    const { relay } = this.parts.config
    if (relay === undefined) return { ok: false, reason: 'off' }
    const row = this.#shelf.row(id)
    if (row === undefined) return { ok: false, reason: 'not-found' }
    if (recipients.length === 0) return { ok: false, reason: 'no-recipients' }
    const allowed = mayRelease(relay, recipients)
    if (!allowed.ok) return { ok: false, reason: 'not-allowed', refused: allowed.refused, by: allowed.by }
    return this.#send(row, recipients, by)
  }

  async #send(
    row: Row,
    recipients: readonly string[],
    by: 'api' | 'auto' | 'forward',
  ): Promise<ReleaseOutcome> {
    const { config, events, hostname, dialer, lookUp, clock, random } = this.parts
    const content = await this.#content(row)
    if (content === undefined || config.relay === undefined) return { ok: false, reason: 'not-found' }
    const record = await this.#shelf.record(row)
    const reversePath = record?.envelope.reversePath ?? summaryOf(row).from?.address ?? ''
    const error = await release(
      { config: config.relay, hostname, dialer, lookUp, clock, random },
      { reversePath, recipients, content: content.original() },
    )
    if (error === null) {
      events.emit(messageReleased, { id: row.id, by, recipients: recipients.length })
      return { ok: true }
    }
    events.emit(releaseFailed, { id: row.id, by, error })
    return { ok: false, reason: 'failed', error }
  }

  /** Resolves when everything told so far is written: for tests, and before the end. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working)
    await this.#shelf.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#tidying?.cancel()
    this.#reclaiming?.cancel()
    await this.parts.thumbnailer[Symbol.asyncDispose]()
    await this.#webhooks.stop()
    await Promise.allSettled(this.#working)
    await this.#shelf.close()
    this.parts.spool?.close()
  }

  // Within

  #know({ id, messageId }: Pick<CaughtSummary, 'id' | 'messageId'>): void {
    if (messageId === '') return
    this.#messageIds.set(id, messageId)
    this.#known.set(messageId, (this.#known.get(messageId) ?? 0) + 1)
  }

  #forget(id: CaughtId): void {
    const messageId = this.#messageIds.get(id)
    if (messageId === undefined) return
    this.#messageIds.delete(id)
    const left = (this.#known.get(messageId) ?? 1) - 1
    if (left > 0) this.#known.set(messageId, left)
    else this.#known.delete(messageId)
  }

  #tell(event: CatcherEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  #later(work: () => Promise<unknown>): void {
    const working: Promise<unknown> = work()
      .catch(() => undefined)
      .finally(() => this.#working.delete(working))
    this.#working.add(working)
  }

  async #content(row: Row): Promise<CaughtContent | undefined> {
    const text = await this.#shelf.text(row)
    return text && new CaughtContent(text, this.#contentOptions)
  }

  #rowsOf(ids: readonly CaughtId[]): Row[] {
    return [...new Set(ids)].flatMap((id) => this.#shelf.row(id) ?? [])
  }

  async #chosen(which: readonly CaughtId[] | FindRequest): Promise<readonly Row[]> {
    return isIds(which) ? this.#rowsOf(which) : this.#finder.rows(which)
  }

  #keepTidy(): void {
    const { clock, config } = this.parts
    if (config.maxAge === 0 || this.#stopping.signal.aborted) return
    this.#prune('all')
    this.#tidying = clock.after(config.pruneEvery, () => this.#keepTidy())
  }

  /** The room of what was deleted is given back, once for all that goes meanwhile: a catcher is filled and emptied again and again. */
  #reclaimSoon(): void {
    const { clock, config, store } = this.parts
    if (this.#stopping.signal.aborted) return
    this.#reclaiming ??= clock.after(config.pruneEvery, () => {
      this.#reclaiming = null
      // Where it fails, the store's own upkeep tells.
      this.#later(() => store.collectGarbage({ now: clock.now() }))
    })
  }

  /** What is over the limits goes, the oldest first. */
  #prune(which: 'oldest' | 'all' = 'oldest'): void {
    if (this.#pruning || this.#overdue(which).length === 0) return
    this.#pruning = true
    this.#later(async () => {
      const ids = this.#overdue(which).map(({ id }) => id)
      try {
        await this.remove(ids, 'retention')
      } finally {
        this.#pruning = false
      }
      this.#prune()
    })
  }

  /** With each message the front is looked at; what an old date has put elsewhere is found with `all`, now and then. */
  #overdue(which: 'oldest' | 'all'): readonly Row[] {
    const { config, clock } = this.parts
    const { rows } = this.#shelf
    const beyond = config.maxMessages > 0 ? rows.length - config.maxMessages : 0
    // Many are deleted at the price of few.
    const excess = beyond > 0 ? beyond + Math.floor(config.maxMessages / retentionSlack) : 0
    const limit = config.maxAge > 0 ? clock.now() - config.maxAge : Number.NEGATIVE_INFINITY
    if (which === 'all') return rows.filter(({ receivedAt }, index) => index < excess || receivedAt < limit)
    const overdue: Row[] = []
    for (const row of rows) {
      if (overdue.length >= excess && row.receivedAt >= limit) break
      overdue.push(row)
    }
    return overdue
  }
}

function isIds(which: readonly CaughtId[] | FindRequest): which is readonly CaughtId[] {
  return Array.isArray(which)
}

function recordWithout({ reversePath, recipients }: Capture): CaughtRecord {
  return {
    envelope: {
      ...{ reversePath, parameters: [] },
      recipients: recipients.map((address) => ({ address, parameters: [] })),
    },
    session: null,
    transcript: [],
    truncated: false,
  }
}

// All caught messages: in memory as rows, in the store as messages of the catcher's own account with a summary and a record each.
//
// - What others do to the copies (IMAP, POP3, JMAP) is followed by the store's changes: \Seen is `read`, what is expunged is gone, what
//   is appended is caught mail that came by no session.
// - Methods that change something tell it before they resolve; each change is told once, whoever made it.
import type { Clock } from '../base/clock.ts'
import { recordsFailed } from '../events/catcher.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import type { Account, AccountId, Change, Mailbox, MailboxId, MessageText, Uid } from '../store/model.ts'
import { Flag } from '../store/model.ts'
import type { Store, UidSelection } from '../store/store.ts'
import type { Ledger } from './ledger.ts'
import type { CatcherEvent, CaughtId, CaughtPlace, CaughtRecord } from './message.ts'
import { makeRow, type NewRow, placesOf, retag, type Row, summaryOfNew, tryRow } from './row.ts'
import { summaryKind } from './store-ledger.ts'
import { describe } from './summary.ts'

export interface ShelfParts {
  readonly store: Store
  readonly account: Account
  readonly mailbox: Mailbox
  readonly clock: Clock
  readonly events: Events
  readonly tell: (event: CatcherEvent) => void
  /** Whether anybody hears what is told: nothing is made for nobody. */
  readonly isHeard: () => boolean
  readonly ledger: Ledger
  /** For copies whose summary was never written: the name of a message without one. */
  readonly newId: () => CaughtId
}

interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uids: Uid[]
}

export interface ShelfStats {
  readonly total: number
  readonly unread: number
}

export class Shelf {
  readonly #parts: ShelfParts
  /** Oldest first. */
  #rows: Row[] = []
  readonly #byId = new Map<CaughtId, Row>()
  readonly #byUid = new Map<Uid, Row>()
  #unread = 0
  /** Copies that the store told of and no capture has claimed. */
  readonly #unclaimed = new Set<Uid>()
  #captures = 0
  #adopting: Promise<void> = Promise.resolve()
  #unsubscribe: () => void = () => {}

  private constructor(parts: ShelfParts) {
    this.#parts = parts
  }

  /** Reads what earlier lives of the program have caught. */
  static async open(parts: ShelfParts): Promise<Shelf> {
    const shelf = new Shelf(parts)
    await shelf.#load()
    return shelf
  }

  /** Oldest first. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  get stats(): ShelfStats {
    return { total: this.#rows.length, unread: this.#unread }
  }

  row(id: CaughtId): Row | undefined {
    return this.#byId.get(id)
  }

  /** A delivery that will end in `add` or not at all has begun; call the result when it is over. */
  begin(): () => void {
    this.#captures++
    let over = false
    return () => {
      if (over) return
      over = true
      this.#captures--
      this.#adopt()
    }
  }

  add(message: NewRow): Row {
    const row = makeRow(message)
    this.#unclaimed.delete(row.uid)
    this.#insert(row)
    this.#parts.ledger.changed(row)
    if (this.#parts.isHeard()) {
      this.#parts.tell({ type: 'new', message: summaryOfNew(message) })
      this.#tellStats()
    }
    return row
  }

  keep(row: Row, record: CaughtRecord): void {
    if (this.#byId.get(row.id) === row) this.#parts.ledger.recorded(row, record)
  }

  /** How a message came; null where nobody knows. */
  record(row: Row): Promise<CaughtRecord | null> {
    return this.#parts.ledger.record(row)
  }

  setTags(row: Row, tags: readonly string[]): void {
    if (row.tags.length === tags.length && row.tags.every((tag, index) => tag === tags[index])) return
    retag(row, tags)
    this.#parts.ledger.changed(row)
    this.#parts.tell({ type: 'update', id: row.id, inbox: row.inbox, tags })
  }

  /** Gives how many had been otherwise. */
  async setRead(rows: readonly Row[], read: boolean): Promise<number> {
    const changing = rows.filter((row) => row.read !== read)
    if (changing.length === 0) return 0
    const { store, account, mailbox } = this.#parts
    const uids = selectionOf(changing.map(({ uid }) => uid))
    const mode = read ? 'add' : 'remove'
    const request = {
      account: account.id,
      mailbox: mailbox.id,
      uids,
      mode,
      flags: Flag.seen,
      keywords: [],
    } as const
    await store.setFlags(request)
    // What was committed has come back as changes of the store where those come at once.
    const left = changing.filter((row) => row.read !== read && this.#byId.get(row.id) === row)
    for (const row of left) this.#markRead(row, read)
    if (left.length > 0) {
      this.#tellMarked(left)
      this.#tellStats()
    }
    return changing.length
  }

  /** Everywhere: the catcher's copies, and the recipients' where they still are where they came to. */
  async remove(rows: readonly Row[]): Promise<void> {
    const present = rows.filter((row) => this.#byId.get(row.id) === row)
    if (present.length === 0) return
    const { store, account, mailbox } = this.#parts
    const places = new Map<string, Place>()
    const at = (owner: AccountId, box: MailboxId, uid: Uid): void => {
      const key = `${owner} ${box}`
      const place = places.get(key) ?? { account: owner, mailbox: box, uids: [] }
      place.uids.push(uid)
      places.set(key, place)
    }
    for (const row of present) at(account.id, mailbox.id, row.uid)
    for (const row of present) for (const [owner, box, uid] of placesOf(row)) at(owner, box, uid)
    const clear = ({ uids, ...where }: Place): Promise<unknown> =>
      store.expunge({ ...where, uids: selectionOf(uids), which: 'regardless' })
    const [own, ...others] = places.values()
    for (let start = 0; start < others.length; start += ordersAtOnce) {
      await Promise.all(others.slice(start, start + ordersAtOnce).map(clear))
    }
    // Last: while any copy is left the message is here too, and can be deleted again.
    if (own !== undefined) await clear(own)
    const left = present.filter((row) => this.#byId.get(row.id) === row)
    if (left.length > 0) this.#forget(left)
  }

  /** The copy, with what its text is read by. */
  async text(row: Row): Promise<MessageText | undefined> {
    for await (const [found] of this.texts([row])) return found?.[0]
    return undefined
  }

  /** Copies in order of arrival, in batches; those that are gone are left out. */
  async *texts(rows: readonly Row[]): AsyncGenerator<(readonly [MessageText, Row])[]> {
    const { store, account, mailbox } = this.#parts
    const uids = selectionOf(rows.map(({ uid }) => uid))
    const request = { account: account.id, mailbox: mailbox.id, uids, data: true }
    for await (const batch of store.messageTexts(request)) {
      yield batch.flatMap((text) => {
        const row = this.#byUid.get(text.uid)
        return row === undefined ? [] : [[text, row] as const]
      })
    }
  }

  /** Resolves when all is written and followed. */
  async settled(): Promise<void> {
    await this.#adopting
    await this.#parts.ledger.flush()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.settled()
  }

  async #load(): Promise<void> {
    const { store, account, mailbox, clock } = this.#parts
    const view = await store.loadView({ account: account.id, mailbox: mailbox.id })
    const flags = new Map(Array.from(view.uids, (uid, index) => [uid, view.flags[index] ?? 0]))
    const objects = await store.listObjects({ account: account.id, kind: summaryKind, now: clock.now() })
    const stale: Row[] = []
    for (const { id, key, value } of objects) {
      const row = tryRow(key ?? '', value, id)
      if (row === undefined) continue
      const flag = flags.get(row.uid)
      // Expunged while nobody followed.
      if (flag === undefined) stale.push(row)
      else {
        row.read = (flag & Flag.seen) !== 0
        this.#insert(row)
      }
    }
    this.#parts.ledger.removed(stale)
    this.#unsubscribe = store.subscribe(account.id, (changes) => this.#follow(changes))
    // Uids of the view are the store's own.
    for (const uid of view.uids) if (!this.#byUid.has(uid as Uid)) this.#unclaimed.add(uid as Uid)
    this.#adopt()
    await this.#adopting
    this.#rows.sort((one, other) => one.uid - other.uid)
  }

  #insert(row: Row): void {
    const last = this.#rows.at(-1)
    this.#rows.push(row)
    // Deliveries end in another order than the store gave them UIDs.
    if (last !== undefined && last.uid > row.uid) {
      let at = this.#rows.length - 1
      while (at > 0 && (this.#rows[at - 1]?.uid ?? 0) > row.uid) at--
      this.#rows.splice(at, 0, ...this.#rows.splice(-1))
    }
    this.#byId.set(row.id, row)
    this.#byUid.set(row.uid, row)
    if (!row.read) this.#unread++
  }

  #markRead(row: Row, read: boolean): void {
    row.read = read
    this.#unread += read ? -1 : 1
  }

  #forget(rows: readonly Row[]): void {
    this.#takeOut(new Set(rows))
    for (const row of rows) {
      this.#byId.delete(row.id)
      this.#byUid.delete(row.uid)
      if (!row.read) this.#unread--
    }
    this.#parts.ledger.removed(rows)
    this.#parts.tell({ type: 'delete', ids: rows.map(({ id }) => id) })
    this.#tellStats()
  }

  /** Retention takes the oldest: those are at the front, and nothing is gone through for them. */
  #takeOut(leaving: ReadonlySet<Row>): void {
    const rows = this.#rows
    const kept = rows.findIndex((row) => !leaving.has(row))
    const oldest = kept < 0 ? rows.length : kept
    rows.splice(0, oldest)
    if (oldest < leaving.size) this.#rows = rows.filter((row) => !leaving.has(row))
  }

  #tellStats(): void {
    this.#parts.tell({ type: 'stats', ...this.stats })
  }

  #follow(changes: readonly Change[]): void {
    const { mailbox } = this.#parts
    const gone: Row[] = []
    const marked: Row[] = []
    for (const change of changes) {
      if (!('mailbox' in change) || change.mailbox !== mailbox.id) continue
      if (change.type === 'message-added' && !this.#byUid.has(change.uid)) this.#unclaimed.add(change.uid)
      if (change.type === 'messages-expunged') {
        for (const uid of change.uids) {
          this.#unclaimed.delete(uid)
          const row = this.#byUid.get(uid)
          if (row !== undefined) gone.push(row)
        }
      }
      if (change.type !== 'flags-changed') continue
      const row = this.#byUid.get(change.uid)
      const read = (change.flags & Flag.seen) !== 0
      if (row === undefined || row.read === read) continue
      this.#markRead(row, read)
      marked.push(row)
    }
    this.#tellMarked(marked)
    if (gone.length > 0) this.#forget(gone)
    else if (marked.length > 0) this.#tellStats()
    this.#adopt()
  }

  #tellMarked(rows: readonly Row[]): void {
    if (rows.length > manyAtOnce) this.#parts.tell({ type: 'reload' })
    else for (const { id, inbox, read } of rows) this.#parts.tell({ type: 'update', id, inbox, read })
  }

  /** Copies that came by no capture, once none is under way: from IMAP, from an import, from a life that ended too soon. */
  #adopt(): void {
    if (this.#unclaimed.size === 0 || this.#captures > 0) return
    this.#adopting = this.#adopting.then(async () => {
      if (this.#captures > 0) return
      const uids = [...this.#unclaimed].filter((uid) => !this.#byUid.has(uid))
      this.#unclaimed.clear()
      if (uids.length === 0) return
      try {
        await this.#adoptThese(uids)
      } catch (error) {
        // They are looked for again with the next change.
        for (const uid of uids) this.#unclaimed.add(uid)
        this.#parts.events.emit(recordsFailed, { messages: uids.length, error: errorText(error) })
      }
    })
  }

  async #adoptThese(uids: readonly Uid[]): Promise<void> {
    const { store, account, mailbox } = this.#parts
    const request = { account: account.id, mailbox: mailbox.id, uids: selectionOf(uids) }
    for await (const batch of store.messageTexts(request)) {
      for (const text of batch) if (!this.#byUid.has(text.uid)) this.add(this.#adopted(text))
    }
  }

  #adopted(text: MessageText): NewRow {
    // RFC 5321 §4.4: the id clause of the Received field that this host wrote.
    const named = /^Received:[^]*?\bid ([a-z2-9]{16,26})\b/im.exec(text.prefix)?.[1]
    const id = named !== undefined && !this.#byId.has(named) ? named : this.#parts.newId()
    return {
      ...describe(decodeStructure(text.structure), []),
      size: text.size,
      ...{ id, uid: text.uid, receivedAt: text.internalDate, read: (text.flags & Flag.seen) !== 0 },
      ...{ inbox: defaultInbox, tags: [], username: '', places: noPlaces },
    }
  }
}

export const defaultInbox = 'default'
const noPlaces: readonly CaughtPlace[] = []
/** Changes that are told one by one. */
const manyAtOnce = 100
/** Mailboxes that are cleared at one time. */
const ordersAtOnce = 32

/** UIDs in any order as ascending ranges. */
export function selectionOf(uids: readonly Uid[]): UidSelection {
  const ranges: [Uid, Uid][] = []
  for (const uid of uids.toSorted((one, other) => one - other)) {
    const last = ranges.at(-1)
    if (last !== undefined && uid <= last[1] + 1) last[1] = uid
    else ranges.push([uid, uid])
  }
  return ranges
}

// What a session watches beyond its selected mailbox: NOTIFY (RFC 5465), and the unsolicited METADATA of ENABLE METADATA (RFC 5464 §4.4).
//
// - A change is only noted, as a mark at the mailbox or a name; what is told is read when the client takes it. So what waits for a client
//   that does not read is bounded by the mailboxes and by `imap.notifyPending`, however much happens.
// - Names and rights are compared with what they were when the client was last told; nothing is told of what it may not see.
// - What is heard of a mailbox whose name was not read yet waits until it has been: it may be news to that reading.
// - Too many mailboxes or marks: the client is told NOTIFICATIONOVERFLOW, and nothing after it (§5.8).
import { affectedNames, catalogueOf, keyOf, needsReading } from './catalogue.ts'
import { encodeListing, encodeMetadataNames } from '../../proto/encode/mailbox-data.ts'
import { eventBit, has, messageEvents, none, Wishes } from './wishes.ts'
import { loadListing } from '../mailboxes/list.ts'
import { OwnChanges } from './own-changes.ts'
import { statusResponse } from '../mailboxes/status.ts'
import type { ChangeBatch } from '../../../store/store.ts'
import type { AccountId, Change, MailboxId, ModSeq } from '../../../store/model.ts'
import type { Catalogue, Known } from './catalogue.ts'
import type { Events, SelectedWish } from './wishes.ts'
import type { Listing } from '../mailboxes/list.ts'
import type { NotifyGroup } from '../../proto/grammar/notify.ts'
import type { Output } from '../output.ts'
import type { OwnArrivals, OwnName } from './own-changes.ts'
import type { SessionContext } from '../context.ts'
import type { StatusItem } from '../../proto/requests/mailbox.ts'

export interface WatchOptions {
  /** Null: NOTIFY was not used. */
  readonly groups: readonly NotifyGroup[] | null
  /** RFC 5464 §4.4: annotations of everything. */
  readonly metadata: boolean
}

/** What counts of a change of messages. */
interface MessageChange {
  readonly type: 'message-added' | 'flags-changed' | 'messages-expunged'
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly modSeq: ModSeq
}
type AnnotationChange = Extract<Change, { type: 'annotations-changed' }>

/** Events of one mailbox that wait to be told. */
interface Pending {
  events: Events
  first: ModSeq
  last: ModSeq
}

export class Watch {
  readonly #session: SessionContext
  readonly #wishes: Wishes
  readonly #options: WatchOptions
  readonly #feeds = new Map<AccountId, () => void>()
  readonly #own = new OwnChanges()
  #known: Catalogue = new Map()
  /** Names that the client was told it may not read (RFC 5465 §5.9). */
  #noAccess = new Set<string>()
  #overflow = false
  // What waits to be told.
  #messages = new Map<string, Pending>()
  #lookAgain = false
  #looking = false
  /** What was heard, since names are to be read, of mailboxes that were not watched: the last change of each kind and annotation. */
  #early = new Map<string, MessageChange | AnnotationChange>()
  #subscriptions = new Set<string>()
  /** Entries by key of their mailbox; '' is the server. */
  #annotations = new Map<string, Set<string>>()
  #names = 0

  private constructor(session: SessionContext, options: WatchOptions) {
    this.#session = session
    this.#options = options
    this.#wishes = new Wishes(options.groups ?? [])
  }

  /** Begins; `overflow` where more is meant than may be watched. What may not be read is told (RFC 5465 §3.1). */
  static async open(
    session: SessionContext,
    options: WatchOptions & { readonly status: boolean },
    output: Output,
  ): Promise<Watch | 'overflow'> {
    const watch = new Watch(session, options)
    if (!watch.#watchesAny) return watch
    // First the ears, so that nothing is missed.
    watch.#listen(session.account.id)
    try {
      const listing = await watch.#look()
      if (watch.#overflow) {
        watch.close()
        return 'overflow'
      }
      await watch.#tellFirst(output, listing, options.status)
      return watch
    } catch (error) {
      watch.close()
      throw error
    }
  }

  get #watchesAny(): boolean {
    return this.#wishes.any || this.#options.metadata
  }

  get selected(): SelectedWish {
    return this.#options.groups === null ? { type: 'usual' } : this.#wishes.selected
  }

  /** NOTIFY: what happens is told at any moment, and not only with a command. */
  get atOnce(): boolean {
    return this.#wishes.any || this.selected.type === 'at once'
  }

  get options(): WatchOptions {
    return this.#options
  }

  get pending(): boolean {
    return this.#lookAgain || this.#overflow || this.#messages.size > 0 || this.#names > 0
  }

  close(): void {
    for (const end of this.#feeds.values()) end()
    this.#feeds.clear()
  }

  // What this session does itself

  /** This session put messages somewhere. */
  arrived(arrivals: OwnArrivals): void {
    this.#own.arrived(arrivals)
    const key = keyOf(arrivals.account, arrivals.mailbox)
    const pending = this.#messages.get(key)
    if (pending?.first === arrivals.modSeq && pending.last === arrivals.modSeq) this.#messages.delete(key)
  }

  /** This session has just changed what has these names. */
  named(names: readonly OwnName[]): void {
    if (!this.#watchesAny) return
    for (const own of names) {
      if (own.of === 'mailbox') this.#own.named(own.name)
      else if (own.of === 'subscription') this.#dropSubscription(own.name)
      else {
        const entries = this.#annotations.get(own.mailbox === null ? '' : (this.#keyOf(own.mailbox) ?? '-'))
        if (entries?.delete(own.name) === true) this.#names--
      }
    }
  }

  #keyOf(name: string): string | undefined {
    for (const [key, known] of this.#known) if (known.name === name) return key
    return undefined
  }

  #dropSubscription(name: string): void {
    if (this.#subscriptions.delete(name)) this.#names--
  }

  /** Whether this session put the message there; told once. */
  takeOwnMessage(known: Pick<Known, 'account' | 'mailbox'>, uid: number): boolean {
    return this.#own.takeMessage(known.account, known.mailbox, uid)
  }

  // Hearing

  #listen(account: AccountId): void {
    if (this.#feeds.has(account)) return
    this.#feeds.set(
      account,
      this.#session.parts.store.subscribeBatched(account, (changes) => {
        for (const change of changes) this.#hear(change)
        if (this.pending) this.#session.onChange()
      }),
    )
  }

  #hear(change: Change | ChangeBatch): void {
    switch (change.type) {
      case 'batch':
        return this.#hearMessages({ ...change, type: change.of })
      case 'message-added':
      case 'flags-changed':
      case 'messages-expunged':
        return this.#hearMessages(change)
      case 'annotations-changed':
        return this.#hearAnnotations(change)
      case 'subscription-changed':
        if (change.account === this.#session.account.id) this.#hearSubscription(change.name)
        return
      case 'objects-changed':
        return
      case 'mailbox-created':
      case 'mailbox-changed':
      case 'mailbox-removed':
      case 'rights-changed':
      case 'account-removed':
        this.#lookAgain = true
    }
  }

  #hearMessages(change: MessageChange): void {
    const { account, mailbox, modSeq } = change
    const key = keyOf(account, mailbox)
    const known = this.#known.get(key)
    const event = eventBit(eventOf[change.type])
    if (known === undefined || (known.events & event) === 0)
      return this.#keepEarly(`${key} ${change.type}`, change)
    if (modSeq <= known.told) return
    if (this.#own.madeChange(account, modSeq)) return
    const pending = this.#messages.get(key)
    if (pending === undefined) this.#messages.set(key, { events: event, first: modSeq, last: modSeq })
    else {
      pending.events |= event
      pending.last = modSeq
    }
  }

  #hearAnnotations(change: AnnotationChange): void {
    const { account, mailbox, viewer, names } = change
    const me = this.#session.account.id
    if (viewer !== null && viewer !== me) return
    const key = mailbox === null ? '' : keyOf(account, mailbox)
    const known = this.#known.get(key)
    if (mailbox === null) {
      if (account !== me || !(this.#options.metadata || this.#wishes.serverMetadata)) return
    } else if (known === undefined) {
      for (const name of names) this.#keepEarly(`${key} ${change.type} ${name}`, { ...change, names: [name] })
      return
    } else if (!this.#wantsMetadata(known)) return
    const entries = this.#annotations.get(key) ?? new Set()
    for (const name of names) {
      if (entries.has(name)) continue
      entries.add(name)
      this.#count()
    }
    if (entries.size > 0) this.#annotations.set(key, entries)
  }

  #keepEarly(key: string, change: MessageChange | AnnotationChange): void {
    if (!this.#lookAgain && !this.#looking) return
    if (change.type === 'annotations-changed' && !this.#early.has(key)) this.#count()
    this.#early.set(key, change)
  }

  /** To be called when names have been read. */
  #hearEarly(): void {
    const early = this.#early
    this.#early = new Map()
    for (const change of early.values()) {
      if (change.type === 'annotations-changed') {
        this.#names--
        this.#hearAnnotations(change)
      } else this.#hearMessages(change)
    }
  }

  #wantsMetadata(known: Known | undefined): boolean {
    return known !== undefined && (this.#options.metadata || has(known.events, 'MailboxMetadataChange'))
  }

  #hearSubscription(name: string): void {
    if (this.#wishes.bySubscription) this.#lookAgain = true
    if (this.#subscriptions.has(name)) return
    if (!has(this.#wishes.eventsOf(name, new Set([name])), 'SubscriptionChange')) return
    this.#subscriptions.add(name)
    this.#count()
  }

  /** RFC 5465 §5.8 */
  #count(): void {
    if (++this.#names > this.#session.parts.config.notifyPending) this.#overflow = true
  }

  // Looking

  /** Reads names and rights afresh. */
  async #look(): Promise<Listing> {
    const before = this.#known
    this.#looking = true
    try {
      for (;;) {
        this.#lookAgain = false
        const listening = this.#feeds.size
        const listing = await this.#lookOnce(before)
        // What changed in other accounts before there were ears for it is found by reading once more.
        if (this.#feeds.size > listening && !this.#overflow) continue
        this.#hearEarly()
        return listing
      }
    } finally {
      this.#looking = false
    }
  }

  async #lookOnce(before: Catalogue): Promise<Listing> {
    const { parts } = this.#session
    const others = this.#options.metadata || this.#wishes.reachesOthers
    const listing = await loadListing(this.#session, { others })
    const eventsOf = (name: string): Events => this.#wishes.eventsOf(name, listing.subscribed)
    this.#known = catalogueOf(listing.places.values(), eventsOf, before)
    if (this.#known.size > parts.config.notifyMailboxes) this.#overflow = true
    for (const { account } of this.#known.values()) this.#listen(account)
    return listing
  }

  // Telling

  async #tellFirst(output: Output, listing: Listing, status: boolean): Promise<void> {
    for (const known of this.#known.values()) {
      if (!known.readable) await this.#tellNoAccess(output, listing, known)
      else if (status && (known.events & messageEvents) !== none && !this.#isSelected(known))
        await this.#tellStatus(output, known, () => firstItems(known.events))
    }
  }

  /** Tells what is pending; `overflowed`: nothing more is watched (RFC 5465 §5.8: "as if a NOTIFY NONE command had just been received"). */
  async tell(output: Output): Promise<'told' | 'overflowed'> {
    if (!this.#overflow && this.#lookAgain) await this.#tellNames(output)
    this.#own.forgetNames()
    if (!this.pending) return 'told'
    if (this.#overflow) {
      await output.text('* OK [NOTIFICATIONOVERFLOW] Too much changes; nothing more is watched\r\n')
      await output.end()
      return 'overflowed'
    }
    await this.#tellSubscriptions(output)
    await this.#tellAnnotations(output)
    await this.#tellMessages(output)
    await output.end()
    return 'told'
  }

  async #tellNames(output: Output): Promise<void> {
    const before = this.#known
    const listing = await this.#look()
    if (this.#overflow) return
    const now = this.#known
    const { modes } = this.#session
    const told = new Set<string>()
    for (const [name, oldName] of affectedNames(before, now)) {
      const events =
        this.#eventsOf(name, listing) | (oldName === null ? none : this.#eventsOf(oldName, listing))
      if (!has(events, 'MailboxName') || this.#own.hasName(name)) continue
      const old = oldName === null ? {} : { oldName }
      told.add(name)
      this.#dropSubscription(name)
      await output.text(encodeListing('LIST', listing.attributes(name), { name, modes, ...old }))
    }
    await this.#tellRights(output, listing, { before, told })
    // Messages that came before the mailbox was known.
    for (const [key, known] of now) {
      const news =
        before.get(key) === undefined && (listing.places.get(known.name)?.mailbox.messages ?? 0) > 0
      const events = known.events & messageEvents
      if (news && events !== none) this.#messages.set(key, { events, first: known.told, last: known.told })
    }
  }

  #eventsOf(name: string, { subscribed }: Listing): Events {
    return this.#wishes.eventsOf(name, subscribed)
  }

  /** RFC 5465 §5.9 */
  async #tellRights(
    output: Output,
    listing: Listing,
    { before, told }: { before: Catalogue; told: ReadonlySet<string> },
  ): Promise<void> {
    const { modes } = this.#session
    for (const [key, old] of before) {
      const known = this.#known.get(key)
      if (known?.readable === true) {
        if (!this.#noAccess.delete(known.name) || told.has(known.name)) continue
        await output.text(encodeListing('LIST', listing.attributes(known.name), { name: known.name, modes }))
      } else if (old.readable && !told.has(old.name)) await this.#tellNoAccess(output, listing, known ?? old)
    }
    for (const [key, known] of this.#known) {
      if (before.has(key)) continue
      if (!known.readable) await this.#tellNoAccess(output, listing, known)
      else if (this.#noAccess.delete(known.name) && !told.has(known.name))
        await output.text(encodeListing('LIST', listing.attributes(known.name), { name: known.name, modes }))
    }
  }

  /** RFC 5465 §3.1: a mailbox of which events are wanted, and that may not be read. */
  async #tellNoAccess(output: Output, listing: Listing, known: Known): Promise<void> {
    const { account, mailbox, name, events } = known
    if (!needsReading(events) || this.#noAccess.has(name)) return
    const place = listing.places.get(name)
    // A name without a mailbox, or one that is gone, has nothing to be kept from.
    const row = place?.mailbox ?? (await this.#session.parts.store.getMailbox({ account, mailbox }))
    if (row?.selectable !== true) return
    if (this.#noAccess.size < this.#session.parts.config.notifyMailboxes) this.#noAccess.add(name)
    const listed = place === undefined ? [] : listing.attributes(name).filter((each) => each !== '\\Noselect')
    const attributes = ['\\NoAccess', ...listed]
    await output.text(encodeListing('LIST', attributes, { name, modes: this.#session.modes }))
  }

  /** RFC 5465 §5.5: "all mailbox attributes MUST be accurately computed". */
  async #tellSubscriptions(output: Output): Promise<void> {
    const names = this.#subscriptions
    if (names.size === 0) return
    this.#subscriptions = new Set()
    this.#names -= names.size
    const listing = await loadListing(this.#session, { others: this.#wishes.reachesOthers })
    for (const name of names) {
      await output.text(encodeListing('LIST', listing.attributes(name), { name, modes: this.#session.modes }))
    }
  }

  async #tellAnnotations(output: Output): Promise<void> {
    const changed = this.#annotations
    if (changed.size === 0) return
    this.#annotations = new Map()
    const { modes } = this.#session
    for (const [key, entries] of changed) {
      this.#names -= entries.size
      const known = this.#known.get(key)
      if (entries.size === 0 || (key !== '' && known?.readable !== true)) continue
      await output.text(encodeMetadataNames({ name: known?.name ?? null, modes }, [...entries]))
    }
  }

  async #tellMessages(output: Output): Promise<void> {
    const changed = this.#messages
    if (changed.size === 0) return
    this.#messages = new Map()
    const { condstore } = this.#session.modes
    for (const [key, { events, last }] of changed) {
      const known = this.#known.get(key)
      if (known === undefined || !known.readable || this.#isSelected(known)) continue
      // What is read may be newer than what was heard, and is then not told again: all that is wanted.
      const news = (modSeq: ModSeq): Events => (modSeq > last ? known.events & messageEvents : events)
      await this.#tellStatus(output, known, (modSeq) => itemsFor(news(modSeq), known.events, condstore))
      if (output.gone) return
      // Heard in the meantime, and told by what was read.
      if ((this.#messages.get(key)?.last ?? Infinity) <= known.told) this.#messages.delete(key)
    }
  }

  #isSelected({ account, mailbox }: Known): boolean {
    const { selected } = this.#session
    return selected !== null && selected.account === account && selected.mailbox === mailbox
  }

  /** `items`: by the mailbox's modseq as it is now. */
  async #tellStatus(
    output: Output,
    known: Known,
    items: (modSeq: ModSeq) => readonly StatusItem[],
  ): Promise<void> {
    const session = this.#session
    const { account, mailbox: id, name } = known
    const mailbox = await session.parts.store.getMailbox({ account, mailbox: id })
    if (mailbox === undefined) return
    // What came since is not lost: it is heard of with a higher modseq.
    if (mailbox.modSeq > known.told) known.told = mailbox.modSeq
    const place = { account, mailbox, name, rights: 'lr' }
    await output.text(await statusResponse({ session, output, tag: '' }, place, items(mailbox.modSeq)))
  }
}

const eventOf = {
  'message-added': 'MessageNew',
  'flags-changed': 'FlagChange',
  'messages-expunged': 'MessageExpunge',
} as const

/** RFC 5465 §3.1: what NOTIFY SET STATUS tells. */
function firstItems(events: Events): StatusItem[] {
  const items: StatusItem[] = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY']
  if (has(events, 'FlagChange')) items.push('UNSEEN', 'HIGHESTMODSEQ')
  return items
}

/** RFC 5465 §5.1, §5.2, §5.3. UNSEEN for those who want to know of flags: new messages change it too. */
function itemsFor(events: Events, wanted: Events, condstore: boolean): StatusItem[] {
  const items: StatusItem[] = []
  if (has(events, 'MessageNew') || has(events, 'MessageExpunge')) items.push('UIDNEXT', 'MESSAGES')
  if (has(events, 'FlagChange')) items.push('UIDVALIDITY')
  if (has(wanted, 'FlagChange')) items.push('UNSEEN')
  if (condstore) items.push('HIGHESTMODSEQ')
  return items
}

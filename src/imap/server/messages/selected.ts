// The selected mailbox of a session: its view, loaded when first needed, and what is told to the client when.
//
// RFC 3501 §5.2, §5.5, §7.4.1: new messages and flags may be told with every command, expunged ones never while a FETCH, STORE or
// SEARCH by sequence number is at work, so that no number changes its meaning under a client that is using it.
//
// A session that needs no numbers and flags for a while gives the view's arrays back (`rest`): it remembers as of when the client knows
// all, and the store can show that moment again. Messages that come meanwhile move the moment on.
//
// RFC 7162 §3.2: a client may lose the connection at any moment and must lose no change by it. So a HIGHESTMODSEQ is told only up to
// where everything was told, and a lower one than the client may have seen where an EXPUNGE had to wait (§6).
import { encodeFlagsNow, encodeVanished } from '../../proto/encode/fetch-data.ts'
import { rangesOf } from './numbers.ts'
import { KnownKeywords } from './known-keywords.ts'
import { tellKeywords } from '../permanent-flags.ts'
import { View } from './view.ts'
import type { Clock, Timer } from '../../../base/clock.ts'
import type { Modes } from '../../proto/modes.ts'
import type { LoadedView } from './view.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { Rights } from '../../../store/sharing.ts'
import type { Output } from '../output.ts'
import type { AccountId, Change, Mailbox, MailboxId, ModSeq, Uid } from '../../../store/model.ts'
import type { ChangeBatch, FlagColumns, Store } from '../../../store/store.ts'

/** What is told, and how. */
export interface Telling {
  /** `hold` inside commands that use sequence numbers. */
  readonly expunges: 'tell' | 'hold'
  /** RFC 5465 §5.1: whether changed flags are wanted; default `tell`. */
  readonly flags?: 'tell' | 'hold'
  /** RFC 5465 §5.1: whether the UID is part of what is told of flags. */
  readonly uids?: boolean
}

export interface SelectedOptions {
  readonly store: Store
  /** Whose mailbox it is. */
  readonly account: AccountId
  readonly mailbox: MailboxId
  /** What the session may do in it (RFC 4314 §4); `readOnly` is about EXAMINE. */
  readonly rights: Rights
  readonly readOnly: boolean
  /** What the client has enabled, as it is now. */
  readonly modes: () => Modes
  /** Something may be told now; in IDLE that is a reason to do it. */
  readonly onChange: () => void
  readonly clock: Clock
  /** Milliseconds without need of the view, after which `onRest` is called. */
  readonly restAfter: number
  readonly onRest: () => void
}

/** Opened with `openSelected`; `close` ends the subscription. */
export class Selected {
  readonly #options: SelectedOptions
  readonly view: View
  /** RFC 5182 §2.1: UIDs that the last search with SAVE found; none at first. */
  saved: Ranges = []
  /** What was changed up to here was there when the mailbox was opened. */
  readonly #openedAt: ModSeq
  /** The moment whose messages the client knows, while the view is not loaded. */
  #asOf: { modSeq: ModSeq; uidNext: Uid }
  /** Expunged by this session, and not heard of yet. */
  readonly #unheard = new Set<number>()
  #needed = 0
  #restTimer: Timer | null = null
  readonly #end: () => void
  #loading: Promise<void> | null = null
  #removed = false
  #rights: Rights
  #rightsInDoubt = false
  /** The highest modseq heard of, and the one up to which the client was told everything. */
  #heard: ModSeq
  #told: ModSeq
  /** Whether the client was told a HIGHESTMODSEQ of this mailbox (RFC 7162 §3.1). */
  #announced: boolean
  /** A HIGHESTMODSEQ was told that is lower than a MODSEQ that the client has seen. */
  #lowered = false
  readonly keywords = new KnownKeywords()
  /** Messages from this UID on were told of since `takeArrived`. */
  #arrivedFrom: number | null = null
  /** UIDs that the last claims, one after the other, made \Recent here. */
  #claimed = { from: 0, below: 0 }

  constructor(options: SelectedOptions, opened: { mailbox: Mailbox; recentFrom: Uid }, feed: Feed) {
    const { mailbox, recentFrom } = opened
    this.#options = options
    this.#rights = options.rights
    this.#openedAt = mailbox.modSeq
    this.#asOf = { modSeq: mailbox.modSeq, uidNext: mailbox.uidNext }
    this.#heard = this.#told = mailbox.modSeq
    this.#announced = options.modes().condstore
    this.view = new View(mailbox.uidNext, { messages: mailbox.messages, recentFrom })
    this.#end = feed.end
    feed.open((changes) => this.#hear(changes))
  }

  get mailbox(): MailboxId {
    return this.#options.mailbox
  }

  get account(): AccountId {
    return this.#options.account
  }

  get rights(): Rights {
    return this.#rights
  }

  /** The rights may be others than when they were looked at: see `rights-review.ts`. */
  get rightsInDoubt(): boolean {
    return this.#rightsInDoubt && !this.#removed
  }

  /** What was found when they were looked at again. */
  setRights(rights: Rights): void {
    this.#rights = rights
    this.#rightsInDoubt = false
  }

  /** Nothing else is known of them until `setRights`. */
  doubtRights(): void {
    this.#rightsInDoubt = true
  }

  get readOnly(): boolean {
    return this.#options.readOnly
  }

  /** Changes up to here were all told to the client. */
  get toldModSeq(): ModSeq {
    return this.#told
  }

  close(): void {
    this.#end()
    this.#restTimer?.cancel()
    this.#restTimer = null
  }

  /** The view with its arrays, exactly as of the moment up to which the client was told all, and what was heard since. */
  async load(): Promise<View> {
    this.#needed = this.#options.clock.monotonic()
    if (!this.view.loaded) {
      this.#loading ??= this.#load()
      await this.#loading
    }
    return this.view
  }

  async #load(): Promise<void> {
    const { store, account, mailbox } = this.#options
    try {
      const loaded = await store.loadView({ account, mailbox, asOf: this.#asOf })
      const messages = this.view.length
      const complete = !this.#removed || loaded.uids.length === messages
      this.view.load(complete ? loaded : standIns(messages))
      if (this.#removed) this.view.expungeAll()
      this.#restLater(this.#options.restAfter)
    } finally {
      this.#loading = null
    }
  }

  /** One timer, moved lazily: a command only notes the time. */
  #restLater(milliseconds: number): void {
    const { clock, restAfter, onRest } = this.#options
    this.#restTimer?.cancel()
    this.#restTimer = clock.after(milliseconds, () => {
      const left = this.#needed + restAfter - clock.monotonic()
      if (left > 0) return this.#restLater(left)
      this.#restTimer = null
      onRest()
    })
  }

  /** Gives the view's arrays back, or tries again later. Only while no command is at work. */
  rest(): void {
    if (this.#restTimer !== null || !this.view.loaded) return
    // What this session has removed is not part of any moment that was heard of.
    if (this.#removed || this.#unheard.size > 0 || !this.view.unload())
      return this.#restLater(this.#options.restAfter)
    this.#knowsAll()
    this.keywords.shrink()
  }

  /** With nothing pending the client knows the mailbox as it was at the last change heard of. */
  #knowsAll(): void {
    // UIDs of a view came from the store.
    this.#asOf = { modSeq: this.#heard, uidNext: this.view.nextUid as Uid }
  }

  /** This session's own command removed these. */
  expungedHere(uids: readonly number[]): void {
    for (const uid of uids)
      if (!this.view.isGone(uid) && this.view.indexOf(uid) !== -1) this.#unheard.add(uid)
    this.view.expunge(uids)
  }

  /** Messages that are \Recent in this session; the view is loaded only where it cannot be known otherwise. */
  async countRecent(): Promise<number> {
    return this.view.recent ?? (await this.load()).recent ?? 0
  }

  #hear(changes: readonly (Change | ChangeBatch)[]): void {
    let ours = false
    for (const change of changes) {
      // The mailbox of another user may go with its owner.
      if (change.type === 'account-removed') {
        this.#removed = true
        this.view.expungeAll()
        ours = true
      }
      if (!('mailbox' in change) || change.mailbox !== this.#options.mailbox) continue
      // What the mailbox was opened with is in the view already.
      if (change.modSeq <= this.#openedAt) continue
      ours = true
      if (change.modSeq > this.#heard) this.#heard = change.modSeq
      if (change.type === 'message-added') this.view.add(change)
      else if (change.type === 'flags-changed') this.view.setFlags({ ...change, told: false })
      else if (change.type === 'batch') this.#hearBatch(change)
      else if (change.type === 'messages-expunged') this.#hearExpunged(change.uids)
      else if (change.type === 'rights-changed') this.#rightsInDoubt = true
      else if (change.type === 'mailbox-removed') {
        this.#removed = true
        this.view.expungeAll()
      }
    }
    if (ours) this.#options.onChange()
  }

  #hearExpunged(uids: readonly number[]): void {
    if (this.#unheard.size > 0) for (const uid of uids) this.#unheard.delete(uid)
    this.view.expunge(uids)
  }

  #hearBatch({ of, columns, modSeq }: ChangeBatch): void {
    if (of === 'flags-changed') return this.view.setManyFlags({ columns, modSeq, told: false })
    const { uids, flags, keywords } = columns
    for (const [index, uid] of uids.entries())
      this.view.add({ uid, flags: flags[index] ?? 0, keywords: keywords.get(index) ?? '' })
  }

  /**
   * RFC 7162 §3.1: "a first CONDSTORE enabling command executed in the session with a mailbox selected MUST cause the server to return
   * HIGHESTMODSEQ". Called before the command's responses, and at every telling.
   */
  announceModSeq(output: Output): void | Promise<void> {
    if (this.#announced || !this.#options.modes().condstore) return
    this.#announced = true
    return output.text(highestModSeq(this.#told))
  }

  /** Tells what is pending. */
  async tell(output: Output, options: Telling): Promise<void> {
    await this.announceModSeq(output)
    if (this.view.pending || this.#removed) await this.#tellPending(output, options)
    else this.#told = this.#heard
    await output.end()
  }

  async #tellPending(output: Output, { expunges, flags = 'tell', uids = false }: Telling): Promise<void> {
    const modes = this.#options.modes()
    if (await this.#tellAdded(output, modes)) return
    const view = await this.load()
    const heard = this.#heard
    if (expunges === 'tell') await this.#tellExpunged(output, modes)
    if (view.anyAdded) {
      this.#arrivedFrom ??= view.length === 0 ? 1 : view.largestUid + 1
      // RFC 9051 §7.3: IMAP4rev2 has no RECENT, so nothing is claimed.
      view.takeAdded(modes.rev2 ? () => false : await this.#claimRecent())
      await output.text(`* ${view.length} EXISTS\r\n`)
      if (!modes.rev2) await output.text(`* ${view.recent ?? 0} RECENT\r\n`)
    }
    const heldFlags = flags === 'hold' && view.anyFlags
    for (const [index, modSeq] of heldFlags ? [] : view.takeFlags()) {
      // RFC 9051 Appendix E (21): "All unsolicited FETCH updates are required to include UID."
      const wait = output.text(this.flagsResponse(index, { modSeq, uidCommand: uids || modes.rev2 }))
      if (wait !== undefined) await wait
    }
    // Who is not told of flags may not take himself for up to date.
    if (!heldFlags) await this.#settleModSeq(output, { modes, heard })
  }

  /** Tells of messages that came where nothing else is to be told and the view is not loaded, and leaves it so. */
  async #tellAdded(output: Output, modes: Modes): Promise<boolean> {
    const { view } = this
    const can = () => view.anyAdded && view.needsNoArrays && !this.#removed && this.#loading === null
    if (!can() || (!modes.rev2 && view.recent === null)) return false
    const isRecent = modes.rev2 ? () => false : await this.#claimRecent()
    // Meanwhile more may have happened.
    if (!can()) return false
    this.#arrivedFrom ??= this.#asOf.uidNext
    view.takeAdded(isRecent)
    this.#knowsAll()
    const heard = this.#heard
    await output.text(`* ${view.length} EXISTS\r\n`)
    if (!modes.rev2) await output.text(`* ${view.recent ?? 0} RECENT\r\n`)
    await this.#settleModSeq(output, { modes, heard })
    return true
  }

  /** The UID from which on messages are new to the client since this was last asked; null: none. */
  takeArrived(): number | null {
    const from = this.#arrivedFrom
    this.#arrivedFrom = null
    return from
  }

  async #tellExpunged(output: Output, modes: Modes): Promise<void> {
    const { numbers, uids } = this.view.takeExpunged()
    if (modes.qresync || modes.uidOnly) {
      // RFC 7162 §3.2.10, RFC 9586 §3: VANISHED in place of EXPUNGE.
      for (const line of encodeVanished(rangesOf(uids), 'now')) await output.text(line)
      return
    }
    for (const number of numbers) {
      const wait = output.text(`* ${number} EXPUNGE\r\n`)
      if (wait !== undefined) await wait
    }
  }

  /** What the client may take for its HIGHESTMODSEQ after this telling. */
  async #settleModSeq(output: Output, { modes, heard }: { modes: Modes; heard: ModSeq }): Promise<void> {
    if (!this.view.anyGone) {
      this.#told = heard
      if (!this.#lowered) return
      this.#lowered = false
      await output.text(highestModSeq(heard))
    } else if (modes.qresync) {
      // RFC 7162 §3.2: "the server MUST send the HIGHESTMODSEQ response code with a lower value than the EXPUNGE's mod-sequence".
      this.#lowered = true
      await output.text(highestModSeq(this.#told))
    }
  }

  /**
   * Takes what this session's own command changed. With `told` the flags are about to be told; without it the client knows what it
   * asked for and nothing else: RFC 3501 §6.4.6, a change "from an external source" is told whatever .SILENT says.
   */
  keepOwnFlags(own: { columns: FlagColumns; modSeq: ModSeq }, { told }: { told: boolean }): void {
    const { columns, modSeq } = own
    // Where nothing was changed the modseq is that of somebody else's change.
    if (columns.uids.length === 0) return
    this.view.setManyFlags({ columns, modSeq, told })
    this.view.markTold(modSeq)
  }

  /** A FETCH response with the flags of a message, and before it FLAGS where it has keywords that are new to the client. */
  flagsResponse(index: number, options: { modSeq: number | null; uidCommand: boolean }): string {
    const { view } = this
    const uid = view.uid(index)
    const keywords = view.keywords(uid)
    const news = tellKeywords(this, keywords)
    const flags = { bits: view.flags(index), keywords }
    const now = { number: index + 1, uid, flags, ...options }
    return news + encodeFlagsNow(now, this.#options.modes())
  }

  /** RFC 3501 §2.3.2: a message is \Recent in the first session that is told of it; EXAMINE takes it from nobody. */
  async #claimRecent(): Promise<(uid: number) => boolean> {
    const { store, account, mailbox, readOnly } = this.#options
    const before = this.#claimed
    const opened = await store.openMailbox({ account, mailbox, claimRecent: !readOnly })
    const from = opened?.recentFrom ?? Infinity
    // A claim may take messages that are only heard of, and told, after it.
    if (opened !== undefined && !readOnly && from < opened.mailbox.uidNext)
      this.#claimed = { from: from === before.below ? before.from : from, below: opened.mailbox.uidNext }
    return (uid) => uid >= from || (uid >= before.from && uid < before.below)
  }
}

/** Numbers for messages that went with their mailbox before the view was loaded: each must still be told as expunged. */
function standIns(messages: number): LoadedView {
  const uids = Uint32Array.from({ length: messages }, (_, index) => index + 1)
  return { uids, flags: new Uint8Array(messages), keywords: new Map() }
}

/** Changes that came before there was someone to hear them are kept. */
export interface Feed {
  open(listener: (changes: readonly (Change | ChangeBatch)[]) => void): void
  readonly end: () => void
}

/** Subscribes first, so that nothing is missed between opening the mailbox and hearing of it. */
function subscribe(store: Store, account: AccountId): Feed {
  let early: (Change | ChangeBatch)[] | null = []
  let listener: ((changes: readonly (Change | ChangeBatch)[]) => void) | null = null
  const end = store.subscribeBatched(account, (changes) => {
    if (listener === null) early?.push(...changes)
    else listener(changes)
  })
  return {
    open(heard) {
      listener = heard
      const missed = early ?? []
      early = null
      if (missed.length > 0) heard(missed)
    },
    end,
  }
}

/** Opens a mailbox for a session; undefined where it cannot be selected. */
export async function openSelected(
  options: SelectedOptions,
): Promise<{ selected: Selected; mailbox: Mailbox; recentFrom: Uid } | undefined> {
  const { store, account, mailbox, readOnly } = options
  const feed = subscribe(store, account)
  try {
    const opened = await store.openMailbox({ account, mailbox, claimRecent: !readOnly })
    if (opened !== undefined) return { selected: new Selected(options, opened, feed), ...opened }
  } catch (error) {
    feed.end()
    throw error
  }
  feed.end()
  return undefined
}

/** RFC 7162 §3.1.2.1 */
function highestModSeq(modSeq: ModSeq): string {
  return `* OK [HIGHESTMODSEQ ${modSeq}] Up to here you know all\r\n`
}

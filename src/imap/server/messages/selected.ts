// The selected mailbox of a session: its view, loaded when first needed, and what is told to the client when.
//
// RFC 3501 §5.2, §5.5, §7.4.1: new messages and flags may be told with every command, expunged ones never while a FETCH, STORE or
// SEARCH by sequence number is at work, so that no number changes its meaning under a client that is using it.
import { encodeFlags } from '../../proto/encode/flags.ts'
import { View } from './view.ts'
import type { LoadedView } from './view.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { Rights } from '../../../store/sharing.ts'
import type { Output } from '../output.ts'
import type { AccountId, Change, Mailbox, MailboxId, ModSeq, Uid } from '../../../store/model.ts'
import type { Store } from '../../../store/store.ts'

export interface SelectedOptions {
  readonly store: Store
  /** Whose mailbox it is. */
  readonly account: AccountId
  readonly mailbox: MailboxId
  /** What the session may do in it (RFC 4314 §4); `readOnly` is about EXAMINE. */
  readonly rights: Rights
  readonly readOnly: boolean
  /** Something may be told now; in IDLE that is a reason to do it. */
  readonly onChange: () => void
}

/** Opened with `openSelected`; `close` ends the subscription. */
export class Selected {
  readonly #options: SelectedOptions
  readonly view: View
  /** RFC 5182 §2.1: UIDs that the last search with SAVE found; none at first. */
  saved: Ranges = []
  readonly #recentFrom: number
  /** What SELECT told. */
  readonly #messages: number
  readonly #asOf: { modSeq: ModSeq; uidNext: Uid }
  readonly #end: () => void
  #loading: Promise<void> | null = null
  #removed = false
  /** UIDs that the last claim made \Recent here. */
  #claimed = { from: 0, below: 0 }

  constructor(options: SelectedOptions, opened: { mailbox: Mailbox; recentFrom: Uid }, feed: Feed) {
    const { mailbox, recentFrom } = opened
    this.#options = options
    this.#recentFrom = recentFrom
    this.#messages = mailbox.messages
    this.#asOf = { modSeq: mailbox.modSeq, uidNext: mailbox.uidNext }
    this.view = new View(mailbox.uidNext)
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
    return this.#options.rights
  }

  get readOnly(): boolean {
    return this.#options.readOnly
  }

  close(): void {
    this.#end()
  }

  /** The view with its arrays, exactly as of the moment when the mailbox was opened, and what was heard since. */
  async load(): Promise<View> {
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
      const complete = !this.#removed || loaded.uids.length === this.#messages
      this.view.load(complete ? loaded : standIns(this.#messages), this.#recentFrom)
      if (this.#removed) this.view.expungeAll()
    } finally {
      this.#loading = null
    }
  }

  #hear(changes: readonly Change[]): void {
    let ours = false
    for (const change of changes) {
      if (!('mailbox' in change) || change.mailbox !== this.#options.mailbox) continue
      // What the mailbox was opened with is in the view already.
      if (change.modSeq <= this.#asOf.modSeq) continue
      ours = true
      if (change.type === 'message-added') this.view.add(change)
      else if (change.type === 'flags-changed') this.view.setFlags({ ...change, told: false })
      else if (change.type === 'messages-expunged') this.view.expunge(change.uids)
      else if (change.type === 'mailbox-removed') {
        this.#removed = true
        this.view.expungeAll()
      }
    }
    if (ours) this.#options.onChange()
  }

  /** Tells what is pending. `expunges: 'hold'` inside commands that use sequence numbers. */
  async tell(output: Output, options: { expunges: 'tell' | 'hold' }): Promise<void> {
    if (!this.view.pending && !this.#removed) return
    const view = await this.load()
    if (options.expunges === 'tell') {
      for (const number of view.takeExpunged()) await output.text(`* ${number} EXPUNGE\r\n`)
    }
    if (view.anyAdded) {
      view.takeAdded(await this.#claimRecent())
      await output.text(`* ${view.length} EXISTS\r\n* ${view.recent} RECENT\r\n`)
    }
    for (const index of view.takeFlags()) await output.text(flagsResponse(view, index, 'plain'))
    await output.end()
  }

  /** RFC 3501 §2.3.2: a message is \Recent in the first session that is told of it; EXAMINE takes it from nobody. */
  async #claimRecent(): Promise<(uid: number) => boolean> {
    const { store, account, mailbox, readOnly } = this.#options
    const before = this.#claimed
    const opened = await store.openMailbox({ account, mailbox, claimRecent: !readOnly })
    const from = opened?.recentFrom ?? Infinity
    // A claim may take messages that are only heard of, and told, after it.
    if (opened !== undefined && !readOnly) this.#claimed = { from, below: opened.mailbox.uidNext }
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
  open(listener: (changes: readonly Change[]) => void): void
  readonly end: () => void
}

/** Subscribes first, so that nothing is missed between opening the mailbox and hearing of it. */
function subscribe(store: Store, account: AccountId): Feed {
  let early: Change[] | null = []
  let listener: ((changes: readonly Change[]) => void) | null = null
  const end = store.subscribe(account, (changes) => {
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

/** `* n FETCH (FLAGS (…))`, with the UID in answers to UID commands (RFC 3501 §6.4.8). */
export function flagsResponse(view: View, index: number, form: 'plain' | 'uid'): string {
  const uid = view.uid(index)
  const flags = encodeFlags(view.flags(index), view.keywords(uid))
  return `* ${index + 1} FETCH (${form === 'uid' ? `UID ${uid} ` : ''}FLAGS (${flags}))\r\n`
}

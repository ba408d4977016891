// Watches the states of all that one user sees, his own account and those shared with him, for whoever tells him: event streams,
// WebSockets, push subscriptions.
//
// Changes that come while states are being read are told together afterwards: there is never more than one reading at a time, and what
// was told is never told again.
import type { Account, Change, MailboxId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { encodeStates, type States, statesSince } from '../proto/push.ts'
import { Accounts } from './accounts.ts'
import type { AccountPlace, PushedType, WatchedType } from './module.ts'

export interface StateWatchParts {
  readonly store: Pick<Store, 'subscribe' | 'getAccount' | 'sharingAccounts' | 'sharedMailboxes'>
  /** All that are pushed. */
  readonly types: readonly WatchedType[]
}

export interface StateWatchOptions {
  readonly viewer: Account
  /** Names of types; null: all. */
  readonly wanted: ReadonlySet<string> | null
  /** Up to where the client has heard; null: it starts now. */
  readonly since: string | null
  /** `token`: up to where it has heard then. */
  tell(changed: States, token: string): void
  /** The account is gone, or states could not be read: there is nothing more to come. */
  ended(error: unknown): void
}

interface Watched {
  readonly place: AccountPlace
  /** Those that the place has for the viewer. */
  readonly types: readonly PushedType[]
  readonly known: Map<string, string>
  readonly stop: () => void
  /** Of another's account: the mailboxes whose mail the viewer sees; null: not known yet, or not any more. */
  seen: ReadonlySet<MailboxId> | null
  /** How often they may have become others. */
  moves: number
}

export class StateWatch {
  readonly #parts: StateWatchParts
  readonly #options: StateWatchOptions
  readonly #types: readonly WatchedType[]
  readonly #watched = new Map<string, Watched>()
  /** Types by account that may have changed. */
  #dirty = new Map<string, Set<PushedType>>()
  #accountsMoved = false
  #reading = false
  #stopped = false

  private constructor(parts: StateWatchParts, options: StateWatchOptions) {
    this.#parts = parts
    this.#options = options
    this.#types = parts.types.filter(({ type }) => options.wanted?.has(type.name) ?? true)
  }

  /** Reads how everything is now, and tells what is news since `since`. Rejects where the store cannot serve. */
  static async start(parts: StateWatchParts, options: StateWatchOptions): Promise<StateWatch> {
    const watch = new StateWatch(parts, options)
    try {
      await watch.#begin()
    } catch (error) {
      watch.stop()
      throw error
    }
    return watch
  }

  /** RFC 8887 §4.3.5.1: stands for all that this user sees. */
  get token(): string {
    const states = new Map([...this.#watched].map(([id, { known }]) => [id, known]))
    return encodeStates(states, this.#names)
  }

  stop(): void {
    this.#stopped = true
    for (const { stop } of this.#watched.values()) stop()
    this.#watched.clear()
  }

  get #names(): readonly string[] {
    return this.#parts.types.map(({ type }) => type.name)
  }

  async #begin(): Promise<void> {
    this.#reading = true
    await this.#findAccounts()
    const { since, tell } = this.#options
    if (since !== null && !this.#stopped) {
      const states = new Map([...this.#watched].map(([id, { known }]) => [id, known]))
      const changed = statesSince(states, since, this.#names)
      if (changed.size > 0) tell(changed, this.token)
    }
    this.#reading = false
    void this.#read()
  }

  /** Follows accounts that are new to the viewer, and no longer those that he has lost; true where there were any. */
  async #findAccounts(): Promise<States> {
    const { store } = this.#parts
    const { viewer } = this.#options
    const accounts = new Accounts(store, viewer)
    const fresh = new Map<string, ReadonlyMap<string, string>>()
    // First his own, which hears of what is shared with him.
    await this.#follow(accounts.personal, fresh)
    const places = [accounts.personal, ...(await accounts.shared())]
    const ids = new Set(places.map(({ id }) => id))
    for (const [id, { stop }] of this.#watched) {
      if (ids.has(id)) continue
      stop()
      this.#watched.delete(id)
    }
    for (const place of places) await this.#follow(place, fresh)
    return fresh
  }

  async #follow(place: AccountPlace, fresh: Map<string, ReadonlyMap<string, string>>): Promise<void> {
    if (this.#watched.has(place.id) || this.#stopped) return
    const known = new Map<string, string>()
    const types = this.#types.filter((watched) => watched.isIn(place)).map(({ type }) => type)
    // Subscribed before it is read: what changes meanwhile is read again.
    const stop = this.#parts.store.subscribe(place.account.id, (changes) => this.#heard(place, changes))
    this.#watched.set(place.id, { place, types, known, stop, seen: null, moves: 0 })
    for (const type of types) known.set(type.name, await type.state(place))
    fresh.set(place.id, known)
  }

  #heard(place: AccountPlace, changes: readonly Change[]): void {
    const watched = this.#watched.get(place.id)
    if (watched === undefined) return
    for (const change of changes) {
      if (isUnseen(change, watched)) continue
      if (change.type === 'account-removed' && place.isPersonal) {
        this.stop()
        this.#options.ended(null)
        return
      }
      // Somebody shares something with the viewer otherwise than before (`store/sharing.ts`).
      if (change.type === 'account-removed' || change.type === 'rights-changed') this.#accountsMoved = true
      // RFC 8621 §2 isSubscribed: those of shared mailboxes too are the viewer's own.
      const isSubscribing = change.type === 'subscription-changed' && place.isPersonal
      for (const id of isSubscribing ? this.#watched.keys() : [place.id]) {
        for (const type of this.#watched.get(id)?.types ?? [])
          if (type.touchedBy(change)) this.#mark(id, type)
      }
    }
    if (this.#dirty.size > 0 || this.#accountsMoved) void this.#read()
  }

  /** Finds out what the viewer sees of the place. */
  async #look(watched: Watched): Promise<void> {
    const { moves, place } = watched
    const { viewer, account } = place
    const mailboxes = await this.#parts.store.sharedMailboxes({ viewer: viewer.id, account: account.id })
    // It may be another by now.
    if (watched.moves !== moves) return
    const readable = mailboxes.filter(({ rights }) => rights.includes('l') && rights.includes('r'))
    watched.seen = new Set(readable.map(({ mailbox }) => mailbox.id))
  }

  #mark(id: string, type: PushedType): void {
    const marked = this.#dirty.get(id)
    if (marked === undefined) this.#dirty.set(id, new Set([type]))
    else marked.add(type)
  }

  async #read(): Promise<void> {
    if (this.#reading || this.#stopped) return
    this.#reading = true
    try {
      while ((this.#dirty.size > 0 || this.#accountsMoved) && !this.#stopped) {
        const changed = await this.#changes()
        if (changed.size > 0 && !this.#stopped) this.#options.tell(changed, this.token)
      }
    } catch (error) {
      this.stop()
      this.#options.ended(error)
    } finally {
      this.#reading = false
    }
  }

  async #changes(): Promise<States> {
    const dirty = this.#dirty
    this.#dirty = new Map()
    const changed = new Map<string, ReadonlyMap<string, string>>()
    if (this.#accountsMoved) {
      this.#accountsMoved = false
      for (const [id, states] of await this.#findAccounts()) if (states.size > 0) changed.set(id, states)
    }
    for (const [id, types] of dirty) {
      const watched = this.#watched.get(id)
      if (watched === undefined || changed.has(id)) continue
      if (watched.seen === null && !watched.place.isPersonal) await this.#look(watched)
      const news = new Map<string, string>()
      for (const { name, state } of types) {
        const now = await state(watched.place)
        if (watched.known.get(name) === now) continue
        watched.known.set(name, now)
        news.set(name, now)
      }
      if (news.size > 0) changed.set(id, news)
    }
    return changed
  }
}

/** Whether it is about mail that the viewer does not see. Notes where he may see other mail from then on. */
function isUnseen(change: Change, watched: Watched): boolean {
  switch (change.type) {
    case 'message-added':
    case 'flags-changed':
    case 'messages-expunged':
      return watched.seen !== null && !watched.seen.has(change.mailbox)
    // What is made inside of a shared mailbox is shared as well (`store/sharing.ts`).
    case 'mailbox-created':
    case 'rights-changed':
      watched.seen = null
      watched.moves++
      return false
    default:
      return false
  }
}

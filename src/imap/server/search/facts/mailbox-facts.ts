// Facts of whole mailboxes, kept in the process and shared by its sessions, so that the second SORT of a large mailbox reads nothing.
//
// - What is kept of a message never changes, and a UID is never used again: facts only grow at their end. What was expunged stays
//   until it is the greater part; then the mailbox's facts are made anew.
// - All mailboxes together stay below a limit; those that wait longest for a command go first. A command holds what it uses.
// - One loading of a mailbox at a time; who comes meanwhile waits for it and then reads what is left.
import { decodeSummary } from '../../../../mail/mime/codec.ts'
import { RowFacts } from './row-facts.ts'
import { TextFacts } from './text-facts.ts'
import { ThreadFacts } from './thread-facts.ts'
import type { AccountId, MailboxId, MessageText } from '../../../../store/model.ts'
import type { Store } from '../../../../store/store.ts'

export type FactKind = 'rows' | 'texts' | 'threads'

export interface FactsRequest {
  readonly store: Pick<Store, 'messages' | 'messageTexts'>
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly kinds: readonly FactKind[]
  /** Messages with larger UIDs need not be there. */
  readonly upTo: number
  /** After each batch; false ends the loading early. */
  readonly onBatch: (messages: number) => boolean
}

/** The facts of one mailbox. */
export class MailboxFacts {
  readonly rows = new RowFacts()
  readonly texts = new TextFacts()
  readonly threads = new ThreadFacts()
  #loading: Promise<void> = Promise.resolve()

  get weight(): number {
    return this.rows.weight + this.texts.weight + this.threads.weight
  }

  /** Messages that were ever put in. */
  get length(): number {
    return Math.max(this.rows.uids.length, this.texts.uids.length, this.threads.uids.length)
  }

  /** Whether that kind is there up to the UID. */
  has(kind: FactKind, upTo: number): boolean {
    return this[kind].nextUid > upTo
  }

  /** Loads what is missing. */
  async load(request: FactsRequest): Promise<void> {
    // A loading that failed has told whoever began it.
    const mine = this.#loading.catch(() => undefined).then(() => this.#extend(request))
    this.#loading = mine
    await mine
  }

  async #extend(request: FactsRequest): Promise<void> {
    const { upTo, kinds } = request
    if (kinds.includes('rows') && !this.has('rows', upTo)) await this.#extendRows(request)
    const wanted = (['texts', 'threads'] as const).filter(
      (kind) => kinds.includes(kind) && !this.has(kind, upTo),
    )
    const [one, other] = wanted
    if (one === undefined) return
    // Together in one reading, where they stand at the same place.
    if (other !== undefined && this[one].nextUid === this[other].nextUid) {
      await this.#extendTexts(request, [one, other])
    } else for (const kind of wanted) await this.#extendTexts(request, [kind])
  }

  async #extendRows({ store, account, mailbox, upTo, onBatch }: FactsRequest): Promise<void> {
    const { rows } = this
    const uids = [[rows.nextUid, upTo]] as const
    for await (const batch of store.messages({ account, mailbox, uids })) {
      for (const message of batch) rows.add(message)
      if (!onBatch(batch.length)) return
    }
    rows.nextUid = upTo + 1
  }

  async #extendTexts(request: FactsRequest, kinds: readonly ('texts' | 'threads')[]): Promise<void> {
    const { store, account, mailbox, upTo, onBatch } = request
    const uids = [[this[kinds[0] ?? 'texts'].nextUid, upTo]] as const
    for await (const batch of store.messageTexts({ account, mailbox, uids })) {
      for (const message of batch) this.#addText(message, kinds)
      if (!onBatch(batch.length)) return
    }
    for (const kind of kinds) this[kind].nextUid = upTo + 1
  }

  #addText({ uid, structure }: MessageText, kinds: readonly ('texts' | 'threads')[]): void {
    const summary = decodeSummary(structure)
    for (const kind of kinds) {
      if (kind === 'texts') this.texts.add(uid, summary.envelope)
      else this.threads.add(uid, summary)
    }
  }
}

/** Facts of mailboxes, the least recently used ones dropped beyond the limit. */
export class FactsCache {
  readonly #limit: number
  /** In order of use. */
  readonly #mailboxes = new Map<string, MailboxFacts>()

  /** Octets, about. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** `live`: how many messages the mailbox has about now. */
  of(account: AccountId, mailbox: MailboxId, live: number): MailboxFacts {
    const key = `${account}/${mailbox}`
    const known = this.#mailboxes.get(key)
    const stale = known !== undefined && known.length > 2 * live + 10_000
    const facts = known === undefined || stale ? new MailboxFacts() : known
    this.#mailboxes.delete(key)
    this.#mailboxes.set(key, facts)
    return facts
  }

  /** Keeps to the limit; called when a command is done. */
  trim(): void {
    let weight = 0
    for (const facts of this.#mailboxes.values()) weight += facts.weight
    for (const [key, facts] of this.#mailboxes) {
      if (weight <= this.#limit) return
      weight -= facts.weight
      this.#mailboxes.delete(key)
    }
  }
}

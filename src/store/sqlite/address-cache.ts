// What RCPT, APPEND and every message for another host ask again and again: addresses that were found, whether a domain is ours,
// which mailbox has a name, and that nobody is suppressed, kept until a write could have changed the answer.
//
// - SQLite drops the pages of a reading connection with every commit of the writer, so that each look-up under load would read
//   them again. Here it costs nothing between two writes that matter.
// - An answer of the writer that tells changes of mail makes its accounts be read again (their `used`, their modseq). Any
//   other answer, or a writer whose outcome is unknown, empties the cache: it may have been a domain, an alias, a quota. The
//   queue's own writes, which come all the time and concern no address, are not told to it, nor are deliveries that touched no
//   account.
// - Where mail for an address goes is known for longer than what its account holds: it is another answer with a quota alone.
// - An address that is not there is not kept, so that a dictionary attack fills nothing. A domain that is not ours is, up to
//   the same bound: every sender and every forwarded recipient has one.
// - Mailboxes of an account are forgotten when any of them is made, changed or removed. One that is not there is not kept.
import type { Told } from '../changes.ts'
import type { AccountId, AddressEntry } from '../model.ts'
import type { MailboxPlace } from '../store.ts'

/** Entries kept at most; when there are more, all are forgotten. */
const defaultCapacity = 10_000
/** The same for the mailboxes of one account. */
const mostMailboxes = 20

export class AddressCache {
  readonly #capacity: number
  readonly #entries = new Map<string, AddressEntry>()
  /** Those of `#entries`, and those that new mail alone has taken from there, where no quota is. */
  readonly #places = new Map<string, AddressEntry>()
  /** The address under which each account is kept: an account has one. */
  readonly #addresses = new Map<AccountId, string>()
  readonly #domains = new Map<string, boolean>()
  /** By account, then by name. */
  readonly #mailboxes = new Map<AccountId, Map<string, MailboxPlace>>()
  #suppressions: 'none' | 'some' | undefined

  constructor(capacity: number = defaultCapacity) {
    this.#capacity = capacity
  }

  get(address: string): AddressEntry | undefined {
    return this.#entries.get(address)
  }

  /** The same, but that `used` and `modSeq` may be those of before. */
  place(address: string): AddressEntry | undefined {
    return this.#places.get(address)
  }

  /** To be called in the same turn as the reading of `entry`. */
  keep(address: string, entry: AddressEntry): void {
    this.keepPlace(address, entry)
    this.#entries.set(address, entry)
  }

  /** The same of an entry whose `used` and `modSeq` are those of before. */
  keepPlace(address: string, entry: AddressEntry): void {
    if (this.#places.size >= this.#capacity) this.clear()
    this.#places.set(address, entry)
    if (entry.type === 'account') this.#addresses.set(entry.account.id, address)
  }

  /** Whether the domain is ours, where that is known. */
  domain(name: string): boolean | undefined {
    return this.#domains.get(name)
  }

  /** As `keep`. */
  keepDomain(name: string, ours: boolean): void {
    if (this.#domains.size >= this.#capacity) this.#domains.clear()
    this.#domains.set(name, ours)
  }

  /** Which mailbox has the name, where that is known. */
  mailbox({ account, name }: { account: AccountId; name: string }): MailboxPlace | undefined {
    return this.#mailboxes.get(account)?.get(name)
  }

  /** As `keep`. */
  keepMailbox({ account, name }: { account: AccountId; name: string }, place: MailboxPlace): void {
    const known = this.#mailboxes.get(account)
    if (known !== undefined && known.size < mostMailboxes) {
      known.set(name, place)
      return
    }
    if (this.#mailboxes.size >= this.#capacity) this.#mailboxes.clear()
    this.#mailboxes.set(account, new Map([[name, place]]))
  }

  /** Whether any address is suppressed, where that is known. */
  get suppressions(): 'none' | 'some' | undefined {
    return this.#suppressions
  }

  /** As `keep`. */
  keepSuppressions(known: 'none' | 'some'): void {
    this.#suppressions = known
  }

  /** The suppression list may be another one. */
  forgetSuppressions(): void {
    this.#suppressions = undefined
  }

  /** A write has committed and told `changes`. */
  forget(changes: readonly Told[]): void {
    if (changes.length === 0) this.clear()
    for (const change of changes) {
      if (change.type === 'queued') continue
      if (change.type === 'account-removed') return this.clear()
      if (change.type !== 'batch' && change.type.startsWith('mailbox-'))
        this.#mailboxes.delete(change.account)
      const address = this.#addresses.get(change.account)
      if (address === undefined) continue
      this.#entries.delete(address)
      const onlyMail = (change.type === 'batch' ? change.of : change.type) === 'message-added'
      if (!onlyMail || hasQuota(this.#places.get(address))) this.#places.delete(address)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#places.clear()
    this.#addresses.clear()
    this.#domains.clear()
    this.#mailboxes.clear()
    this.#suppressions = undefined
  }
}

function hasQuota(entry: AddressEntry | undefined): boolean {
  if (entry?.type !== 'account') return false
  const { bytes, messages } = entry.account.quota
  return bytes !== null || messages !== null
}

// Messages that were read lately, for reading them again without a network: at most 200 and 20 MB, the one not read for longest goes first.
// What lists show of them and their threads is one record; the whole of each is another.
import { readKept, removeKept, writeKept } from '../../shared/kept.ts'
import type { Email, FullEmail, Id, Mailbox } from '../../shared/jmap/types.ts'
import type { MailStore, Thread } from './mail-store.ts'

const most = 200
const mostOctets = 20_000_000
const longest = 2_000_000
/** Milliseconds after a change: several come together. */
const writeDelay = 300

interface Entry {
  readonly email: Email
  readonly size: number
}

interface Index {
  readonly mailboxes: readonly Mailbox[]
  readonly threads: readonly Thread[]
  readonly entries: readonly Entry[]
}

const fullName = (id: Id): string => `full-${id}`

export class KeptMail {
  readonly #store: MailStore
  /** Those read first come first. */
  readonly #entries = new Map<Id, Entry>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(store: MailStore) {
    this.#store = store
  }

  get ids(): Id[] {
    return [...this.#entries.keys()]
  }

  /** What was kept when the page was open the last time. */
  async load(): Promise<Index | undefined> {
    const index = await readKept<Index>('index')
    const newer = [...this.#entries]
    for (const entry of index?.entries ?? []) this.#entries.set(entry.email.id, entry)
    for (const [id, entry] of newer) this.#put(id, entry)
    return index
  }

  full(id: Id): Promise<FullEmail | undefined> {
    return readKept<FullEmail>(fullName(id))
  }

  #put(id: Id, entry: Entry): void {
    this.#entries.delete(id)
    this.#entries.set(id, entry)
  }

  async add(email: FullEmail): Promise<void> {
    const size = JSON.stringify(email).length
    if (size > longest) return
    await writeKept(fullName(email.id), email)
    const { headers: _, bodyValues: __, ...rest } = email
    this.#put(email.id, { email: rest, size })
    let octets = [...this.#entries.values()].reduce((sum, entry) => sum + entry.size, 0)
    for (const [id, entry] of [...this.#entries]) {
      if (this.#entries.size <= most && octets <= mostOctets) break
      octets -= entry.size
      this.remove(id)
    }
    this.changed()
  }

  remove(id: Id): void {
    if (!this.#entries.delete(id)) return
    void removeKept(fullName(id))
    this.changed()
  }

  /** Something of them, or of the mailboxes, may have. */
  changed(): void {
    if (this.#entries.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#write(), writeDelay)
  }

  async #write(): Promise<void> {
    const { emails, threads, mailboxes } = this.#store
    const entries = [...this.#entries].map(([id, { email, size }]) => ({
      email: emails.get(id) ?? email,
      size,
    }))
    const ids = new Set(entries.map(({ email }) => email.threadId))
    const index: Index = {
      mailboxes: mailboxes.peek(),
      threads: [...ids].flatMap((id) => threads.get(id) ?? []),
      entries,
    }
    await writeKept('index', index)
  }
}

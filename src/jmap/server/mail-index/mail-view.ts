// The mail of an account as one viewer sees it: all of it, or what is in the mailboxes that are shared with him (RFC 8621 §2 myRights).
// Made for one call from an index as it is; good until the next wait.
import { Flag, type MailboxId } from '../../../store/model.ts'
import type { MailIndex, MailModSeqs } from './mail-index.ts'

/** Whether an email has a keyword, by its slot. */
export type KeywordTest = (email: number) => boolean

/** What the messages of each email have together, by its slot: made in one pass where many emails are asked about. */
export interface Sheet {
  readonly version: number
  /** 1: it is there. */
  readonly there: Uint8Array
  /** As `MailView.flagsOf`. */
  readonly flags: Uint8Array
}

/** RFC 8621 §4.1.1: "The following four keywords have their first character changed". */
const systemKeywords: ReadonlyMap<string, number> = new Map([
  ['$seen', Flag.seen],
  ['$answered', Flag.answered],
  ['$flagged', Flag.flagged],
  ['$draft', Flag.draft],
])

export class MailView {
  readonly index: MailIndex
  /** Null: all of them. */
  readonly #readable: ReadonlySet<MailboxId> | null
  /** By number of a mailbox: 1 where its messages are seen. */
  readonly #mask: Uint8Array
  #sheet: Sheet | null = null

  constructor(index: MailIndex, readable: ReadonlySet<MailboxId> | null) {
    this.index = index
    this.#readable = readable
    this.#mask = Uint8Array.from(index.mailboxes, (id) => (readable === null || readable.has(id) ? 1 : 0))
  }

  /** Modseqs of the last changes that the viewer can know of. */
  get last(): Readonly<MailModSeqs> {
    const { last, lastIn } = this.index
    return this.#readable === null ? last : lastIn.newest(this.#mask)
  }

  sees(mailbox: MailboxId): boolean {
    return this.#readable === null || this.#readable.has(mailbox)
  }

  /** Whether a message is seen and shown. */
  shows(message: number): boolean {
    const { flags, mailboxOf } = this.index
    return (
      ((flags.array[message] ?? 0) & Flag.deleted) === 0 && this.#mask[mailboxOf.array[message] ?? 0] === 1
    )
  }

  /** For who asks about very many emails: what is computed of all of them at once, kept by the index for the owner. */
  sheet(): Sheet {
    const { index } = this
    const known = this.#readable === null ? index.sheet : this.#sheet
    if (known?.version === index.version) return known
    const sheet = this.#makeSheet()
    if (this.#readable === null) index.sheet = sheet
    this.#sheet = sheet
    return sheet
  }

  #makeSheet(): Sheet {
    const { index } = this
    const length = index.emails.length
    const [there, any, all] = [
      new Uint8Array(length),
      new Uint8Array(length),
      new Uint8Array(length).fill(31),
    ]
    const [emails, flags, mailboxes] = [index.emailOf.array, index.flags.array, index.mailboxOf.array]
    const mask = this.#mask
    for (let message = 0; message < index.uids.length; message++) {
      const email = emails[message] ?? -1
      const bits = flags[message] ?? 0
      if (email === -1 || (bits & Flag.deleted) !== 0 || mask[mailboxes[message] ?? 0] !== 1) continue
      there[email] = 1
      any[email] = (any[email] ?? 0) | bits
      all[email] = (all[email] ?? 0) & bits
    }
    for (let email = 0; email < length; email++) {
      any[email] = ((any[email] ?? 0) & ~Flag.seen) | ((all[email] ?? 0) & Flag.seen)
    }
    return { version: index.version, there, flags: any }
  }

  /** By slot of an email: 1 where one of its messages that are shown is of this kind. */
  #marked(isOne: (message: number) => boolean): Uint8Array {
    const { index } = this
    const marks = new Uint8Array(index.emails.length)
    const emails = index.emailOf.array
    for (let message = 0; message < index.uids.length; message++) {
      const email = emails[message] ?? -1
      if (email !== -1 && isOne(message) && this.shows(message)) marks[email] = 1
    }
    return marks
  }

  /** Whether an email is there. */
  hasEmail(email: number): boolean {
    if (this.#sheet !== null) return this.#sheet.there[email] === 1
    const { firstMessage, nextOfEmail } = this.index
    for (let at = firstMessage.array[email] ?? -1; at !== -1; at = nextOfEmail.array[at] ?? -1) {
      if (this.shows(at)) return true
    }
    return false
  }

  /** The slot of an email that is there; −1. */
  find(email: number): number {
    const slot = this.index.slotOf(email)
    return slot !== -1 && this.hasEmail(slot) ? slot : -1
  }

  /** Numbers of the mailboxes that an email is in, each once. */
  mailboxesOf(email: number): number[] {
    const found: number[] = []
    for (const message of this.index.messagesOf(email)) {
      const number = this.index.mailboxOf.array[message] ?? 0
      if (this.shows(message) && !found.includes(number)) found.push(number)
    }
    return found
  }

  /** By slot of an email: 1 where it is in the mailbox of that number. */
  emailsIn(mailbox: number): Uint8Array {
    const marks = new Uint8Array(this.index.emails.length)
    const emails = this.index.emailOf.array
    for (const message of this.index.messagesIn(mailbox))
      if (this.shows(message)) marks[emails[message] ?? 0] = 1
    return marks
  }

  /** Bits of `Flag`: \Seen where all its messages have it, the others where one has (decision 014). */
  flagsOf(email: number): number {
    if (this.#sheet !== null) return this.#sheet.flags[email] ?? 0
    const { firstMessage, nextOfEmail, flags } = this.index
    let any = 0
    let all = 31
    for (let at = firstMessage.array[email] ?? -1; at !== -1; at = nextOfEmail.array[at] ?? -1) {
      if (!this.shows(at)) continue
      any |= flags.array[at] ?? 0
      all &= flags.array[at] ?? 0
    }
    return (any & ~Flag.seen) | (all & Flag.seen)
  }

  /** RFC 8621 §2 `unreadEmails`: "neither the "$seen" keyword nor the "$draft" keyword". */
  isUnread(email: number): boolean {
    return (this.flagsOf(email) & (Flag.seen | Flag.draft)) === 0
  }

  /** In lower case, sorted. */
  keywordsOf(email: number): string[] {
    const flags = this.flagsOf(email)
    const found = new Set<string>()
    for (const [keyword, bit] of systemKeywords) if ((flags & bit) !== 0) found.add(keyword)
    for (const message of this.index.messagesOf(email)) {
      const words = this.index.words.array[message] ?? 0
      if (words === 0 || !this.shows(message)) continue
      for (const word of this.index.wordSets.words(words)) if (!systemKeywords.has(word)) found.add(word)
    }
    return [...found].sort()
  }

  /** `keyword` in any case. */
  keywordTest(keyword: string): KeywordTest {
    const wanted = keyword.toLowerCase()
    const bit = systemKeywords.get(wanted)
    if (bit !== undefined) return (email) => (this.flagsOf(email) & bit) !== 0
    const { words, wordSets } = this.index
    const having = wordSets.having(wanted)
    if (!having.includes(1)) return () => false
    const marks = this.#marked((message) => having[words.array[message] ?? 0] === 1)
    return (email) => marks[email] === 1
  }

  /** Slots of the emails of a thread that are there; RFC 8621 §3: "sorted by the "receivedAt" date of the Email, oldest first". */
  emailsOfThread(thread: number): number[] {
    const { firstInThread, nextInThread, receivedAt, emails } = this.index
    const found: number[] = []
    for (let at = firstInThread.array[thread] ?? -1; at !== -1; at = nextInThread.array[at] ?? -1) {
      if (this.hasEmail(at)) found.push(at)
    }
    return found.sort(
      (a, b) =>
        (receivedAt.array[a] ?? 0) - (receivedAt.array[b] ?? 0) ||
        (emails.array[a] ?? 0) - (emails.array[b] ?? 0),
    )
  }
}

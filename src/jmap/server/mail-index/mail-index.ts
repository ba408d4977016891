// All mail of one account in columns of numbers: which messages are where with which flags, which email and thread they belong to. It
// answers what JMAP asks of every email without touching the store.
//
// - Emails, threads and messages have slots. A slot of an email or thread is never used again; one without messages is *dead*.
// - A message is shown while it lacks \Deleted; an email is as its shown messages are (decision 014).
// - `apply` is the only writer. It is given rows and changes in the order of their commits, and a row that it knows in a younger
//   state stays as it is, so that what is told twice does no harm.
// - `version` goes up with every change; whoever keeps what he computed compares it.
import type { EmailPlaces } from '../../../store/emails.ts'
import { Flag, type MailboxId, type ModSeq } from '../../../store/model.ts'
import { doubles, integers, octets, uids } from './columns.ts'
import { MailFacts } from './mail-facts.ts'
import { MailboxModSeqs } from './mailbox-modseqs.ts'
import { MailboxSlots } from './mailbox-slots.ts'
import type { Sheet } from './mail-view.ts'
import { WordSets } from './word-sets.ts'

/** Of what JMAP tells, the modseq of its last change. */
export interface MailModSeqs {
  email: number
  thread: number
  mailbox: number
  /** EmailDelivery (RFC 8621 §1.5): an email came. */
  delivery: number
}

export class MailIndex {
  /** By slot of an email. */
  readonly emails = doubles()
  readonly receivedAt = doubles()
  readonly sizes = doubles()
  readonly threadOf = integers()
  readonly nextInThread = integers()
  /** −1: dead. */
  readonly firstMessage = integers()
  /** By slot of a thread. */
  readonly threads = doubles()
  readonly firstInThread = integers()
  /** By slot of a message; −1: the slot is free. */
  readonly emailOf = integers()
  readonly mailboxOf = integers()
  readonly uids = uids()
  readonly flags = octets()
  readonly words = integers()
  readonly modSeqs = doubles()
  readonly shownSince = doubles()
  readonly nextOfEmail = integers()
  readonly wordSets = new WordSets()
  readonly facts: MailFacts = new MailFacts(this)
  /** Ids of mailboxes by the number that messages have for them. */
  readonly mailboxes: MailboxId[] = []
  /** By number of a mailbox: when what Mailbox/get counts there last changed. */
  readonly counted: number[] = []
  readonly last: MailModSeqs = { email: 0, thread: 0, mailbox: 0, delivery: 0 }
  /** The same of each mailbox, by its number. */
  readonly lastIn = new MailboxModSeqs()
  version = 0
  /** The account's modseq up to which all changes are in. */
  modSeq = 0
  /** What it was when the index was loaded: of what was before, `counted` may know too little. */
  loadedAt = 0
  /** What the owner's view last computed of all emails. */
  sheet: Sheet | null = null
  /** Slots of emails that are dead. */
  dead = 0
  readonly #numberOf = new Map<MailboxId, number>()
  readonly #slotOf = new Map<number, number>()
  readonly #threadSlotOf = new Map<number, number>()
  readonly #places: MailboxSlots[] = []
  readonly #free: number[] = []

  /** Octets held, about. */
  get weight(): number {
    return (
      this.facts.weight + 65_536 + this.emails.length * 160 + this.threads.length * 60 + this.uids.length * 60
    )
  }

  /** The slot of an email; −1 where there is none. */
  slotOf(email: number): number {
    return this.#slotOf.get(email) ?? -1
  }

  threadSlotOf(thread: number): number {
    return this.#threadSlotOf.get(thread) ?? -1
  }

  /** Of a mailbox; −1: no message was ever in it. */
  numberOf(mailbox: MailboxId): number {
    return this.#numberOf.get(mailbox) ?? -1
  }

  /** Slots of the messages in a mailbox, in order of UID. */
  messagesIn(number: number): Int32Array {
    return this.#places[number]?.slots ?? new Int32Array(0)
  }

  /** Rows that were read. `news`: they came after the index was loaded, so that their coming is a change. */
  add(mailbox: MailboxId, places: EmailPlaces, news: boolean): void {
    const number = this.#numberFor(mailbox)
    for (let index = 0; index < places.uids.length; index++) {
      const uid = places.uids[index] ?? 0
      const modSeq = places.modSeqs[index] ?? 0
      const known = this.#placesOf(number).find(uid)
      const flags = places.flags[index] ?? 0
      const words = this.wordSets.number(places.keywords.get(index) ?? '')
      const shown = places.shownSince[index] ?? 0
      if (known !== -1) {
        this.#set(known, { flags, words, modSeq, shown })
        continue
      }
      const email = this.#emailFor(places, index)
      const before = news ? this.#summary(email) : 0
      this.#insert({ number, uid, email, flags, words, modSeq, shown })
      if (!news) this.#seen(number, modSeq, shown)
      else if ((flags & Flag.deleted) === 0) {
        this.lastIn.change(number, { was: null, is: flags, modSeq })
        this.#changed(email, before, modSeq)
      }
      // It may have been shown between its coming and this look at it.
      else this.#seen(number, modSeq, modSeq)
    }
    this.version++
  }

  /** New flags and keywords of messages that are known; others are left out. */
  setFlags(
    mailbox: MailboxId,
    change: {
      readonly uids: Iterable<number>
      readonly flags: ArrayLike<number>
      readonly keywords: ReadonlyMap<number, string>
      readonly modSeq: ModSeq
    },
  ): void {
    const places = this.#placesOf(this.#numberFor(mailbox))
    const { flags, keywords, modSeq } = change
    let index = 0
    for (const uid of change.uids) {
      const slot = places.find(uid)
      const words = keywords.size === 0 ? 0 : this.wordSets.number(keywords.get(index) ?? '')
      if (slot !== -1) this.#set(slot, { flags: flags[index] ?? 0, words, modSeq, shown: modSeq })
      index++
    }
    this.version++
  }

  /** Messages that left; null: all of the mailbox, which is gone. */
  remove(mailbox: MailboxId, gone: readonly number[] | null, modSeq: ModSeq): void {
    const number = this.#numberFor(mailbox)
    const slots = this.#placesOf(number).take(gone)
    for (const slot of slots) this.#drop(slot, modSeq)
    // What went before the index could look at it was there at some state all the same.
    if (gone === null || slots.length < gone.length) this.#seen(number, modSeq, modSeq)
    this.version++
  }

  /** That something of mailboxes changed that is not counted. */
  noteMailboxes(modSeq: number): void {
    this.last.mailbox = Math.max(this.last.mailbox, modSeq)
  }

  /** That whatever is told of a mailbox and of its messages may have changed. */
  noteChanged(mailbox: MailboxId, modSeq: number): void {
    const number = this.#numberFor(mailbox)
    this.counted[number] = Math.max(this.counted[number] ?? 0, modSeq)
    this.lastIn.note(number, { email: modSeq, thread: modSeq, mailbox: modSeq })
  }

  /** Says that what Mailbox/get counts in the mailboxes of a thread may have changed then. */
  touchThread(thread: number, modSeq: number): void {
    const slot = this.#threadSlotOf.get(thread)
    if (slot !== undefined) this.#count(slot, modSeq)
  }

  /** After loading: what a change of any message of a thread may have changed in all its mailboxes. */
  finishLoading(): void {
    for (let thread = 0; thread < this.threads.length; thread++) {
      let modSeq = 0
      let mailboxes = 0
      for (
        let email = this.firstInThread.array[thread] ?? -1;
        email !== -1;
        email = this.nextInThread.array[email] ?? -1
      ) {
        for (const slot of this.messagesOf(email)) {
          modSeq = Math.max(modSeq, this.modSeqs.array[slot] ?? 0)
          mailboxes++
        }
      }
      if (mailboxes > 1) this.#count(thread, modSeq)
    }
  }

  /** Slots of the messages of an email, those with \Deleted too. */
  *messagesOf(email: number): Generator<number> {
    const next = this.nextOfEmail
    for (let slot = this.firstMessage.array[email] ?? -1; slot !== -1; slot = next.array[slot] ?? -1)
      yield slot
  }

  #numberFor(mailbox: MailboxId): number {
    const known = this.#numberOf.get(mailbox)
    if (known !== undefined) return known
    const number = this.mailboxes.push(mailbox) - 1
    this.#numberOf.set(mailbox, number)
    this.#places.push(new MailboxSlots())
    this.counted.push(0)
    this.lastIn.add()
    return number
  }

  #placesOf(number: number): MailboxSlots {
    const places = this.#places[number]
    if (places === undefined) throw new Error(`the index has no mailbox ${number}`)
    return places
  }

  #emailFor(places: EmailPlaces, index: number): number {
    const email = places.emails[index] ?? 0
    const known = this.#slotOf.get(email)
    if (known !== undefined) return known
    const slot = this.emails.length
    const thread = this.#threadFor(places.threads[index] ?? email)
    this.emails.push(email)
    // As it is told: in whole seconds.
    this.receivedAt.push(Math.floor((places.receivedAt[index] ?? 0) / 1000) * 1000)
    this.sizes.push(places.sizes[index] ?? 0)
    this.threadOf.push(thread)
    this.nextInThread.push(this.firstInThread.array[thread] ?? -1)
    this.firstInThread.array[thread] = slot
    this.firstMessage.push(-1)
    this.#slotOf.set(email, slot)
    return slot
  }

  #threadFor(thread: number): number {
    const known = this.#threadSlotOf.get(thread)
    if (known !== undefined) return known
    const slot = this.threads.length
    this.threads.push(thread)
    this.firstInThread.push(-1)
    this.#threadSlotOf.set(thread, slot)
    return slot
  }

  #insert(row: {
    readonly number: number
    readonly uid: number
    readonly email: number
    readonly flags: number
    readonly words: number
    readonly modSeq: number
    readonly shown: number
  }): void {
    const next = this.firstMessage.array[row.email] ?? -1
    const slot = this.#free.pop() ?? this.uids.length
    put(this.emailOf, slot, row.email)
    put(this.mailboxOf, slot, row.number)
    put(this.uids, slot, row.uid)
    put(this.flags, slot, row.flags)
    put(this.words, slot, row.words)
    put(this.modSeqs, slot, row.modSeq)
    put(this.shownSince, slot, row.shown)
    put(this.nextOfEmail, slot, next)
    this.firstMessage.array[row.email] = slot
    this.#placesOf(row.number).add(row.uid, slot)
  }

  #set(slot: number, to: { flags: number; words: number; modSeq: number; shown: number }): void {
    if ((this.modSeqs.array[slot] ?? 0) >= to.modSeq) return
    const email = this.emailOf.array[slot] ?? 0
    const before = this.#summary(email)
    const was = this.flags.array[slot] ?? 0
    const wasHidden = (was & Flag.deleted) !== 0
    this.flags.array[slot] = to.flags
    this.words.array[slot] = to.words
    this.modSeqs.array[slot] = to.modSeq
    if (wasHidden && (to.flags & Flag.deleted) === 0) this.shownSince.array[slot] = to.shown
    this.lastIn.change(this.mailboxOf.array[slot] ?? 0, { was, is: to.flags, modSeq: to.modSeq })
    this.#changed(email, before, to.modSeq)
  }

  #drop(slot: number, modSeq: number): void {
    const email = this.emailOf.array[slot] ?? 0
    const number = this.mailboxOf.array[slot] ?? 0
    const before = this.#summary(email)
    const following = this.nextOfEmail.array[slot] ?? -1
    if (this.firstMessage.array[email] === slot) this.firstMessage.array[email] = following
    else {
      for (const other of this.messagesOf(email)) {
        if (this.nextOfEmail.array[other] === slot) this.nextOfEmail.array[other] = following
      }
    }
    this.emailOf.array[slot] = -1
    this.#free.push(slot)
    if ((before & isShown) !== 0) this.counted[number] = Math.max(this.counted[number] ?? 0, modSeq)
    this.lastIn.change(number, { was: this.flags.array[slot] ?? 0, is: null, modSeq })
    this.#changed(email, before, modSeq)
    if (following === -1 && this.firstMessage.array[email] === -1) this.#bury(email)
  }

  #bury(email: number): void {
    this.#slotOf.delete(this.emails.array[email] ?? 0)
    const thread = this.threadOf.array[email] ?? 0
    const following = this.nextInThread.array[email] ?? -1
    if (this.firstInThread.array[thread] === email) this.firstInThread.array[thread] = following
    else {
      for (
        let at = this.firstInThread.array[thread] ?? -1;
        at !== -1;
        at = this.nextInThread.array[at] ?? -1
      ) {
        if (this.nextInThread.array[at] === email) this.nextInThread.array[at] = following
      }
    }
    this.dead++
  }

  /** What of an email counts for mailboxes and threads: whether it is shown, whether it is unread, and where. */
  #summary(email: number): number {
    let summary = 0
    for (
      let slot = this.firstMessage.array[email] ?? -1;
      slot !== -1;
      slot = this.nextOfEmail.array[slot] ?? -1
    ) {
      const flags = this.flags.array[slot] ?? 0
      if ((flags & Flag.deleted) !== 0) continue
      summary |= isShown
      // Of each place by itself, since who sees some of them only counts by these. One place changes at a time, so that a sum tells it.
      const unseen = (flags & Flag.seen) === 0 ? 1 : 0
      const draft = (flags & Flag.draft) !== 0 ? 2 : 0
      summary += (((this.mailboxOf.array[slot] ?? 0) + 1) * 4 + unseen + draft) * placeStep
    }
    return summary
  }

  #changed(email: number, before: number, modSeq: number): void {
    const after = this.#summary(email)
    if (((before | after) & isShown) === 0) return
    const { last } = this
    last.email = Math.max(last.email, modSeq)
    if (before === after) return
    last.mailbox = Math.max(last.mailbox, modSeq)
    this.#count(this.threadOf.array[email] ?? 0, modSeq)
    if ((before & isShown) === (after & isShown)) return
    last.thread = Math.max(last.thread, modSeq)
    if ((after & isShown) !== 0) last.delivery = Math.max(last.delivery, modSeq)
  }

  #seen(number: number, modSeq: number, shown: number): void {
    const { last } = this
    this.lastIn.note(number, { email: modSeq, thread: shown, mailbox: modSeq, delivery: shown })
    last.email = Math.max(last.email, modSeq)
    last.mailbox = Math.max(last.mailbox, modSeq)
    last.thread = Math.max(last.thread, shown)
    last.delivery = Math.max(last.delivery, shown)
  }

  #count(thread: number, modSeq: number): void {
    for (
      let email = this.firstInThread.array[thread] ?? -1;
      email !== -1;
      email = this.nextInThread.array[email] ?? -1
    ) {
      for (
        let slot = this.firstMessage.array[email] ?? -1;
        slot !== -1;
        slot = this.nextOfEmail.array[slot] ?? -1
      ) {
        const number = this.mailboxOf.array[slot] ?? 0
        if ((this.counted[number] ?? 0) < modSeq) this.counted[number] = modSeq
      }
    }
  }
}

const isShown = 1
const placeStep = 2

function put(
  column: { readonly array: { [index: number]: number }; readonly length: number; push(value: number): void },
  slot: number,
  value: number,
): void {
  if (slot === column.length) column.push(value)
  else column.array[slot] = value
}

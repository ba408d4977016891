// The model: what an account holds, as the RFCs tell it, in plain sets and lists. Knows nothing of sessions.
//
// Mod-sequences and UIDVALIDITY are the server's to choose: the model learns them from an observer (`observer.ts`), which holds them to
// what RFC 7162 §2 and RFC 3501 §2.3.1.1 demand. All else the model computes by itself.

/** A message's content: a header of four fields and a body. */
export interface Content {
  readonly text: string
  readonly subject: string
  readonly from: string
  readonly body: string
  /** The day of the Date field, UTC midnight. */
  readonly sent: number
}

export interface Message {
  uid: number
  readonly content: Content
  /** Small letters, `\seen` and keywords alike; never \Recent. */
  flags: Set<string>
  /** Milliseconds. */
  readonly date: number
  /** 0 until the observer has seen it. */
  modSeq: number
  /** Told by EMAILID once; copies have the same. '' while not known. */
  readonly email: { id: string }
  /** Since the observer looked: `changed` must have risen, `touched` may have. */
  news: 'none' | 'touched' | 'changed'
}

/** A message that is gone, and when it went: above `after`, at most `upTo` (Infinity while the observer has not looked). */
export interface Gone {
  readonly uid: number
  readonly after: number
  upTo: number
  readonly flags: Set<string>
}

export class Mailbox {
  name: string
  selectable = true
  /** Removed: sessions may have it selected yet. */
  removed = false
  uidValidity = 0
  uidNext = 1
  modSeq = 0
  messages: Message[] = []
  gone: Gone[] = []
  /** The observer has to look. */
  dirty = true

  constructor(name: string) {
    this.name = name
  }

  find(uid: number): Message | undefined {
    return this.messages.find((message) => message.uid === uid)
  }

  add(message: Omit<Message, 'uid' | 'modSeq' | 'news'>, uid = this.uidNext): Message {
    const added: Message = { ...message, uid, modSeq: 0, news: 'changed' }
    this.uidNext = uid + 1
    this.messages.push(added)
    this.dirty = true
    return added
  }

  setFlags(message: Message, flags: ReadonlySet<string>): void {
    const same = flags.size === message.flags.size && [...flags].every((flag) => message.flags.has(flag))
    if (!same) message.news = 'changed'
    else if (message.news === 'none') message.news = 'touched'
    message.flags = new Set(flags)
    this.dirty = true
  }

  expunge(which: (message: Message) => boolean): Message[] {
    const removed = this.messages.filter(which)
    if (removed.length === 0) return removed
    this.messages = this.messages.filter((message) => !removed.includes(message))
    for (const { uid, flags } of removed) this.gone.push({ uid, flags, after: this.modSeq, upTo: Infinity })
    this.dirty = true
    return removed
  }
}

/** RFC 3501 §5.1: INBOX is it in every case. */
export const canonical = (name: string): string =>
  name.split('/')[0]?.toUpperCase() === 'INBOX' ? `INBOX${name.slice(5)}` : name

export class Account {
  readonly address: string
  #mailboxes = new Map<string, Mailbox>()
  readonly subscribed = new Set<string>()
  /** Every mailbox that ever was. */
  readonly all: Mailbox[] = []

  constructor(address: string) {
    this.address = address
    for (const name of ['INBOX', 'Drafts', 'Sent', 'Archive', 'Junk', 'Trash']) {
      this.#make(name)
      this.subscribed.add(name)
    }
  }

  get names(): string[] {
    return [...this.#mailboxes.keys()].sort()
  }

  get mailboxes(): Mailbox[] {
    return [...this.#mailboxes.values()]
  }

  find(name: string): Mailbox | undefined {
    return this.#mailboxes.get(canonical(name))
  }

  #make(name: string): Mailbox {
    const mailbox = new Mailbox(name)
    this.#mailboxes.set(name, mailbox)
    this.all.push(mailbox)
    return mailbox
  }

  /** RFC 3501 §6.3.3: superiors are made where they lack. False where it is there already. */
  create(written: string): boolean {
    const name = canonical(written)
    const present = this.#mailboxes.get(name)
    if (present?.selectable === true) return false
    this.#makeSuperiors(name)
    this.#make(name)
    return true
  }

  #makeSuperiors(name: string): void {
    for (let end = name.indexOf('/'); end !== -1; end = name.indexOf('/', end + 1)) {
      const superior = name.slice(0, end)
      if (!this.#mailboxes.has(superior)) this.#make(superior)
    }
  }

  inferiors(name: string): Mailbox[] {
    return this.mailboxes.filter((each) => each.name.startsWith(`${name}/`))
  }

  /** RFC 3501 §6.3.4: one with inferiors stays as a name that cannot be selected. */
  remove(written: string): 'removed' | 'refused' {
    const name = canonical(written)
    const mailbox = this.#mailboxes.get(name)
    if (mailbox === undefined || name === 'INBOX') return 'refused'
    const inferiors = this.inferiors(name)
    if (!mailbox.selectable && inferiors.length > 0) return 'refused'
    mailbox.removed = true
    mailbox.expunge(() => true)
    this.#mailboxes.delete(name)
    if (inferiors.length > 0) this.#make(name).selectable = false
    return 'removed'
  }

  /** RFC 3501 §6.3.5; inferiors go with it, but those of INBOX. */
  rename(writtenFrom: string, writtenTo: string): boolean {
    const [from, to] = [canonical(writtenFrom), canonical(writtenTo)]
    const mailbox = this.#mailboxes.get(from)
    if (mailbox === undefined || this.#mailboxes.has(to) || (to.startsWith(`${from}/`) && from !== 'INBOX'))
      return false
    this.#makeSuperiors(to)
    if (from === 'INBOX') {
      const target = this.#make(to)
      for (const message of mailbox.expunge(() => true)) target.add(message)
      return true
    }
    for (const each of [mailbox, ...this.inferiors(from)]) {
      this.#mailboxes.delete(each.name)
      each.name = to + each.name.slice(from.length)
      each.dirty = true
      this.#mailboxes.set(each.name, each)
    }
    return true
  }
}

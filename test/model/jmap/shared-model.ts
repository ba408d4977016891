// The model: what an account holds, as decision 014 tells it, in plain lists and sets. IMAP sees messages, JMAP the emails that they are
// messages of. Ids and UIDs are the server's to choose: the model learns them from the views and holds them to it.

export interface Email {
  /** '' until a view has told it. */
  id: string
  /** Stands in its header as X-Nr, and in no other. */
  readonly nr: number
  readonly thread: Thread
  readonly subject: string
  readonly from: string
  readonly receivedAt: number
}

export interface Thread {
  id: string
  readonly serial: number
}

/** A message of IMAP. */
export interface Place {
  readonly email: Email
  mailbox: Mailbox
  /** 0 until a view has told it. */
  uid: number
  /** In small letters: `\seen`, `word`. */
  flags: Set<string>
}

export interface Mailbox {
  id: string
  path: string
  selectable: boolean
  role: string | null
  sortOrder: number
}

/** What identifies a new email to the threads. */
export interface Letter {
  readonly nr: number
  readonly subject: string
  readonly from: string
  /** Message-ID, and what it refers to. */
  readonly names: readonly string[]
}

/** As JMAP shows an email to somebody. */
export interface Shown {
  readonly email: Email
  readonly mailboxIds: readonly string[]
  readonly keywords: readonly string[]
}

const systemFlags = ['\\seen', '\\answered', '\\flagged', '\\draft']

export function flagOf(keyword: string): string {
  const flag = keyword.replace('$', '\\')
  return systemFlags.includes(flag) ? flag : keyword
}

export const keywordOf = (flag: string): string => flag.replace('\\', '$')

export class SharedModel {
  mailboxes: Mailbox[] = []
  places: Place[] = []
  /** By name, as IMAP has them. */
  readonly subscribed = new Set<string>()
  /** Letters of RFC 4314 that the guest has, by mailbox. */
  readonly rights = new Map<Mailbox, string>()
  #threads = 0
  readonly #threadOf = new Map<string, Thread>()
  /** What each email was made of. */
  readonly letters = new WeakMap<Email, Letter>()

  // Mailboxes

  find(path: string): Mailbox | undefined {
    return this.mailboxes.find((one) => one.path === path)
  }

  /** Decision 014: what is in a shared mailbox is shared with the same. */
  make(path: string): Mailbox {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      if (this.find(path.slice(0, end)) === undefined) this.make(path.slice(0, end))
    }
    const present = this.find(path)
    // A mere name makes room for a mailbox with an id of its own.
    if (present?.selectable === false) this.forget(present)
    const isNew = present?.selectable !== true
    const mailbox = isNew ? { id: '', path, selectable: true, role: null, sortOrder: 0 } : present
    if (isNew) {
      this.mailboxes.push(mailbox)
      const parent = this.find(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
      const rights = parent === undefined ? undefined : this.rights.get(parent)
      if (rights !== undefined) this.rights.set(mailbox, rights)
    }
    return mailbox
  }

  inferiors(path: string): Mailbox[] {
    return this.mailboxes.filter((one) => one.path.startsWith(`${path}/`))
  }

  parentOf({ path }: Mailbox): Mailbox | undefined {
    return this.find(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  }

  forget(mailbox: Mailbox): void {
    this.mailboxes = this.mailboxes.filter((one) => one !== mailbox)
    this.places = this.places.filter((place) => place.mailbox !== mailbox)
    this.rights.delete(mailbox)
  }

  rename(mailbox: Mailbox, to: string): void {
    const from = mailbox.path
    for (const one of [mailbox, ...this.inferiors(from)]) one.path = to + one.path.slice(from.length)
  }

  // Messages

  /** A new email joins the oldest thread that knows one of its names under its subject. */
  emailOf(letter: Letter, receivedAt: number): Email {
    const { nr, subject, from, names } = letter
    const keys = names.map((name) => `${name} ${subject}`)
    const found = keys.flatMap((key) => this.#threadOf.get(key) ?? [])
    const [oldest] = found.toSorted((a, b) => a.serial - b.serial)
    const thread = oldest ?? { id: '', serial: ++this.#threads }
    for (const key of keys) if (!this.#threadOf.has(key)) this.#threadOf.set(key, thread)
    const email = { id: '', nr, thread, subject, from, receivedAt }
    this.letters.set(email, letter)
    return email
  }

  /** Threads that nothing is left of are not joined any more. */
  forgetThreads(): void {
    const living = new Set(this.places.map(({ email }) => email.thread))
    for (const [key, thread] of this.#threadOf) if (!living.has(thread)) this.#threadOf.delete(key)
  }

  put(email: Email, mailbox: Mailbox, flags: Iterable<string>): Place {
    const place: Place = { email, mailbox, uid: 0, flags: new Set(flags) }
    this.places.push(place)
    return place
  }

  /** A new email of an email of another account, with the same octets. */
  emailLike(other: Email, of: SharedModel): Email {
    const letter = of.letters.get(other)
    if (letter === undefined) throw new Error('an email without a letter')
    return this.emailOf(letter, other.receivedAt)
  }

  remove(gone: (place: Place) => boolean): void {
    this.places = this.places.filter((place) => !gone(place))
  }

  in(mailbox: Mailbox): Place[] {
    return this.places.filter((place) => place.mailbox === mailbox)
  }

  // As JMAP sees it

  /** Messages of an email that make it visible. */
  shownPlaces(email: Email, sees: (mailbox: Mailbox) => boolean = () => true): Place[] {
    return this.places.filter(
      (place) => place.email === email && !place.flags.has('\\deleted') && sees(place.mailbox),
    )
  }

  /** All emails that are there for somebody who sees these mailboxes. */
  shown(sees: (mailbox: Mailbox) => boolean = () => true): Shown[] {
    const byEmail = new Map<Email, Place[]>()
    for (const place of this.places) {
      if (place.flags.has('\\deleted') || !sees(place.mailbox)) continue
      const known = byEmail.get(place.email)
      if (known) known.push(place)
      else byEmail.set(place.email, [place])
    }
    return Array.from(byEmail, ([email, places]) => ({
      email,
      mailboxIds: [...new Set(places.map(({ mailbox }) => mailbox.id))].toSorted(),
      keywords: keywordsOf(places),
    }))
  }
}

/** `$seen` where all have it, any other where one has it. */
export function keywordsOf(places: readonly Place[]): string[] {
  const all = new Set(places.flatMap(({ flags }) => [...flags]))
  all.delete('\\deleted')
  if (!places.every(({ flags }) => flags.has('\\seen'))) all.delete('\\seen')
  return Array.from(all, keywordOf).toSorted()
}

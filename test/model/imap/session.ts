// One client: its connection, what it has enabled, what it has selected, and what it keeps while it is away (RFC 7162 §3.2.5).
import { ImapClient } from '../../support/imap-session.ts'
import type { Account, Mailbox } from './mailboxes.ts'
import type { Modes, View } from './view.ts'
import type { Watching } from './watching.ts'

/** What a client with QRESYNC keeps of a mailbox. */
export interface Cache {
  readonly name: string
  readonly mailbox: Mailbox
  readonly uidValidity: number
  readonly modSeq: number
  /** Flags by UID; in order of UID. */
  readonly flags: ReadonlyMap<number, ReadonlySet<string>>
  /** Numbers and UIDs that it knows, for the match data. */
  readonly numbers: readonly (readonly [number: number, uid: number])[]
  /** From here on there are messages of which the client may not know. */
  readonly unknownFrom: number
}

export type Service = ConstructorParameters<typeof ImapClient>[0]

/** The other account. */
export const guest = 'bob@example.org'

export class Session {
  readonly name: string
  /** Whose mailboxes it works on. */
  readonly account: Account
  /** Logs in as somebody else, to whom INBOX is shared (RFC 4314). */
  readonly isGuest: boolean
  readonly #service: Service
  client: ImapClient
  modes: Modes = { rev2: false, condstore: false, qresync: false, uidOnly: false }
  view: View | null = null
  cache: Cache | null = null
  idling: string | null = null
  /** RFC 5465: news of the selected mailbox come at once, or expunges wait (`delayed`) for the end of a command. */
  notified: 'selected' | 'delayed' | null = null
  /** Other mailboxes of which NOTIFY tells. */
  watching: Watching | null = null
  #tag = 0

  constructor(name: string, account: Account, { service, isGuest }: { service: Service; isGuest: boolean }) {
    this.name = name
    this.account = account
    this.isGuest = isGuest
    this.#service = service
    this.client = new ImapClient(service)
  }

  async open(): Promise<void> {
    await this.client.open(this.isGuest ? guest : this.account.address)
  }

  /** A mailbox's name as this client has it. */
  wire(name: string): string {
    return this.isGuest ? `"Other Users/${this.account.address}/${name}"` : name
  }

  nextTag(): string {
    return `${this.name}${++this.#tag}`
  }

  /** The connection breaks; the next one knows nothing of it. */
  async reopen(): Promise<void> {
    await this.client.leave()
    this.client = new ImapClient(this.#service)
    this.modes = { rev2: false, condstore: false, qresync: false, uidOnly: false }
    this.view = null
    this.idling = null
    this.notified = null
    this.watching = null
    await this.open()
  }

  /** What the client would have on its disk if the connection broke now. */
  remember(): void {
    const { view } = this
    if (view === null || view.modSeq === null || !this.modes.qresync) return
    const { entries, mailbox } = view
    const unknown = entries.findIndex(({ flags, known }) => flags === null || !known)
    const known = unknown === -1 ? entries : entries.slice(0, unknown)
    this.cache = {
      ...{ name: mailbox.name, mailbox, uidValidity: mailbox.uidValidity, modSeq: view.modSeq },
      flags: new Map(known.map(({ uid, flags }) => [uid, flags ?? new Set()])),
      numbers: known.map(({ uid }, index) => [index + 1, uid]),
      unknownFrom: (known.at(-1)?.uid ?? 0) + 1,
    }
  }
}

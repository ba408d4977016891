// People written to and heard from, for completion. All that was ever sent is looked through once, in the background, and then what is new
// of it; what was learnt is kept in this browser until the log-out. The mail itself is the address book.
import { signal, type Signal } from '@preact/signals'
import { readKept, writeKept } from '../../shared/kept.ts'
import type { JmapClient } from '../../shared/jmap/client.ts'
import type { Email, EmailAddress, GetResponse, Id, QueryResponse } from '../../shared/jmap/types.ts'

interface Contact {
  readonly name: string
  readonly email: string
  weight: number
}

/** What is kept. */
interface Kept {
  /** UTC: mail received since was not looked through yet. */
  readonly until: string
  readonly contacts: readonly Contact[]
}

type Wanted = Pick<Email, 'receivedAt' | 'from' | 'to'> & { readonly cc: readonly EmailAddress[] | null }

const group = 250
/** Sent messages looked through at most, newest first. */
const mostSent = 20_000
/** Received messages looked through at most. */
const mostReceived = 250
const mostContacts = 5000
const sentWeight = 5
const keptName = 'contacts'
/** Milliseconds. */
const lookDelay = 1500

export class Contacts {
  /** Moves when somebody became known. */
  readonly version: Signal<number> = signal(0)
  readonly #client: JmapClient
  readonly #known = new Map<string, Contact>()
  #until = ''
  #loading: Promise<void> | null = null

  constructor(client: JmapClient) {
    this.#client = client
  }

  /** Once a page; failures only mean fewer suggestions, and another try with the next page. */
  load(sent: Id | undefined): Promise<void> {
    this.#loading ??= this.#load(sent).catch(() => undefined)
    return this.#loading
  }

  async #load(sent: Id | undefined): Promise<void> {
    const kept = await readKept<Kept>(keptName)
    for (const { name, email, weight } of kept?.contacts ?? []) this.#learn([{ name, email }], weight)
    this.#until = kept?.until ?? ''
    // The list comes first.
    await new Promise((resolve) => setTimeout(resolve, lookDelay))
    const since = this.#until === '' ? {} : { after: this.#until }
    let newest = this.#until
    for (const [filter, most] of [
      [sent === undefined ? null : { inMailbox: sent, ...since }, mostSent],
      [since, mostReceived],
    ] as const) {
      if (filter === null) continue
      for (let position = 0; position < most; position += group) {
        const emails = await this.#read(filter, position)
        for (const { from, to, cc, receivedAt } of emails) {
          if (most === mostSent) this.#learn([...(to ?? []), ...(cc ?? [])], sentWeight)
          else this.#learn(from ?? [], 1)
          if (receivedAt > newest) newest = receivedAt
        }
        if (emails.length < group) break
      }
    }
    // `after` means then or later (RFC 8621 §4.4.1): the last one would count again each time.
    this.#until = newest === '' ? '' : `${new Date(Date.parse(newest) + 1000).toISOString().slice(0, 19)}Z`
    await this.#write()
  }

  async #read(filter: object, position: number): Promise<readonly Wanted[]> {
    const batch = this.#client.batch()
    const sort = [{ property: 'receivedAt', isAscending: false }]
    const query = batch.add<QueryResponse>('Email/query', { filter, sort, position, limit: group })
    const emails = batch.add<GetResponse<Wanted>>('Email/get', {
      '#ids': query.ref('/ids'),
      properties: ['receivedAt', 'from', 'to', 'cc'],
    })
    await batch.send()
    return (await emails.result).list
  }

  async #write(): Promise<void> {
    const contacts = [...this.#known.values()].sort((a, b) => b.weight - a.weight).slice(0, mostContacts)
    const record: Kept = { until: this.#until, contacts }
    await writeKept(keptName, record)
  }

  /** They are written to now. */
  learn(people: readonly EmailAddress[]): void {
    this.#learn(people, sentWeight)
    void this.#write()
  }

  #learn(people: readonly EmailAddress[], weight: number): void {
    if (people.length > 0) this.version.value++
    for (const { name, email } of people) {
      const key = email.toLowerCase()
      const old = this.#known.get(key)
      const named = name === null || name === '' ? (old?.name ?? '') : name
      this.#known.set(key, { name: named, email, weight: (old?.weight ?? 0) + weight })
    }
  }

  /** Best first: those written to often, whose name or address has a word that begins so. */
  suggest(text: string, without: ReadonlySet<string>): EmailAddress[] {
    const wanted = text.trim().toLowerCase()
    if (wanted === '') return []
    return [...this.#known.values()]
      .filter(({ name, email }) => {
        const words = `${name} ${email}`.toLowerCase().split(/[\s@._-]+/)
        return (
          !without.has(email.toLowerCase()) &&
          (words.some((word) => word.startsWith(wanted)) || email.toLowerCase().startsWith(wanted))
        )
      })
      .sort((a, b) => b.weight - a.weight)
      .slice(0, 6)
      .map(({ name, email }) => ({ name: name === '' ? null : name, email }))
  }
}

// People written to and heard from, for completion: learnt from the newest sent and received mail when the page is opened, and
// from what is sent in it. Kept in this browser only until the page is closed; the mail itself is the address book.
import type { JmapClient } from '../../shared/jmap/client.ts'
import type { Email, EmailAddress, GetResponse, QueryResponse } from '../../shared/jmap/types.ts'

interface Contact {
  readonly name: string
  readonly email: string
  weight: number
}

const learnt = 200

export class Contacts {
  readonly #client: JmapClient
  readonly #known = new Map<string, Contact>()
  #loaded = false

  constructor(client: JmapClient) {
    this.#client = client
  }

  /** Once a page; failures only mean fewer suggestions. */
  async load(sentMailbox: string | undefined): Promise<void> {
    if (this.#loaded) return
    this.#loaded = true
    const batch = this.#client.batch()
    const sort = [{ property: 'receivedAt', isAscending: false }]
    const properties = ['from', 'to', 'cc', 'replyTo']
    const sent =
      sentMailbox === undefined
        ? null
        : batch.add<QueryResponse>('Email/query', { filter: { inMailbox: sentMailbox }, sort, limit: learnt })
    const sentEmails =
      sent === null
        ? null
        : batch.add<GetResponse<Email & { cc: EmailAddress[] | null }>>('Email/get', {
            '#ids': sent.ref('/ids'),
            properties,
          })
    const all = batch.add<QueryResponse>('Email/query', { sort, limit: learnt })
    const allEmails = batch.add<GetResponse<Email>>('Email/get', {
      '#ids': all.ref('/ids'),
      properties: ['from'],
    })
    await batch.send()
    const outgoing = (await sentEmails?.result.catch(() => null))?.list ?? []
    for (const { to, cc } of outgoing) this.learn([...(to ?? []), ...(cc ?? [])], 5)
    for (const { from } of (await allEmails.result.catch(() => null))?.list ?? []) this.learn(from ?? [], 1)
  }

  learn(people: readonly EmailAddress[], weight: number): void {
    for (const { name, email } of people) {
      const key = email.toLowerCase()
      const old = this.#known.get(key)
      this.#known.set(key, { name: name ?? old?.name ?? '', email, weight: (old?.weight ?? 0) + weight })
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

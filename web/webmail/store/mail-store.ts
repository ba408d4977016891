// What the webmail knows of the account: mailboxes, and emails by id and thread, as they were last told, kept up to date by
// `/changes` whenever push says that something moved. Views read `version` to be drawn again.
import { signal, type Signal } from '@preact/signals'
import { type JmapClient, JmapError } from '../../shared/jmap/client.ts'
import type {
  ChangesResponse,
  Email,
  FullEmail,
  GetResponse,
  Id,
  Identity,
  Mailbox,
} from '../../shared/jmap/types.ts'
import { EmailWriter } from './email-writer.ts'
import { Labels, labelsOf } from './labels.ts'
import { KeptMail } from './kept-mail.ts'

/** What lists show of an email. */
export const listProperties = [
  'id',
  'blobId',
  'threadId',
  'mailboxIds',
  'keywords',
  'size',
  'receivedAt',
  'from',
  'to',
  'subject',
  'hasAttachment',
  'preview',
] as const

const fullProperties = [
  ...listProperties,
  'sender',
  'cc',
  'bcc',
  'replyTo',
  'sentAt',
  'messageId',
  'inReplyTo',
  'references',
  'headers',
  'textBody',
  'htmlBody',
  'attachments',
  'bodyValues',
]
const bodyProperties = ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid']
const longestBody = 2_000_000
const maxChanges = 500
/** Milliseconds. */
const retryDelay = 5000

export interface Thread {
  readonly id: Id
  readonly emailIds: readonly Id[]
}

/** What a refresh brought. */
export interface News {
  readonly created: readonly Id[]
  /** Whether emails changed at all, or nobody knows. */
  readonly changed: boolean
}

export class MailStore {
  readonly client: JmapClient
  readonly mailboxes: Signal<readonly Mailbox[]> = signal([])
  readonly identities: Signal<readonly Identity[]> = signal([])
  /** Moves with every change of emails or threads. */
  readonly version: Signal<number> = signal(0)
  /** Moves when all that was known of emails was forgotten: whoever shows any asks for it again. */
  readonly epoch: Signal<number> = signal(0)
  readonly emails = new Map<Id, Email>()
  readonly threads = new Map<Id, Thread>()
  readonly kept: KeptMail = new KeptMail(this)
  readonly writer: EmailWriter = new EmailWriter(this)
  readonly labels: Labels
  readonly #full = new Map<Id, Promise<FullEmail>>()
  readonly #listeners = new Set<(news: News) => void>()
  #emailState: string | null = null
  #refreshing: Promise<void> | null = null
  #again = false
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(client: JmapClient) {
    this.client = client
    this.labels = new Labels(client.accountId)
  }

  /** Loads the mailboxes and listens from then on. Without a network there is what was read lately. */
  async start(): Promise<void> {
    try {
      const batch = this.client.batch()
      const mailboxes = batch.add<GetResponse<Mailbox>>('Mailbox/get', { ids: null })
      const emails = batch.add<GetResponse<Email>>('Email/get', { ids: [] })
      const identities = batch.add<GetResponse<Identity>>('Identity/get', { ids: null })
      await batch.send()
      this.mailboxes.value = (await mailboxes.result).list
      this.#emailState = (await emails.result).state
      // Mail can be read by whom the server lets send nothing.
      this.identities.value = (await identities.result.catch(() => null))?.list ?? []
      void this.#renewKept()
    } catch (error) {
      if (!isOffline(error) || !(await this.#openKept())) throw error
    }
    this.client.listen((types) => {
      if (types === null || 'Email' in types || 'Mailbox' in types || 'Thread' in types) this.#refreshSoon()
    })
    let online = this.client.online.peek()
    this.client.online.subscribe((now) => {
      if (now && !online) this.#refreshSoon()
      online = now
    })
  }

  /** Up to which changes are known; null: the server was not reached yet. */
  get emailState(): string | null {
    return this.#emailState
  }

  /** A push is told once: what fails is tried again. */
  #refreshSoon(): void {
    clearTimeout(this.#retry)
    this.refresh().catch(() => {
      this.#retry = setTimeout(() => this.#refreshSoon(), retryDelay)
    })
  }

  /** Whether there was anything. */
  async #openKept(): Promise<boolean> {
    const index = await this.kept.load()
    if (index === undefined) return false
    this.mailboxes.value = index.mailboxes
    this.keepThreads(index.threads)
    this.keep(index.entries.map(({ email }) => email))
    return true
  }

  /** What was kept may have been changed elsewhere since. */
  async #renewKept(): Promise<void> {
    await this.kept.load()
    const { ids } = this.kept
    if (ids.length === 0) return
    try {
      const list = await this.#get<Email>('Email/get', ids, { properties: listProperties })
      const found = new Set(list.map(({ id }) => id))
      for (const id of ids) if (!found.has(id)) this.kept.remove(id)
      this.keep(list)
      this.kept.changed()
    } catch {
      // The network went: they stay as they were.
    }
  }

  /** Those kept in that mailbox or with that keyword: the newest of each conversation, newest first. */
  keptHeads({ inMailbox, hasKeyword }: { inMailbox?: Id; hasKeyword?: string }): Id[] {
    const heads = new Map<Id, Email>()
    const all = this.kept.ids.flatMap((id) => this.emails.get(id) ?? [])
    for (const email of all.sort((a, b) => b.receivedAt.localeCompare(a.receivedAt))) {
      const fits =
        (inMailbox === undefined || email.mailboxIds[inMailbox] === true) &&
        (hasKeyword === undefined || email.keywords[hasKeyword] === true)
      if (fits && !heads.has(email.threadId)) heads.set(email.threadId, email)
    }
    return [...heads.values()].map(({ id }) => id)
  }

  mailbox(id: Id): Mailbox | undefined {
    return this.mailboxes.value.find((mailbox) => mailbox.id === id)
  }

  byRole(role: string): Mailbox | undefined {
    return this.mailboxes.value.find((mailbox) => mailbox.role === role)
  }

  /** Hears after each refresh what it brought. */
  onChange(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  touch(): void {
    this.version.value++
    this.kept.changed()
  }

  keep(emails: readonly Email[]): void {
    for (const email of emails) this.emails.set(email.id, this.writer.shown(email))
    this.labels.learn(labelsOf(emails))
  }

  /** It was destroyed. */
  forget(id: Id): void {
    const email = this.emails.get(id)
    this.emails.delete(id)
    this.#full.delete(id)
    this.kept.remove(id)
    const thread = email === undefined ? undefined : this.threads.get(email.threadId)
    if (thread === undefined) return
    const emailIds = thread.emailIds.filter((one) => one !== id)
    if (emailIds.length === 0) this.threads.delete(thread.id)
    else this.threads.set(thread.id, { ...thread, emailIds })
  }

  keepThreads(threads: readonly Thread[]): void {
    for (const thread of threads) this.threads.set(thread.id, thread)
  }

  /** The emails of a thread that are known, oldest first. */
  threadEmails(threadId: Id): Email[] {
    return (this.threads.get(threadId)?.emailIds ?? []).flatMap((id) => this.emails.get(id) ?? [])
  }

  /** Fetches what changed since the last time. One at a time; one more afterwards where asked for meanwhile. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== null) {
      this.#again = true
      return this.#refreshing
    }
    this.#refreshing = this.#refreshAll().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refreshAll(): Promise<void> {
    do {
      this.#again = false
      await this.#refresh()
      // Asked for while the last one was on its way: that may have been answered before the change.
    } while (this.#again)
  }

  async #refresh(): Promise<void> {
    const since = this.#emailState
    const batch = this.client.batch()
    const mailboxes = batch.add<GetResponse<Mailbox>>('Mailbox/get', { ids: null })
    const changes =
      since === null ? null : batch.add<ChangesResponse>('Email/changes', { sinceState: since, maxChanges })
    await batch.send()
    this.mailboxes.value = (await mailboxes.result).list
    const told = await changes?.result.catch((error: unknown) => {
      if (error instanceof JmapError && error.type === 'cannotCalculateChanges') return null
      throw error
    })
    if (told == null) await this.#startOver()
    else {
      await this.#apply(told)
      // Only now: what failed on the way is told again the next time.
      this.#emailState = told.newState
      if (told.hasMoreChanges) this.#again = true
    }
    const created = told?.created ?? []
    const changed = told == null || created.length + told.updated.length + told.destroyed.length > 0
    if (changed) this.touch()
    else this.kept.changed()
    for (const listener of this.#listeners) listener({ created, changed })
  }

  async #apply({ created, updated, destroyed }: ChangesResponse): Promise<void> {
    const wanted = [...updated.filter((id) => this.emails.has(id)), ...created]
    const list = await this.#get<Email>('Email/get', wanted, { properties: listProperties })
    const touched = new Set(list.map(({ threadId }) => threadId))
    const threads = await this.#get<Thread>('Thread/get', [...touched])
    this.keep(list)
    this.keepThreads(threads)
    for (const id of destroyed) this.forget(id)
  }

  /** In as many requests as the server wants. */
  async #get<T>(
    method: string,
    ids: readonly Id[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<T[]> {
    const { objectsInGet } = this.client.limits
    const list: T[] = []
    for (let start = 0; start < ids.length; start += objectsInGet) {
      const group = ids.slice(start, start + objectsInGet)
      list.push(...(await this.client.call<GetResponse<T>>(method, { ids: group, ...more })).list)
    }
    return list
  }

  /** What lists show of these emails. */
  async loadEmails(ids: readonly Id[]): Promise<void> {
    this.keep(await this.#get<Email>('Email/get', ids, { properties: listProperties }))
  }

  /** `cannotCalculateChanges`, or no state yet: everything kept may be old. */
  async #startOver(): Promise<void> {
    const batch = this.client.batch()
    const emails = batch.add<GetResponse<Email>>('Email/get', { ids: [] })
    const identities = batch.add<GetResponse<Identity>>('Identity/get', { ids: null })
    await batch.send()
    const { state } = await emails.result
    this.identities.value = (await identities.result.catch(() => null))?.list ?? this.identities.peek()
    this.emails.clear()
    this.threads.clear()
    this.#full.clear()
    this.#emailState = state
    this.epoch.value++
    void this.#renewKept()
  }

  /** Everything of an email, for reading. Kept, since only keywords and mailboxes ever change. */
  full(id: Id): Promise<FullEmail> {
    const kept = this.#full.get(id)
    if (kept !== undefined) return kept
    const loading = this.#loadFull(id)
    this.#full.set(id, loading)
    loading.catch(() => this.#full.delete(id))
    if (this.#full.size > 200) this.#full.delete(this.#full.keys().next().value ?? '')
    return loading
  }

  async #loadFull(id: Id): Promise<FullEmail> {
    try {
      const { list } = await this.client.call<GetResponse<FullEmail>>('Email/get', {
        ids: [id],
        properties: fullProperties,
        bodyProperties,
        fetchTextBodyValues: true,
        fetchHTMLBodyValues: true,
        maxBodyValueBytes: longestBody,
      })
      const [email] = list
      if (email === undefined) throw new Error('The message is no longer there.')
      void this.kept.add(email)
      return email
    } catch (error) {
      const kept = isOffline(error) ? await this.kept.full(id) : undefined
      if (kept === undefined) throw error
      return kept
    }
  }

  /** The thread and what lists show of its emails. */
  async loadThread(threadId: Id): Promise<void> {
    const before = this.#emailState
    const batch = this.client.batch()
    const threads = batch.add<GetResponse<Thread>>('Thread/get', { ids: [threadId] })
    const emails = batch.add<GetResponse<Email>>('Email/get', {
      '#ids': threads.ref('/list/*/emailIds'),
      properties: listProperties,
    })
    await batch.send()
    const { list } = await threads.result
    const found = await emails.result.catch((error: unknown) => {
      if (isTooLarge(error)) return null
      throw error
    })
    // What was learnt meanwhile may be newer than this answer.
    if (before !== this.#emailState) return this.loadThread(threadId)
    this.keepThreads(list)
    if (found === null) await this.loadEmails(list.flatMap(({ emailIds }) => emailIds))
    else this.keep(found.list)
    if (list.length === 0) this.threads.delete(threadId)
    this.touch()
  }
}

export function isOffline(error: unknown): boolean {
  return error instanceof JmapError && error.type === 'offline'
}

/** A conversation, or fifty, of more emails than one `/get` may ask for. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof JmapError && error.type === 'requestTooLarge'
}

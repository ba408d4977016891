// What the webmail knows of the account: mailboxes, and emails by id and thread, as they were last told, kept up to date by
// `/changes` whenever push says that something moved. Views read `version` to be drawn again.
import { signal, type Signal } from '@preact/signals'
import { checkSet, type JmapClient, JmapError } from '../../shared/jmap/client.ts'
import type {
  ChangesResponse,
  Email,
  FullEmail,
  GetResponse,
  Id,
  Mailbox,
  SetResponse,
} from '../../shared/jmap/types.ts'
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

export interface Thread {
  readonly id: Id
  readonly emailIds: readonly Id[]
}

/** A change of one email: what `Email/set` takes (RFC 8620 §5.3 PatchObject). */
export type Patch = Readonly<Record<string, true | null>>

export class MailStore {
  readonly client: JmapClient
  readonly mailboxes: Signal<readonly Mailbox[]> = signal([])
  /** Moves with every change of emails or threads. */
  readonly version: Signal<number> = signal(0)
  readonly emails = new Map<Id, Email>()
  readonly threads = new Map<Id, Thread>()
  readonly kept: KeptMail = new KeptMail(this)
  readonly #full = new Map<Id, Promise<FullEmail>>()
  readonly #listeners = new Set<(created: readonly Id[]) => void>()
  #emailState: string | null = null
  #refreshing: Promise<void> | null = null
  #again = false

  constructor(client: JmapClient) {
    this.client = client
  }

  /** Loads the mailboxes and listens from then on. Without a network there is what was read lately. */
  async start(): Promise<void> {
    try {
      await this.loadMailboxes()
      const { state } = await this.client.call<GetResponse<Email>>('Email/get', { ids: [] })
      this.#emailState = state
      void this.#renewKept()
    } catch (error) {
      if (!isOffline(error) || !(await this.#openKept())) throw error
    }
    this.client.listen((types) => {
      if (types === null || 'Email' in types || 'Mailbox' in types || 'Thread' in types)
        void this.refresh().catch(() => undefined)
    })
    let online = this.client.online.peek()
    this.client.online.subscribe((now) => {
      if (now && !online) void this.refresh().catch(() => undefined)
      online = now
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
      const { list, notFound } = await this.client.call<GetResponse<Email>>('Email/get', {
        ids,
        properties: listProperties,
      })
      for (const id of notFound) this.kept.remove(id)
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

  async loadMailboxes(): Promise<void> {
    const { list } = await this.client.call<GetResponse<Mailbox>>('Mailbox/get', { ids: null })
    this.mailboxes.value = list
  }

  mailbox(id: Id): Mailbox | undefined {
    return this.mailboxes.value.find((mailbox) => mailbox.id === id)
  }

  byRole(role: string): Mailbox | undefined {
    return this.mailboxes.value.find((mailbox) => mailbox.role === role)
  }

  /** Hears of emails that are new after each refresh. */
  onChange(listener: (created: readonly Id[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  touch(): void {
    this.version.value++
    this.kept.changed()
  }

  keep(emails: readonly Email[]): void {
    for (const email of emails) this.emails.set(email.id, email)
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
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = null
    })
    await this.#refreshing
    if (this.#again) {
      this.#again = false
      await this.refresh()
    }
  }

  async #refresh(): Promise<void> {
    const batch = this.client.batch()
    const mailboxes = batch.add<GetResponse<Mailbox>>('Mailbox/get', { ids: null })
    const changes = batch.add<ChangesResponse>('Email/changes', {
      sinceState: this.#emailState ?? '',
      maxChanges,
    })
    await batch.send()
    this.mailboxes.value = (await mailboxes.result).list
    let created: readonly Id[] = []
    try {
      const told = await changes.result
      this.#emailState = told.newState
      created = told.created
      await this.#apply(told)
      if (told.hasMoreChanges) this.#again = true
    } catch {
      // cannotCalculateChanges, or no state yet: everything kept may be old.
      await this.#startOver()
    }
    this.touch()
    for (const listener of this.#listeners) listener(created)
  }

  async #apply({ created, updated, destroyed }: ChangesResponse): Promise<void> {
    for (const id of destroyed) {
      this.emails.delete(id)
      this.#full.delete(id)
      this.kept.remove(id)
    }
    const wanted = [...updated.filter((id) => this.emails.has(id)), ...created]
    const touched = new Set<Id>()
    if (wanted.length > 0) {
      const { list } = await this.client.call<GetResponse<Email>>('Email/get', {
        ids: wanted,
        properties: listProperties,
      })
      this.keep(list)
      for (const { threadId } of list) touched.add(threadId)
    }
    if (touched.size > 0) {
      const { list } = await this.client.call<GetResponse<Thread>>('Thread/get', { ids: [...touched] })
      this.keepThreads(list)
    }
  }

  async #startOver(): Promise<void> {
    this.emails.clear()
    this.threads.clear()
    this.#full.clear()
    const { state } = await this.client.call<GetResponse<Email>>('Email/get', { ids: [] })
    this.#emailState = state
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
    const batch = this.client.batch()
    const threads = batch.add<GetResponse<Thread>>('Thread/get', { ids: [threadId] })
    const emails = batch.add<GetResponse<Email>>('Email/get', {
      '#ids': threads.ref('/list/*/emailIds'),
      properties: listProperties,
    })
    await batch.send()
    this.keepThreads((await threads.result).list)
    this.keep((await emails.result).list)
    this.touch()
  }

  /** Shows the change at once, tells the server, and takes it back where he refuses. */
  async update(patches: ReadonlyMap<Id, Patch>): Promise<void> {
    const before = new Map<Id, Email>()
    for (const [id, patch] of patches) {
      const email = this.emails.get(id)
      if (email === undefined) continue
      before.set(id, email)
      this.emails.set(id, applyPatch(email, patch))
    }
    this.touch()
    try {
      checkSet(await this.client.call<SetResponse>('Email/set', { update: Object.fromEntries(patches) }))
    } catch (error) {
      for (const [id, email] of before) this.emails.set(id, email)
      this.touch()
      throw error
    }
  }

  async destroy(ids: readonly Id[]): Promise<void> {
    checkSet(await this.client.call<SetResponse>('Email/set', { destroy: ids }))
    for (const id of ids) {
      this.emails.delete(id)
      this.kept.remove(id)
    }
    this.touch()
  }
}

export function isOffline(error: unknown): boolean {
  return error instanceof JmapError && error.type === 'offline'
}

/** `mailboxIds/x` and `keywords/x` alone are patched here. */
export function applyPatch(email: Email, patch: Patch): Email {
  const mailboxIds = { ...email.mailboxIds }
  const keywords = { ...email.keywords }
  for (const [path, value] of Object.entries(patch)) {
    const [property = '', ...rest] = path.split('/')
    const name = rest.join('/').replaceAll('~1', '/').replaceAll('~0', '~')
    const target = property === 'mailboxIds' ? mailboxIds : keywords
    if (value === null) delete target[name]
    else target[name] = true
  }
  return { ...email, mailboxIds, keywords }
}

/** What undoes a patch of that email. */
export function inversePatch(email: Email, patch: Patch): Patch {
  const inverse: Record<string, true | null> = {}
  for (const path of Object.keys(patch)) {
    const [property = '', ...rest] = path.split('/')
    const name = rest.join('/').replaceAll('~1', '/').replaceAll('~0', '~')
    const had = property === 'mailboxIds' ? email.mailboxIds[name] : email.keywords[name]
    inverse[path] = had === true ? true : null
  }
  return inverse
}

/** RFC 6901 §3: a keyword or id as part of a path. */
export function pointerToken(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}

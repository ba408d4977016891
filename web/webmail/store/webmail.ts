// The state of the page: where it is (a mailbox, a label or a search; a conversation that is open), what is chosen, what is being
// written. The address bar says where it is, so that back, forward and reload do what they should.
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { JmapClient } from '../../shared/jmap/client.ts'
import type { Quote } from '../../shared/mail/frame-messages.ts'
import type { Filter, Id, Identity, QueryResponse } from '../../shared/jmap/types.ts'
import { parseSearch, toFilter } from '../../shared/mail/search-language.ts'
import { startRouter, type Router } from '../../shared/router.ts'
import { readSetting, writeSetting } from '../../shared/settings.ts'
import type { Scene, Targets } from './actions.ts'
import { Contacts } from './contacts.ts'
import { ConversationList } from './conversation-list.ts'
import { MailStore } from './mail-store.ts'

/** Where the page is. */
export type Place =
  | { readonly kind: 'mailbox'; readonly mailboxId: Id }
  | { readonly kind: 'label'; readonly keyword: string }
  | { readonly kind: 'search'; readonly text: string }

export interface Draft {
  readonly key: number
  /** What it begins with. */
  readonly start: DraftStart
  readonly size: Signal<DraftSize>
}

/** Small: its title alone. */
export type DraftSize = 'normal' | 'small' | 'large'

/** Pixels that a window for writing takes beside others. */
const draftWidth = 616
/** Up to here one thing fills the screen (webmail.css). */
const phoneWidth = 860

export interface DraftStart {
  readonly to?: string
  readonly cc?: string
  readonly bcc?: string
  readonly subject?: string
  /** Ours: what stands above the quote. */
  readonly html?: string
  readonly quote?: Quote
  /** Written and answered to. */
  readonly kind: 'new' | 'reply' | 'forward' | 'edit'
  readonly original?: Id
  /** Of an `edit`: what it is to `original`. */
  readonly answers?: DraftStart['kind']
  readonly inReplyTo?: readonly string[]
  readonly references?: readonly string[]
  /** Message-IDs of what it passes on: in the field that other programs use for it too. */
  readonly forwardedIds?: readonly string[]
  readonly draftId?: Id
  readonly attachments?: readonly DraftFile[]
  /** Content-IDs of pictures in `html`, by data URL. */
  readonly pictures?: ReadonlyMap<string, string>
  readonly identityId?: Id
  readonly plain?: boolean
}

export interface DraftFile {
  readonly blobId: Id
  readonly name: string
  readonly type: string
  readonly size: number
  /** Present: shown inside the text. */
  readonly cid?: string
}

export class Webmail {
  readonly client: JmapClient
  readonly store: MailStore
  readonly router: Router
  readonly contacts: Contacts
  readonly place: ReadonlySignal<Place>
  readonly threadId: ReadonlySignal<Id | null>
  readonly list: Signal<ConversationList | null> = signal(null)
  /** Threads with a tick. */
  readonly chosen: Signal<ReadonlySet<Id>> = signal(new Set<Id>())
  /** Whether all of the list is meant, what is not loaded too. */
  readonly all: Signal<boolean> = signal(false)
  /** The row the keyboard is at. */
  readonly cursor: Signal<number> = signal(0)
  readonly sideOpen: Signal<boolean> = signal(false)
  readonly drafts: Signal<readonly Draft[]> = signal([])
  readonly identities: ReadonlySignal<readonly Identity[]>
  #lastDraft = 0
  #listKey = ''
  /** Asked for before the mailboxes are known. */
  #early: { readonly key: string; readonly list: ConversationList } | null = null

  constructor(client: JmapClient) {
    this.client = client
    this.store = new MailStore(client)
    this.identities = this.store.identities
    this.contacts = new Contacts(client)
    this.router = startRouter('/mail/')
    this.place = computed(() => this.#readPlace())
    this.threadId = computed(() => this.router.location.value.segments[2] ?? null)
    this.store.onChange(({ changed }) => {
      const list = this.list.peek()
      if (list !== null && (changed || list.isStale)) void list.refresh()
    })
  }

  /** Loads mailboxes and list at once, since the list needs nothing of the mailboxes but the id of one. */
  async start(): Promise<void> {
    void this.#startList()
    await this.store.start()
    const inbox = this.store.byRole('inbox')?.id
    if (inbox !== undefined) writeSetting(this.#inboxSetting, inbox)
  }

  get #inboxSetting(): string {
    return `inbox-${this.client.accountId}`
  }

  async #startList(): Promise<void> {
    const { segments } = this.router.location.peek()
    if (!this.client.online.peek() || segments[0] === 'search' || segments[0] === 'label') return
    const mailboxId = segments[1] ?? (await this.#findInbox().catch(() => undefined))
    if (mailboxId === undefined || this.list.peek() !== null) return
    const place: Place = { kind: 'mailbox', mailboxId }
    this.#early = { key: JSON.stringify(place), list: this.#makeList(place) }
  }

  async #findInbox(): Promise<Id | undefined> {
    const known = readSetting(this.#inboxSetting, '')
    if (known !== '') return known
    const filter = { role: 'inbox' }
    return (await this.client.call<QueryResponse>('Mailbox/query', { filter })).ids[0]
  }

  #makeList(place: Place): ConversationList {
    const list = new ConversationList(this.store, this.filterOf(place), place.kind === 'search')
    list.see(0, 30)
    return list
  }

  #readPlace(): Place {
    const { segments, query } = this.router.location.value
    const [kind, id = ''] = segments
    if (kind === 'search') return { kind: 'search', text: query.get('q') ?? '' }
    if (kind === 'label') return { kind: 'label', keyword: id }
    if (kind === 'f' && this.store.mailbox(id) !== undefined) return { kind: 'mailbox', mailboxId: id }
    return {
      kind: 'mailbox',
      mailboxId: this.store.byRole('inbox')?.id ?? this.store.mailboxes.value[0]?.id ?? '',
    }
  }

  /** Makes the list of the place, when that is another one. */
  follow(place: Place): void {
    const key = JSON.stringify(place)
    if (key === this.#listKey) return
    this.#listKey = key
    this.choose(new Set())
    this.cursor.value = 0
    this.list.peek()?.close()
    const early = this.#early
    this.#early = null
    const { emailState } = this.store
    if (early?.key === key && emailState !== null) {
      this.list.value = early.list
      early.list.confirm(emailState)
    } else {
      early?.list.close()
      this.list.value = this.#makeList(place)
    }
  }

  filterOf(place: Place): Filter {
    if (place.kind === 'mailbox') return { inMailbox: place.mailboxId }
    if (place.kind === 'label') return { hasKeyword: place.keyword }
    const terms = parseSearch(place.text)
    const filter = toFilter(terms, this.store.mailboxes.value)
    if (terms.some(({ field }) => field === 'in')) return filter
    const hidden = ['trash', 'junk'].flatMap((role) => this.store.byRole(role)?.id ?? [])
    return hidden.length === 0
      ? filter
      : { operator: 'AND', conditions: [filter, { inMailboxOtherThan: hidden }] }
  }

  pathOf(place: Place, threadId: Id | null = null): string {
    const thread = threadId === null ? '' : `/${encodeURIComponent(threadId)}`
    if (place.kind === 'mailbox') return `f/${encodeURIComponent(place.mailboxId)}${thread}`
    if (place.kind === 'label') return `label/${encodeURIComponent(place.keyword)}${thread}`
    return `search/all${thread}?q=${encodeURIComponent(place.text)}`
  }

  goTo(place: Place): void {
    this.sideOpen.value = false
    this.router.go(this.pathOf(place))
  }

  open(threadId: Id | null): void {
    this.router.go(this.pathOf(this.place.peek(), threadId))
  }

  /** Whether the server holds messages back when asked to (RFC 8621 §1.3.2): then sending can be undone and scheduled. */
  get mayHold(): boolean {
    const { accounts, primaryAccounts } = this.client.session
    const capability = 'urn:ietf:params:jmap:submission'
    const own = accounts[primaryAccounts[capability] ?? '']?.accountCapabilities[capability]
    return Number(own?.['maxDelayedSend'] ?? 0) > 0
  }

  get scene(): Scene {
    const place = this.place.peek()
    return {
      store: this.store,
      list: this.list.peek(),
      mailboxId: place.kind === 'mailbox' ? place.mailboxId : null,
    }
  }

  /** The thread of a row of the list, where it is loaded. */
  threadAt(index: number): Id | undefined {
    const id = this.list.peek()?.ids[index]
    return id === undefined ? undefined : this.store.emails.get(id)?.threadId
  }

  choose(threadIds: ReadonlySet<Id>): void {
    this.all.value = false
    this.chosen.value = threadIds
  }

  /** What an action is about: what is chosen, else what is open, else the row the keyboard is at. */
  targets(): Targets {
    if (this.all.peek()) return 'all'
    if (this.chosen.peek().size > 0) return [...this.chosen.peek()]
    const open = this.threadId.peek()
    if (open !== null) return [open]
    const at = this.threadAt(this.cursor.peek())
    return at === undefined ? [] : [at]
  }

  compose(start: DraftStart): void {
    const same = this.drafts.value.find(
      (draft) => start.draftId !== undefined && draft.start.draftId === start.draftId,
    )
    if (same !== undefined) {
      this.sizeDraft(same, 'normal')
      return
    }
    const draft: Draft = { key: ++this.#lastDraft, start, size: signal<DraftSize>('small') }
    this.drafts.value = [...this.drafts.value, draft]
    this.sizeDraft(draft, 'normal')
  }

  /** Where there is no room beside it, those opened first are made small. */
  sizeDraft(draft: Draft, size: DraftSize): void {
    draft.size.value = size
    if (size === 'small') return
    const others = this.drafts.value.filter((one) => one !== draft && one.size.value !== 'small')
    const room = size === 'large' ? 1 : Math.max(1, Math.floor((innerWidth - 40) / draftWidth))
    for (const one of others.slice(0, Math.max(0, others.length + 1 - room))) one.size.value = 'small'
  }

  closeDraft(key: number): void {
    this.drafts.value = this.drafts.value.filter((draft) => draft.key !== key)
    const next = this.drafts.value.at(-1)
    // On a phone there are no titles to choose from.
    if (next !== undefined && innerWidth <= phoneWidth) this.sizeDraft(next, 'normal')
  }
}

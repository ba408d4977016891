// Mailbox/get and Mailbox/changes (RFC 8621 §2.1, §2.2).
import { tryObjectId } from '../../../mail/object-id.ts'
import type { MailboxNews } from '../../../store/emails.ts'
import type { ModSeq } from '../../../store/model.ts'
import { mail } from '../../proto/capabilities.ts'
import { MethodError } from '../../proto/errors.ts'
import { objectOf, type Json, type JsonObject } from '../../proto/json.ts'
import type { MailAccess, MailRights } from '../mail-access.ts'
import { told } from '../mail-changes.ts'
import { mailboxCounts, type MailboxCounts } from '../mail-index/mailbox-counts.ts'
import type { MailView } from '../mail-index/mail-view.ts'
import { fingerprintOf, formatPoint, knownOf, tryPoint, type Event, type Point } from '../mail-index/point.ts'
import type { AccountCall, Method } from '../module.ts'
import { changesMethod, getMethod } from '../standard-methods.ts'
import { listMailboxes, mailboxIdOf, mailboxRights, type ListedMailbox } from './mailbox-list.ts'

const counted = ['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'] as const
const properties = [
  ...['id', 'name', 'parentId', 'role', 'sortOrder', ...counted],
  ...['myRights', 'isSubscribed'],
]

/** The mailboxes of an account at a state. What is told may be younger than the state, never older. */
export interface MailboxesNow {
  readonly rights: MailRights
  readonly list: readonly ListedMailbox[]
  readonly modSeq: number
  /** Goes into states: of what is shared, for who sees a part. */
  readonly fingerprint: string
  readonly view: MailView
}

export async function mailboxesNow(
  access: MailAccess,
  call: Pick<AccountCall, 'place' | 'now'>,
): Promise<MailboxesNow> {
  const rights = await access.rights(call.place)
  // Before the rows are read.
  const { mailbox } = (await access.view(rights)).last
  const list = await listMailboxes(access, rights, { place: call.place, now: call.now() })
  const view = await access.view(rights)
  // In no order of names: where a mailbox is moved to, its changes tell.
  const marks = list.map((one) => `${one.id}${one.rights}${one.isSubscribed ? '+' : '-'}`).sort()
  const fingerprint = rights.shared === null ? '' : fingerprintOf(marks.join(' '))
  // What the owner does to others of his mailboxes is nothing to who does not see them.
  const rows = rights.shared === null ? [] : list.map((one) => Math.max(one.createdModSeq, one.changedModSeq))
  return { rights, list, modSeq: Math.max(mailbox, ...rows), fingerprint, view }
}

export function mailboxState({ modSeq, fingerprint }: MailboxesNow): string {
  return formatPoint({ modSeq, id: null }, fingerprint)
}

export function mailboxGet(access: MailAccess): Method {
  return getMethod({
    ...{ type: 'Mailbox', capability: mail, properties, extra: {} },
    async load(call, { ids, properties: asked }) {
      const now = await mailboxesNow(access, call)
      const { list, view, rights } = now
      const wanted =
        ids === null ? null : new Set(ids.map((text) => tryObjectId('mailbox', rights.account, text)))
      // In the order that Mailbox/query has without a sort.
      const chosen = list
        .filter(({ id }) => wanted === null || wanted.has(id))
        .toSorted((one, other) => one.id - other.id)
      const trash = list.find(({ role }) => role === 'trash')
      const needsCounts = counted.some((name) => asked.has(name))
      const counts = needsCounts ? mailboxCounts(view, trash ? view.index.numberOf(trash.id) : -1) : []
      const objects = chosen.map((one) => mailboxObject(one, { rights, counts: countsOf(view, counts, one) }))
      return { state: mailboxState(now), list: objects }
    },
  })
}

const nothing: MailboxCounts = { totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 }

function countsOf(view: MailView, counts: readonly MailboxCounts[], { id }: ListedMailbox): MailboxCounts {
  return counts[view.index.numberOf(id)] ?? nothing
}

function mailboxObject(
  one: ListedMailbox,
  { rights, counts }: { rights: MailRights; counts: MailboxCounts },
): JsonObject {
  const { account } = rights
  return {
    id: mailboxIdOf(account, one.id),
    name: one.name,
    parentId: mailboxIdOf(account, one.parent),
    role: one.role,
    sortOrder: one.sortOrder,
    totalEmails: counts.totalEmails,
    unreadEmails: counts.unreadEmails,
    totalThreads: counts.totalThreads,
    unreadThreads: counts.unreadThreads,
    myRights: mailboxRights(one),
    isSubscribed: one.isSubscribed,
  }
}

/** What became of mailboxes since a state. */
export interface MailboxPast {
  readonly now: MailboxesNow
  readonly point: Point
  readonly events: readonly Event[]
  /** Ids of those of which more than counts may have changed. */
  readonly more: ReadonlySet<number>
}

export async function mailboxPast(
  access: MailAccess,
  call: Pick<AccountCall, 'place' | 'now'>,
  state: string,
): Promise<MailboxPast | undefined> {
  const now = await mailboxesNow(access, call)
  const { rights, fingerprint, view } = now
  const point = tryPoint(state, { fingerprint, newest: view.index.modSeq })
  if (point === undefined) return undefined
  // A modseq of a state that was given.
  const since = Math.max(0, point.id === null ? point.modSeq : point.modSeq - 1) as ModSeq
  const isOwn = rights.shared === null
  const news = isOwn ? await access.store.mailboxNewsSince({ account: rights.account, since }) : null
  if (news !== null && !news.complete) return undefined
  const { index } = view
  if (since < index.loadedAt) {
    // The index does not know whose counts these changed.
    const { departures, complete } = await access.store.departuresSince({ account: rights.account, since })
    // Of the owner's mail alone, where the state is that of what is shared.
    const isNewest = point.id === null && point.modSeq >= now.modSeq
    if (!complete) return isNewest ? { now, point, events: [], more: new Set() } : undefined
    for (const { thread, modSeq } of departures) index.touchThread(thread, modSeq)
  }
  return { now, point, ...eventsOf(now, { point, news }) }
}

function eventsOf(
  { list, view }: MailboxesNow,
  { point, news }: { point: Point; news: MailboxNews | null },
): { events: Event[]; more: Set<number> } {
  const events: Event[] = []
  const more = new Set<number>()
  const subscribed = new Map(news?.subscriptions.map(({ name, modSeq }) => [name, modSeq] as const))
  const createdAt = new Map(list.map((one) => [one.id, one.createdModSeq]))
  for (const { id, path, parent, createdModSeq, changedModSeq } of list) {
    const known = knownOf(point, id)
    if (createdModSeq > known) {
      events.push({ id, at: createdModSeq, what: 'created' })
      continue
    }
    // A thread that reaches into mailboxes that are not seen may have changed there alone.
    const counts = Math.min(view.index.counted[view.index.numberOf(id)] ?? 0, view.last.mailbox)
    // A parent that is removed by IMAP is replaced by a mere name with another id (RFC 9051 §6.3.5), which is the new parentId.
    const placed = parent === null ? 0 : (createdAt.get(parent) ?? 0)
    const own = Math.max(changedModSeq, subscribed.get(path) ?? 0, placed)
    if (own > known) more.add(id)
    // Where a page ends between its own change and one of its counts, the next page says that the counts alone have changed since: its
    // own change must have been told by then.
    const at = own > known ? own : counts
    if (at > known) events.push({ id, at, what: 'updated' })
  }
  // Of another's mailboxes (`news` is null) one that goes is no more shared, and what is shared is in the state.
  for (const { mailbox: id, modSeq: at, createdModSeq } of news?.removed ?? []) {
    const known = knownOf(point, id)
    // RFC 8620 §5.2: what "has been created AND destroyed since the old state" is not told of.
    if (at > known && createdModSeq <= known) events.push({ id, at, what: 'destroyed' })
  }
  return { events, more }
}

export function mailboxChanges(access: MailAccess): Method {
  return changesMethod({
    type: 'Mailbox',
    capability: mail,
    async load(call, { sinceState, maxChanges }) {
      const past = await mailboxPast(access, call, sinceState)
      if (past === undefined) return new MethodError('cannotCalculateChanges')
      const { now, events, more } = past
      const newest = { modSeq: now.modSeq, id: null }
      const page = told(call, {
        ...{ events, most: maxChanges, kind: 'mailbox', newest },
        fingerprint: now.fingerprint,
      })
      return { ...page, more: objectOf([['updatedProperties', updatedProperties(call, page.updated, more)]]) }
    },
  })
}

/** RFC 8621 §2.2: the counts where nothing else changed. */
function updatedProperties(call: AccountCall, updated: readonly string[], more: ReadonlySet<number>): Json {
  const account = call.place.account.id
  const onlyCounts = updated.every((text) => !more.has(tryObjectId('mailbox', account, text) ?? 0))
  return updated.length > 0 && onlyCounts ? [...counted] : null
}

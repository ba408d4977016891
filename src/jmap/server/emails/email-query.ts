// Email/query (RFC 8621 §4.4) and Email/queryChanges (§4.5).
import { encodeObjectId, tryObjectId } from '../../../mail/object-id.ts'
import type { MailboxId } from '../../../store/model.ts'
import { mail } from '../../proto/capabilities.ts'
import { emailCondition, emailSortProperties, isKeyword } from '../../proto/email-filter.ts'
import { MethodError } from '../../proto/errors.ts'
import { memberOf } from '../../proto/json.ts'
import { boolean, otherwise } from '../../proto/shape.ts'
import type { Comparator } from '../../proto/standard.ts'
import { pastSince, type Past } from '../mail-changes.ts'
import type { MailView } from '../mail-index/mail-view.ts'
import { formatPoint, knownOf } from '../mail-index/point.ts'
import type { Method } from '../module.ts'
import { queryChangesMethod, queryMethod, type QueryChanges, type ResultList } from '../query-methods.ts'
import { dependenciesOf, mayHaveMatched } from './email-filter.ts'
import { findEmails, type EmailQuestion, type Searching } from './email-results.ts'

const definition = {
  type: 'Email',
  capability: mail,
  condition: emailCondition,
  sortable: emailSortProperties,
  comparatorMembers: ['keyword'],
  extra: { collapseThreads: otherwise(boolean, false) },
} as const

const tooFast = 'Mail comes faster than it can be searched.'

const keywordSorts = ['hasKeyword', 'allInThreadHaveKeyword', 'someInThreadHaveKeyword']

/** RFC 8621 §4.4.2: "the Comparator object MUST also have a "keyword" property". */
function wrongSort(sort: readonly Comparator[]): MethodError | null {
  for (const { property, more } of sort) {
    const keyword = memberOf(more, 'keyword')
    const wanted = keywordSorts.includes(property)
    if (wanted && (typeof keyword !== 'string' || !isKeyword(keyword))) {
      return new MethodError('invalidArguments', `sort: ${property} wants a keyword`)
    }
    const stranger = Object.keys(more).find((name) => name !== 'keyword' || !wanted)
    if (stranger !== undefined)
      return new MethodError('invalidArguments', `sort: ${stranger} is not known here`)
  }
  return null
}

export function emailQuery(searching: Searching): Method {
  const { access } = searching
  return queryMethod({
    ...definition,
    async run(call, { filter, sort, args }) {
      const wrong = wrongSort(sort)
      if (wrong !== null) return wrong
      const rights = await access.rights(call.place)
      const question = { filter, sort, collapseThreads: args.collapseThreads }
      const open = async () => ({ view: await access.view(rights) })
      const found = await findEmails(searching, { rights, question, open })
      if (found === undefined) return new MethodError('serverFail')
      if (found === 'mail-comes-too-fast') return new MethodError('serverUnavailable', tooFast)
      const { view } = found.state
      return {
        results: idsOf(view, found.slots, rights.account),
        queryState: formatPoint({ modSeq: view.last.email, id: null }, rights.fingerprint),
        canCalculateChanges: true,
      }
    },
  })
}

function idsOf({ index }: MailView, slots: Int32Array, account: number): ResultList {
  return {
    length: slots.length,
    idAt: (at) => encodeObjectId('email', account, index.emails.array[slots[at] ?? 0] ?? 0),
    indexOf(id) {
      const email = tryObjectId('email', account, id)
      return email === undefined ? -1 : slots.indexOf(index.slotOf(email))
    },
  }
}

export function emailQueryChanges(searching: Searching): Method {
  const { access } = searching
  return queryChangesMethod({
    ...definition,
    async run(call, { filter, sort, args, sinceQueryState, upToId }) {
      const wrong = wrongSort(sort)
      if (wrong !== null) return wrong
      const rights = await access.rights(call.place)
      const question = { filter, sort, collapseThreads: args.collapseThreads }
      const open = () => pastSince(access, rights, { state: sinceQueryState, what: 'email' })
      const found = await findEmails(searching, { rights, question, open })
      if (found === undefined) return new MethodError('cannotCalculateChanges')
      if (found === 'mail-comes-too-fast') return new MethodError('serverUnavailable', tooFast)
      const { state: past, slots } = found
      const { account, fingerprint } = rights
      const newQueryState = formatPoint({ modSeq: past.view.last.email, id: null }, fingerprint)
      return { newQueryState, ...difference(past, { question, slots, account, upToId }) }
    },
  })
}

/** What a client takes out of the results that it has, and puts in (RFC 8620 §5.6). */
function difference(
  past: Past,
  {
    question,
    slots,
    account,
    upToId,
  }: { question: EmailQuestion; slots: Int32Array; account: number; upToId: string | null },
): Omit<QueryChanges, 'newQueryState'> {
  const { view } = past
  const { index } = view
  const moved = movedEmails(past, question)
  const dependencies = dependenciesOf(question.filter, question.sort)
  const isFixed = !dependencies.keywords && !dependencies.mailboxes
  const last = isFixed && upToId !== null ? idsOf(view, slots, account).indexOf(upToId) : -1
  const added: { id: string; index: number }[] = []
  for (let at = 0; at < slots.length; at++) {
    const email = index.emails.array[slots[at] ?? 0] ?? 0
    if (!moved.has(email)) continue
    // RFC 8620 §5.6: beyond `upToId` "SHOULD be omitted".
    if (last === -1 || at <= last) added.push({ id: encodeObjectId('email', account, email), index: at })
  }
  const removed: string[] = []
  for (const email of moved) {
    const mailboxes = mailboxesBefore(past, { email, account })
    if (mailboxes.size > 0 && mayHaveMatched(question.filter, mailboxes)) {
      removed.push(encodeObjectId('email', account, email))
    }
  }
  return { removed, added, total: slots.length }
}

/** Emails that may have come into the results, left them, or moved in them. */
function movedEmails(past: Past, { filter, sort, collapseThreads }: EmailQuestion): Set<number> {
  const { view, events, departed } = past
  const { index } = view
  const dependencies = dependenciesOf(filter, sort)
  const moved = new Set<number>()
  const threads = new Set<number>()
  const byThread = dependencies.threads || collapseThreads
  for (const { id, what } of events) {
    const counts =
      what !== 'updated' || dependencies.keywords || (dependencies.mailboxes && hasMoved(past, id))
    if (!counts) continue
    moved.add(id)
    if (!byThread) continue
    const slot = index.slotOf(id)
    if (slot !== -1) threads.add(index.threads.array[index.threadOf.array[slot] ?? 0] ?? 0)
    for (const { thread } of departed.get(id) ?? []) threads.add(thread)
  }
  for (const thread of threads) {
    const slot = index.threadSlotOf(thread)
    if (slot === -1) continue
    for (const email of view.emailsOfThread(slot)) moved.add(index.emails.array[email] ?? 0)
  }
  return moved
}

/** Whether an email came into a mailbox or left one since. */
function hasMoved({ view, point, departed }: Past, email: number): boolean {
  if (departed.has(email)) return true
  const slot = view.index.slotOf(email)
  if (slot === -1) return true
  const known = knownOf(point, email)
  for (const message of view.index.messagesOf(slot)) {
    if (view.shows(message) && (view.index.shownSince.array[message] ?? 0) > known) return true
  }
  return false
}

/** Ids of the mailboxes that it was in then; none: it was not there. */
function mailboxesBefore(
  { view, point, departed }: Past,
  { email, account }: { email: number; account: number },
): Set<string> {
  const { index } = view
  const known = knownOf(point, email)
  const found = new Set<MailboxId | undefined>()
  const slot = index.slotOf(email)
  if (slot !== -1) {
    for (const message of index.messagesOf(slot)) {
      const was = view.shows(message) && (index.shownSince.array[message] ?? 0) <= known
      if (was) found.add(index.mailboxes[index.mailboxOf.array[message] ?? 0])
    }
  }
  for (const { shown, modSeq, mailbox } of departed.get(email) ?? []) {
    if (shown <= known && modSeq > known) found.add(mailbox)
  }
  return new Set(Array.from(found, (mailbox) => encodeObjectId('mailbox', account, mailbox ?? 0)))
}

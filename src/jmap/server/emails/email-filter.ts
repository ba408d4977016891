// Filters of Email/query (RFC 8621 §4.4.1), made ready to be asked of one email after the other. Three-valued: a text that the index
// cannot decide is null until the message is read, so that NOT and OR over it are sound.
import { tryObjectId } from '../../../mail/object-id.ts'
import type { MailboxId } from '../../../store/model.ts'
import type { EmailCondition, EmailFilter } from '../../proto/email-filter.ts'
import { conditionsOf } from '../../proto/filter.ts'
import type { KeywordTest, MailView } from '../mail-index/mail-view.ts'
import type { TextSearch, TextTest } from './text-search.ts'

/** Whether the email of a slot matches; null: its message must be read. */
export type Verdict = (slot: number) => boolean | null

/** What a filter and a sort are up to, beside what never changes (RFC 8620 §5.6). */
export interface Dependencies {
  readonly keywords: boolean
  readonly mailboxes: boolean
  /** Of all emails of a thread. */
  readonly threads: boolean
}

export function dependenciesOf(
  filter: EmailFilter | null,
  sort: readonly { readonly property: string }[],
): Dependencies {
  let [keywords, mailboxes, threads] = [false, false, false]
  for (const condition of conditionsOf(filter)) {
    const {
      allInThreadHaveKeyword: all,
      someInThreadHaveKeyword: some,
      noneInThreadHaveKeyword: none,
    } = condition
    if (all !== undefined || some !== undefined || none !== undefined) threads = true
    if (condition.hasKeyword !== undefined || condition.notKeyword !== undefined) keywords = true
    if (condition.inMailbox !== undefined || condition.inMailboxOtherThan !== undefined) mailboxes = true
  }
  for (const { property } of sort) {
    if (property === 'hasKeyword') keywords = true
    if (property === 'allInThreadHaveKeyword' || property === 'someInThreadHaveKeyword') threads = true
  }
  return { keywords: keywords || threads, mailboxes, threads }
}

/** The texts of each condition. */
export type TextTests = ReadonlyMap<EmailCondition, TextTest | null>

export function verdictOf(
  filter: EmailFilter | null,
  parts: {
    readonly view: MailView
    readonly account: number
    readonly texts: TextSearch
    readonly tests: TextTests
  },
): Verdict {
  if (filter === null) return () => true
  if (filter.operator === null) return conditionVerdict(filter.condition, parts)
  const each = filter.conditions.map((part) => verdictOf(part, parts))
  switch (filter.operator) {
    case 'AND':
      return (slot) => all(each, slot)
    case 'OR':
      return (slot) => any(each, slot)
    case 'NOT':
      return (slot) => negated(any(each, slot))
  }
}

export function negated(value: boolean | null): boolean | null {
  return value === null ? null : !value
}

export function all<T>(tests: readonly ((value: T) => boolean | null)[], value: T): boolean | null {
  let known: boolean | null = true
  for (const test of tests) {
    const verdict = test(value)
    if (verdict === false) return false
    if (verdict === null) known = null
  }
  return known
}

export function any<T>(tests: readonly ((value: T) => boolean | null)[], value: T): boolean | null {
  let known: boolean | null = false
  for (const test of tests) {
    const verdict = test(value)
    if (verdict === true) return true
    if (verdict === null) known = null
  }
  return known
}

function conditionVerdict(
  condition: EmailCondition,
  { view, account, texts, tests }: Parameters<typeof verdictOf>[1],
): Verdict {
  const { index } = view
  const checks: Verdict[] = []
  const { inMailbox, inMailboxOtherThan, before, after, minSize, maxSize, hasAttachment } = condition
  const numberOf = (text: string): number => {
    const mailbox = tryObjectId('mailbox', account, text)
    // One that is nobody's has no number.
    return mailbox === undefined ? -1 : index.numberOf(mailbox as MailboxId)
  }
  if (inMailbox !== undefined) {
    const number = numberOf(inMailbox)
    const marks = number === -1 ? null : view.emailsIn(number)
    checks.push((slot) => marks !== null && marks[slot] === 1)
  }
  if (inMailboxOtherThan !== undefined) {
    const others = new Set(inMailboxOtherThan.map(numberOf))
    checks.push((slot) => view.mailboxesOf(slot).some((number) => !others.has(number)))
  }
  if (before !== undefined) checks.push((slot) => (index.receivedAt.array[slot] ?? 0) < before)
  if (after !== undefined) checks.push((slot) => (index.receivedAt.array[slot] ?? 0) >= after)
  if (minSize !== undefined) checks.push((slot) => (index.sizes.array[slot] ?? 0) >= minSize)
  if (maxSize !== undefined) checks.push((slot) => (index.sizes.array[slot] ?? 0) < maxSize)
  checks.push(...keywordChecks(condition, view))
  if (hasAttachment !== undefined) {
    const { attachments } = index.facts
    checks.push((slot) => (attachments.array[slot] === 1) === hasAttachment)
  }
  const test = tests.get(condition)
  if (test) checks.push((slot) => texts.judge(test, index.emails.array[slot] ?? 0))
  const [only] = checks
  return checks.length === 1 && only !== undefined ? only : (slot) => all(checks, slot)
}

function keywordChecks(condition: EmailCondition, view: MailView): Verdict[] {
  const checks: Verdict[] = []
  const { hasKeyword, notKeyword } = condition
  if (hasKeyword !== undefined) checks.push(view.keywordTest(hasKeyword))
  if (notKeyword !== undefined) {
    const has = view.keywordTest(notKeyword)
    checks.push((slot) => !has(slot))
  }
  const { allInThreadHaveKeyword, someInThreadHaveKeyword, noneInThreadHaveKeyword } = condition
  if (allInThreadHaveKeyword !== undefined) checks.push(threadTest(view, allInThreadHaveKeyword, 'all'))
  if (someInThreadHaveKeyword !== undefined) checks.push(threadTest(view, someInThreadHaveKeyword, 'some'))
  if (noneInThreadHaveKeyword !== undefined) {
    const some = threadTest(view, noneInThreadHaveKeyword, 'some')
    checks.push((slot) => !some(slot))
  }
  return checks
}

/** Whether all or some emails in the thread of one have a keyword; each thread is looked at once. */
export function threadTest(view: MailView, keyword: string, which: 'all' | 'some'): KeywordTest {
  const { index } = view
  const has = view.keywordTest(keyword)
  const { firstInThread, nextInThread, threadOf } = index
  /** By slot of a thread: 0 unknown, 1 no, 2 yes. */
  const known = new Uint8Array(index.threads.length)
  return (slot) => {
    const thread = threadOf.array[slot] ?? 0
    if (known[thread] === 0) {
      let result = which === 'all'
      for (let at = firstInThread.array[thread] ?? -1; at !== -1; at = nextInThread.array[at] ?? -1) {
        if (!view.hasEmail(at)) continue
        if (has(at) !== (which === 'all')) result = which === 'some'
      }
      known[thread] = result ? 2 : 1
    }
    return known[thread] === 2
  }
}

/** Whether an email that was in these mailboxes may have matched; false: certainly not. */
export function mayHaveMatched(filter: EmailFilter | null, mailboxes: ReadonlySet<string>): boolean {
  const judge = (part: EmailFilter): boolean | null => {
    if (part.operator === null) return conditionBefore(part.condition, mailboxes)
    const each = part.conditions.map((condition) => () => judge(condition))
    if (part.operator === 'AND') return all(each, null)
    return part.operator === 'OR' ? any(each, null) : negated(any(each, null))
  }
  return filter === null || judge(filter) !== false
}

function conditionBefore(condition: EmailCondition, mailboxes: ReadonlySet<string>): boolean | null {
  const { inMailbox, inMailboxOtherThan, ...rest } = condition
  if (inMailbox !== undefined && !mailboxes.has(inMailbox)) return false
  const others = inMailboxOtherThan
  if (others !== undefined && [...mailboxes].every((one) => others.includes(one))) return false
  return Object.keys(rest).length === 0 ? true : null
}

// What NOTIFY asks for (RFC 5465 §8).
//
// The rules that RFC 5465 makes for combinations are held here, as they are BAD: new messages and expunged ones go together (§5), flags
// never without them, nothing but messages of the selected mailbox, and data items for nothing but new messages there. An event of
// another kind than those of RFC 5465 is no fault of syntax: `unsupported` says that there was one (§3.1: NO with BADEVENT).
import { parseFetchItems } from './fetch.ts'
import { parseMailboxFilter } from './mailbox-filter.ts'
import type { Cursor } from './cursor.ts'
import type { FetchItem, FetchLimits } from './fetch.ts'
import type { MailboxFilter, MailboxFilterLimits } from './mailbox-filter.ts'

/** Events that are told, by their names in lower case. AnnotationChange is not among them: messages have no annotations here. */
const eventNames = {
  messagenew: 'MessageNew',
  messageexpunge: 'MessageExpunge',
  flagchange: 'FlagChange',
  mailboxname: 'MailboxName',
  subscriptionchange: 'SubscriptionChange',
  mailboxmetadatachange: 'MailboxMetadataChange',
  servermetadatachange: 'ServerMetadataChange',
} as const

export type NotifyEvent = (typeof eventNames)[keyof typeof eventNames]

/** `unsupported-events-code` lists all that are supported. */
export const notifyEvents: readonly NotifyEvent[] = Object.values(eventNames)

/** `event-group`: what to tell of which mailboxes. */
export interface NotifyGroup {
  readonly filter: MailboxFilter
  readonly events: ReadonlySet<NotifyEvent>
  /** RFC 5465 §5.2: what to tell of a message that came into the selected mailbox. */
  readonly items: readonly FetchItem[]
}

/** `notify-set` */
export interface NotifySet {
  /** STATUS of each mailbox is wanted at once. */
  readonly status: boolean
  readonly groups: readonly NotifyGroup[]
  readonly unsupported: boolean
}

export interface NotifyLimits extends MailboxFilterLimits, FetchLimits {
  /** Event groups of one NOTIFY. */
  readonly notifyGroups: number
}

/** `notify = "NOTIFY" SP (notify-set / notify-none)`; null is NONE. */
export function parseNotify(cursor: Cursor, limits: NotifyLimits): NotifySet | null {
  cursor.sp()
  const kind = cursor.keyword('SET or NONE')
  if (kind === 'NONE') return null
  if (kind !== 'SET') cursor.fail('expected SET or NONE')
  cursor.sp()
  let status = false
  if (cursor.peek() !== '(') {
    if (cursor.keyword('STATUS or an event group') !== 'STATUS') cursor.fail('expected STATUS')
    status = true
    cursor.sp()
  }
  const groups: NotifyGroup[] = []
  let unsupported = false
  do {
    if (groups.length > 0) cursor.sp()
    if (groups.length >= limits.notifyGroups) cursor.fail(`more than ${limits.notifyGroups} event groups`)
    const group = parseGroup(cursor, limits)
    groups.push(group)
    unsupported ||= group.unsupported
  } while (!cursor.done)
  // §6.1: "Only one of the mailbox specifiers affecting the currently selected mailbox can be specified".
  if (groups.filter(({ filter }) => isSelected(filter)).length > 1)
    cursor.fail('the selected mailbox is named twice')
  return { status, groups, unsupported }
}

/** `filter-mailboxes-selected` */
export function isSelected({ type }: MailboxFilter): boolean {
  return type === 'selected' || type === 'selected-delayed'
}

type ParsedGroup = NotifyGroup & { readonly unsupported: boolean }

/** `event-group = "(" filter-mailboxes SP events ")"` */
function parseGroup(cursor: Cursor, limits: NotifyLimits): ParsedGroup {
  cursor.expect('(', 'an event group')
  const filter = parseMailboxFilter(cursor, limits)
  if (filter.type === 'subtree-one') cursor.fail('unknown kind of mailboxes')
  cursor.sp()
  const parsed = parseEvents(cursor, limits)
  cursor.expect(')')
  checkEvents(cursor, filter, parsed)
  return { filter, events: parsed.known, items: parsed.items ?? [], unsupported: parsed.unknown.size > 0 }
}

interface ParsedEvents {
  readonly known: Set<NotifyEvent>
  /** Lower case. */
  readonly unknown: Set<string>
  items: readonly FetchItem[] | null
}

/** `events = ( "(" event *(SP event) ")" ) / "NONE"` */
function parseEvents(cursor: Cursor, limits: NotifyLimits): ParsedEvents {
  const parsed: ParsedEvents = { known: new Set(), unknown: new Set(), items: null }
  if (cursor.peek() !== '(') {
    if (cursor.keyword('a list of events or NONE') !== 'NONE') cursor.fail('expected a list of events')
    return parsed
  }
  const list = { most: limits.fetchItems, empty: false, what: 'events' }
  cursor.list(list, () => {
    const name = cursor.atom('an event').toLowerCase()
    if (!isEvent(name)) {
      parsed.unknown.add(name)
      return
    }
    parsed.known.add(eventNames[name])
    if (name === 'messagenew' && cursor.ahead(2) === ' (') {
      cursor.sp()
      parsed.items = parseFetchItems(cursor, limits)
    }
  })
  return parsed
}

function isEvent(name: string): name is keyof typeof eventNames {
  return Object.hasOwn(eventNames, name)
}

/** RFC 5465 §5, §6.1, §8. */
function checkEvents(cursor: Cursor, filter: MailboxFilter, { known, unknown, items }: ParsedEvents): void {
  const news = known.has('MessageNew')
  if (news !== known.has('MessageExpunge')) cursor.fail('MessageNew and MessageExpunge go together')
  if (!news && (known.has('FlagChange') || unknown.has('annotationchange')))
    cursor.fail('flags and annotations are not told without MessageNew and MessageExpunge')
  if (!isSelected(filter)) {
    if (items !== null) cursor.fail('data items are told of the selected mailbox alone')
    return
  }
  for (const event of known) {
    if (event !== 'MessageNew' && event !== 'MessageExpunge' && event !== 'FlagChange')
      cursor.fail(`${event} is not about messages`)
  }
}

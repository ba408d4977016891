// Which events a client wants of which mailboxes (RFC 5465 §6), decided by name.
//
// Several groups may mean one mailbox: then it is the events of all of them. What is selected is decided by its own group alone.
import { isOfOthers } from '../other-users.ts'
import { isSelected } from '../../proto/grammar/notify.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { MailboxFilter } from '../../proto/grammar/mailbox-filter.ts'
import type { NotifyEvent, NotifyGroup } from '../../proto/grammar/notify.ts'

/** Sets of events as bits, since each watched mailbox has one. */
export type Events = number

const bits: Record<NotifyEvent, Events> = {
  MessageNew: 1,
  MessageExpunge: 2,
  FlagChange: 4,
  MailboxName: 8,
  SubscriptionChange: 16,
  MailboxMetadataChange: 32,
  ServerMetadataChange: 64,
}

export const none: Events = 0
/** Those that are told by STATUS of a mailbox that is not selected. */
export const messageEvents: Events = bits.MessageNew | bits.MessageExpunge | bits.FlagChange

export function has(events: Events, event: NotifyEvent): boolean {
  return (events & bits[event]) !== 0
}

export function eventBit(event: NotifyEvent): Events {
  return bits[event]
}

/** How the selected mailbox is to be told. */
export type SelectedWish =
  /** NOTIFY was never used: with the answers of commands, and in IDLE. */
  | { readonly type: 'usual' }
  | { readonly type: 'nothing' }
  | {
      readonly type: 'at once'
      /** RFC 5465 §6.1.2: numbers are kept until a command lets them change. */
      readonly expungesDelayed: boolean
      readonly flags: boolean
      readonly items: readonly FetchItem[]
    }

export class Wishes {
  /** But for the group of the selected mailbox. */
  readonly #groups: readonly { readonly filter: MailboxFilter; readonly events: Events }[]
  readonly selected: SelectedWish

  constructor(groups: readonly NotifyGroup[]) {
    const others = groups.filter(({ filter }) => !isSelected(filter))
    this.#groups = others.map(({ filter, events }) => ({ filter, events: bitsOf(events) }))
    this.selected = wishOf(groups.find(({ filter }) => isSelected(filter)))
  }

  /** Whether anything but the selected mailbox is watched. */
  get any(): boolean {
    return this.#groups.some(({ events }) => events !== none)
  }

  /** Whether mailboxes of other users may be meant. */
  get reachesOthers(): boolean {
    return this.#groups.some(({ filter }) => {
      if (filter.type === 'subscribed') return true
      return 'names' in filter && filter.names.some(isOfOthers)
    })
  }

  /** Whether a change of subscriptions changes what is watched (RFC 5465 §6.4). */
  get bySubscription(): boolean {
    return this.#groups.some(({ filter }) => filter.type === 'subscribed')
  }

  /** RFC 5465 §5.7: an event of no mailbox, in whatever group it stands. */
  get serverMetadata(): boolean {
    return this.#groups.some(({ events }) => has(events, 'ServerMetadataChange'))
  }

  eventsOf(name: string, subscribed: ReadonlySet<string>): Events {
    let events = none
    for (const group of this.#groups) if (means(group.filter, name, subscribed)) events |= group.events
    return events
  }
}

function bitsOf(events: Iterable<NotifyEvent>): Events {
  let all = none
  for (const event of events) all |= bits[event]
  return all
}

function wishOf(group: NotifyGroup | undefined): SelectedWish {
  // RFC 5465 §3.1: without a group "this is the same as specifying SELECTED NONE".
  if (group === undefined || !group.events.has('MessageNew')) return { type: 'nothing' }
  const expungesDelayed = group.filter.type === 'selected-delayed'
  return { type: 'at once', expungesDelayed, flags: group.events.has('FlagChange'), items: group.items }
}

function means(filter: MailboxFilter, name: string, subscribed: ReadonlySet<string>): boolean {
  switch (filter.type) {
    case 'inboxes':
    // RFC 5465 §6.3: any mailbox may be delivered to, by a rule: "equivalent to personal".
    case 'personal':
      return !isOfOthers(name)
    case 'subscribed':
      return subscribed.has(name)
    case 'subtree':
      return filter.names.some((top) => name === top || name.startsWith(`${top}/`))
    case 'mailboxes':
      return filter.names.includes(name)
    default:
      return false
  }
}

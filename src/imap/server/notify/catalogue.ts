// The mailboxes that a session watches, under the names by which it knows them, and what became of them since it last looked.
import { allows, superiors } from '../access.ts'
import { has } from './wishes.ts'
import type { AccountId, MailboxId, ModSeq } from '../../../store/model.ts'
import type { Events } from './wishes.ts'
import type { Place } from '../access.ts'

/** A mailbox that the session may see (RFC 4314 "l"). */
export interface Known {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly name: string
  /** "l" and "r" (RFC 5465 §5), and it can be selected. */
  readonly readable: boolean
  readonly events: Events
  /** Changes up to here are told, or were there when the watch began. */
  told: ModSeq
}

export type Catalogue = ReadonlyMap<string, Known>

export function keyOf(account: AccountId, mailbox: MailboxId): string {
  return `${account}/${mailbox}`
}

/** What is known now; `before` says what was told of each. */
export function catalogueOf(
  places: Iterable<Place>,
  eventsOf: (name: string) => Events,
  before: Catalogue,
): Map<string, Known> {
  const catalogue = new Map<string, Known>()
  for (const place of places) {
    const { account, mailbox, name } = place
    if (!allows(place, 'l')) continue
    const key = keyOf(account, mailbox.id)
    catalogue.set(key, {
      ...{ account, mailbox: mailbox.id, name, events: eventsOf(name) },
      readable: allows(place, 'r') && mailbox.selectable,
      told: before.get(key)?.told ?? mailbox.modSeq,
    })
  }
  return catalogue
}

/** Names that RFC 5465 §5.4 calls affected → the name that was before, where one was renamed. */
export function affectedNames(before: Catalogue, now: Catalogue): Map<string, string | null> {
  const affected = new Map<string, string | null>()
  // "the mailbox itself and its direct parent (whether it is an existing mailbox or not) are considered to be affected"
  const touch = (name: string): void => {
    for (const each of [superiors(name).at(-1), name]) {
      if (each !== undefined && !affected.has(each)) affected.set(each, null)
    }
  }
  const renamed = new Map<string, string>()
  for (const [key, { name }] of now) {
    const old = before.get(key)
    if (old === undefined) touch(name)
    else if (old.name !== name) renamed.set(name, old.name)
  }
  for (const [key, { name }] of before) if (!now.has(key)) touch(name)
  for (const [name, old] of renamed) if (!isBelowRenamed(name, old, renamed)) affected.set(name, old)
  return affected
}

/** "When a mailbox is renamed, its children are renamed too. No additional MailboxName events are sent for children in this case." */
function isBelowRenamed(name: string, old: string, renamed: ReadonlyMap<string, string>): boolean {
  return superiors(name).some((superior) => {
    const rest = name.slice(superior.length)
    return old.endsWith(rest) && renamed.get(superior) === old.slice(0, old.length - rest.length)
  })
}

/** Whether events are wanted that need the right to read. */
export function needsReading(events: Events): boolean {
  return has(events, 'MessageNew') || has(events, 'MailboxMetadataChange')
}

// Mailbox/query and Mailbox/queryChanges (RFC 8621 §2.3, §2.4).
import { fold } from '../../../mail/search-text/fold.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import type { MailboxId } from '../../../store/model.ts'
import { mail } from '../../proto/capabilities.ts'
import { textOrder } from '../../proto/collation.ts'
import { MethodError } from '../../proto/errors.ts'
import { matches } from '../../proto/filter.ts'
import {
  boolean,
  id,
  nullable,
  optional,
  otherwise,
  record,
  string,
  type ShapeOf,
} from '../../proto/shape.ts'
import type { Comparator, Filter } from '../../proto/standard.ts'
import type { MailAccess } from '../mail-access.ts'
import type { Method } from '../module.ts'
import { queryChangesMethod, queryMethod, resultList } from '../query-methods.ts'
import type { ListedMailbox } from './mailbox-list.ts'
import { mailboxesNow, mailboxPast, mailboxState, type MailboxesNow } from './mailbox-methods.ts'

/** RFC 8621 §2.3. */
const condition = record({
  parentId: optional(nullable(id)),
  name: optional(string),
  role: optional(nullable(string)),
  hasAnyRole: optional(boolean),
  isSubscribed: optional(boolean),
})
type Condition = ShapeOf<typeof condition>

const treeArguments = {
  sortAsTree: otherwise(boolean, false),
  filterAsTree: otherwise(boolean, false),
} as const

interface Asked {
  readonly filter: Filter<Condition> | null
  readonly sort: readonly Comparator[]
  readonly args: { readonly sortAsTree: boolean; readonly filterAsTree: boolean }
}

const definition = {
  type: 'Mailbox',
  capability: mail,
  condition,
  sortable: ['sortOrder', 'name'],
  extra: treeArguments,
} as const

export function mailboxQuery(access: MailAccess): Method {
  return queryMethod({
    ...definition,
    async run(call, asked) {
      const now = await mailboxesNow(access, call)
      const { account } = now.rights
      const ids = results(now, asked).map((one) => encodeObjectId('mailbox', account, one.id))
      return { results: resultList(ids), queryState: mailboxState(now), canCalculateChanges: true }
    },
  })
}

export function mailboxQueryChanges(access: MailAccess): Method {
  return queryChangesMethod({
    ...definition,
    async run(call, asked) {
      const past = await mailboxPast(access, call, asked.sinceQueryState)
      if (past === undefined) return new MethodError('cannotCalculateChanges')
      const { now, events, more } = past
      const { account } = now.rights
      const moved = new Set<number>(more)
      const created = new Set<number>()
      const removed = new Set<number>()
      for (const event of events) {
        if (event.what === 'created') created.add(event.id)
        if (event.what === 'destroyed') removed.add(event.id)
      }
      // Where a mailbox stands in a tree, and whether it is in it, is up to those above it.
      const byId = new Map(now.list.map((one) => [one.id, one]))
      for (const one of now.list) {
        for (let at = parentOf(byId, one); at !== undefined; at = parentOf(byId, at)) {
          if (more.has(at.id)) moved.add(one.id)
        }
      }
      for (const mailbox of moved) if (!created.has(mailbox)) removed.add(mailbox)
      const list = results(now, asked)
      const added = list.flatMap((one, index) =>
        moved.has(one.id) || created.has(one.id)
          ? [{ id: encodeObjectId('mailbox', account, one.id), index }]
          : [],
      )
      return {
        newQueryState: mailboxState(now),
        removed: Array.from(removed, (mailbox) => encodeObjectId('mailbox', account, mailbox)),
        added,
        total: list.length,
      }
    },
  })
}

function parentOf(
  byId: ReadonlyMap<MailboxId, ListedMailbox>,
  { parent }: ListedMailbox,
): ListedMailbox | undefined {
  return parent === null ? undefined : byId.get(parent)
}

function results(now: MailboxesNow, { filter, sort, args }: Asked): ListedMailbox[] {
  const { list, rights } = now
  const { account } = rights
  const byId = new Map(list.map((one) => [one.id, one]))
  const own = new Set(list.filter((one) => matches(filter, (wanted) => holds(wanted, one, account))))
  const isIn = (one: ListedMailbox): boolean => {
    if (!own.has(one)) return false
    // RFC 8621 §2.3: "only included … if all its ancestors are also included".
    const parent = args.filterAsTree ? parentOf(byId, one) : undefined
    return parent === undefined || isIn(parent)
  }
  const ordered = args.sortAsTree ? sortedAsTree(list, sort) : sorted(list, sort)
  return ordered.filter(isIn)
}

function holds(wanted: Condition, one: ListedMailbox, account: number): boolean {
  const { parentId, name, role, hasAnyRole, isSubscribed } = wanted
  const parent = one.parent === null ? null : encodeObjectId('mailbox', account, one.parent)
  return (
    (parentId === undefined || parentId === parent) &&
    (name === undefined || fold(one.name).includes(fold(name))) &&
    (role === undefined || role === one.role) &&
    (hasAnyRole === undefined || hasAnyRole === (one.role !== null)) &&
    (isSubscribed === undefined || isSubscribed === one.isSubscribed)
  )
}

function sorted(list: readonly ListedMailbox[], sort: readonly Comparator[]): ListedMailbox[] {
  const orders = sort.map(({ collation }) => textOrder(collation))
  const keys = new Map(list.map((one) => [one, orders.map(({ keyOf }) => keyOf(one.name))] as const))
  return list.toSorted((a, b) => {
    for (const [index, { property, isAscending }] of sort.entries()) {
      const order =
        property === 'sortOrder'
          ? a.sortOrder - b.sortOrder
          : (orders[index]?.compare(keys.get(a)?.[index] ?? '', keys.get(b)?.[index] ?? '') ?? 0)
      if (order !== 0) return isAscending ? order : -order
    }
    return a.id - b.id
  })
}

/** RFC 8621 §2.3: "each set of children with a common parent sorted according to the standard sort comparators". */
function sortedAsTree(list: readonly ListedMailbox[], sort: readonly Comparator[]): ListedMailbox[] {
  const children = new Map<MailboxId | null, ListedMailbox[]>()
  for (const one of sorted(list, sort)) {
    const siblings = children.get(one.parent)
    if (siblings) siblings.push(one)
    else children.set(one.parent, [one])
  }
  const found: ListedMailbox[] = []
  // A stack and no recursion: a name may have very many levels.
  const open = (children.get(null) ?? []).toReversed()
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    found.push(one)
    for (const child of (children.get(one.id) ?? []).toReversed()) open.push(child)
  }
  return found
}

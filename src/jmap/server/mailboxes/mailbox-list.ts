// The mailboxes of an account as one viewer knows them, with all that Mailbox/get tells but the counts (RFC 8621 §2).
//
// The hierarchy is that of the names with `/`. What is not shared cannot be told, so the parent of a shared mailbox is the nearest one
// above it that is, and its name what stands below that.
import { encodeObjectId } from '../../../mail/object-id.ts'
import { nameForOthers } from '../../../mail/names-of-others.ts'
import type { AccountId, MailboxId, ModSeq } from '../../../store/model.ts'
import type { Rights } from '../../../store/sharing.ts'
import type { JsonObject } from '../../proto/json.ts'
import { rightsIn, type MailAccess, type MailRights } from '../mail-access.ts'
import { readOrders } from '../mailbox-order.ts'
import type { AccountPlace } from '../module.ts'

export interface ListedMailbox {
  readonly id: MailboxId
  /** Whole, as the store has it. */
  readonly path: string
  /** RFC 8621 §2 `name`. */
  readonly name: string
  readonly parent: MailboxId | null
  readonly role: string | null
  readonly sortOrder: number
  readonly isSubscribed: boolean
  readonly rights: Rights
  readonly selectable: boolean
  readonly createdModSeq: ModSeq
  /** Of the last change of anything but counts, as far as rows tell. */
  readonly changedModSeq: number
}

/** In order of path. */
export async function listMailboxes(
  access: MailAccess,
  rights: MailRights,
  { place, now }: { place: AccountPlace; now: number },
): Promise<ListedMailbox[]> {
  const { store } = access
  const { account } = rights
  const rows = (await store.datedMailboxes(account)).filter(
    ({ mailbox }) => rightsIn(rights, mailbox.id) !== '',
  )
  const orders = await readOrders(store, { account, now })
  const subscribed = new Set(await store.subscriptions(place.viewer.id))
  const isOwn = rights.shared === null
  const byPath = new Map(rows.map(({ mailbox }) => [mailbox.name, mailbox.id]))
  return rows.map((row) => {
    const { id, name: path, specialUse, selectable } = row.mailbox
    const { parent, name } = placeOf(path, byPath)
    const order = orders.get(id)
    // RFC 8621 §2: subscriptions are those of the viewer, who names another's mailboxes as IMAP does.
    const subscription = isOwn ? path : nameForOthers(place.account.address, path)
    return {
      ...{ id, path, name, parent, selectable },
      role: path === 'INBOX' ? 'inbox' : specialUse,
      sortOrder: order?.sortOrder ?? 0,
      isSubscribed: subscribed.has(subscription),
      rights: rightsIn(rights, id),
      createdModSeq: row.createdModSeq,
      changedModSeq: Math.max(row.changedModSeq, order?.modSeq ?? 0),
    }
  })
}

/** RFC 8621 §2: "User-visible name", where INBOX is shouted by IMAP alone. */
export const inboxName = 'Inbox'

function placeOf(
  path: string,
  byPath: ReadonlyMap<string, MailboxId>,
): { parent: MailboxId | null; name: string } {
  if (path === 'INBOX') return { parent: null, name: inboxName }
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = byPath.get(path.slice(0, end))
    if (parent !== undefined) return { parent, name: path.slice(end + 1) }
  }
  return { parent: null, name: path }
}

/** RFC 8621 §2 MailboxRights, from RFC 4314 §2.1. */
export function mailboxRights({
  rights,
  selectable,
  path,
}: Pick<ListedMailbox, 'rights' | 'selectable' | 'path'>): JsonObject {
  const has = (letters: string): boolean => [...letters].every((letter) => rights.includes(letter))
  // INBOX is always there.
  const isInbox = path === 'INBOX'
  return {
    mayReadItems: has('lr'),
    mayAddItems: selectable && has('i'),
    mayRemoveItems: selectable && has('te'),
    maySetSeen: selectable && has('s'),
    maySetKeywords: selectable && has('w'),
    mayCreateChild: has('k'),
    mayRename: !isInbox && has('x'),
    mayDelete: !isInbox && has('x'),
    maySubmit: selectable && has('p'),
  }
}

export function mailboxIdOf(account: AccountId, id: MailboxId | null): string | null {
  return id === null ? null : encodeObjectId('mailbox', account, id)
}

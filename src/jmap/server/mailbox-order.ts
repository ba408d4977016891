// `sortOrder` of mailboxes (RFC 8621 §2), which IMAP does not know: an object of the account for each mailbox that has another one than 0.
import type { AccountId, MailboxId, ModSeq } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'

/** The kind of these objects; the key is the mailbox's number. */
export const orderKind = 'mailbox-order'

export interface MailboxOrder {
  readonly sortOrder: number
  readonly modSeq: ModSeq
}

export async function readOrders(
  store: Store,
  { account, now }: { account: AccountId; now: number },
): Promise<Map<MailboxId, MailboxOrder>> {
  const objects = await store.listObjects({ account, kind: orderKind, now })
  return new Map(
    objects.flatMap(({ key, value, modSeq }) => {
      const sortOrder: unknown = JSON.parse(value)
      // Keys are written below.
      return typeof sortOrder === 'number' ? [[Number(key) as MailboxId, { sortOrder, modSeq }] as const] : []
    }),
  )
}

/** `sortOrder`: RFC 8621 §2 has it below 2^31; whoever calls has checked it. */
export async function writeOrder(
  store: Store,
  place: { account: AccountId; mailbox: MailboxId; sortOrder: number; now: number },
): Promise<void> {
  const { account, mailbox, sortOrder, now } = place
  const key = String(mailbox)
  for (;;) {
    const known = await store.findObject({ account, kind: orderKind, key, now })
    if (known === undefined && sortOrder === 0) return
    const value = JSON.stringify(sortOrder)
    if (known?.value === value) return
    const done = await store.changeObjects({
      ...{ account, kind: orderKind, now },
      ...(known === undefined ? { create: [{ key, value }] } : { update: [{ id: known.id, value }] }),
    })
    // Somebody else wrote it meanwhile: look again.
    if (done.ok || (done.reason !== 'key-taken' && done.reason !== 'not-found')) return
  }
}

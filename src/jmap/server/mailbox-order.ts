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

// The side of an export that stands at the store: lists mailboxes, and gives their messages a page at a time, since whoever writes
// them may be another process. Nothing is kept between two pages, so an export can go on from any UID.
import type { Account, AccountId, BlobId, MailboxId, MessageText, SpecialUse } from '../store/model.ts'
import type { Store } from '../store/store.ts'

export interface ExportedMailbox {
  readonly id: MailboxId
  readonly name: string
  readonly specialUse: SpecialUse | null
  readonly subscribed: boolean
  readonly uidValidity: number
  readonly messages: number
  readonly bytes: number
}

export interface ExportedMessage {
  readonly uid: number
  readonly flags: number
  readonly keywords: string
  readonly internalDate: number
  readonly savedAt: number | null
  readonly email: number
  readonly thread: number
  /** Octets, the prefix included. */
  readonly size: number
  /** Trace fields, as UTF-8 text; they stand before the octets. */
  readonly prefix: string
  readonly blob: BlobId
  /** All octets behind the prefix, in base64; null where they are to be asked for. */
  readonly data: string | null
}

export interface ExportPage {
  readonly messages: readonly ExportedMessage[]
  /** Null behind the last. */
  readonly next: number | null
}

const messagesOfPage = 200
const octetsOfPage = 1024 * 1024
/** A larger message is asked for in pieces. */
const octetsAtOnce = 512 * 1024

export async function exportedMailboxes(store: Store, account: Account): Promise<ExportedMailbox[]> {
  const subscribed = new Set(await store.subscriptions(account.id))
  const mailboxes = await store.listMailboxes(account.id)
  return mailboxes
    .filter(({ selectable }) => selectable)
    .map(({ id, name, specialUse, uidValidity, messages, bytes }) => ({
      ...{ id, name, specialUse, uidValidity, messages, bytes },
      subscribed: subscribed.has(name),
    }))
}

/** Messages from UID `from` on. */
export async function exportPage(
  store: Store,
  { account, mailbox, from }: { account: AccountId; mailbox: MailboxId; from: number },
): Promise<ExportPage> {
  const messages: ExportedMessage[] = []
  let octets = 0
  for await (const batch of store.messageTexts({ account, mailbox, uids: [[from, 0xffffffff]] })) {
    for (const text of batch) {
      if (messages.length >= messagesOfPage || octets >= octetsOfPage) return { messages, next: text.uid }
      const message = await exported(store, text)
      octets += message.data?.length ?? 0
      messages.push(message)
    }
  }
  return { messages, next: null }
}

async function exported(store: Store, text: MessageText): Promise<ExportedMessage> {
  const { uid, flags, keywords, internalDate, savedAt, email, thread, size, prefix, blob } = text
  const data = size > octetsAtOnce ? null : await octetsOf(store, { blob, start: 0, end: octetsAtOnce })
  return { uid, flags, keywords, internalDate, savedAt, email, thread, size, prefix, blob, data }
}

/** In base64. */
export async function octetsOf(
  store: Store,
  { blob, start, end }: { blob: BlobId; start: number; end: number },
): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.blobs.read(blob, { start, end })) chunks.push(chunk)
  return Buffer.concat(chunks).toString('base64')
}

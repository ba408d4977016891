// Whether a message is in a mailbox already, for `--dedupe`: by its Message-ID; where it has none, by all that its structure says
// (header values, parts, sizes, preview).
import { createHash } from 'node:crypto'
import { decodeThreading, StructureDamaged } from '../mail/mime/codec.ts'
import type { AccountId, MailboxId } from '../store/model.ts'
import type { Store } from '../store/store.ts'

export function duplicateKey(structure: string): string {
  try {
    const { messageId } = decodeThreading(structure)
    if (messageId !== null) return `<${messageId}>`
  } catch (error) {
    if (!(error instanceof StructureDamaged)) throw error
  }
  return createHash('sha256').update(structure).digest('base64')
}

/** Of all messages of a mailbox. */
export async function knownDuplicates(
  store: Store,
  account: AccountId,
  mailbox: MailboxId,
): Promise<Set<string>> {
  const keys = new Set<string>()
  for await (const batch of store.structures({ account, mailbox, uids: [[1, 0xffffffff]] })) {
    for (const [, structure] of batch) keys.add(duplicateKey(structure))
  }
  return keys
}

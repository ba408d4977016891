// Which addresses belong to the account that logged in: its own, and those that lead to it (aliases, subaddresses, a catch-all).
// A list does not belong to its members: whoever is on it may not speak for it.
import type { Directory } from '../../directory/directory.ts'
import { addressKey, type Address } from '../../mail/address.ts'
import type { Account } from '../../store/model.ts'

/** `full`: its mailbox is full, and a full mailbox does not say whose it is. */
export type Ownership = 'own' | 'foreign' | 'full'

/** Rejects with `StoreUnavailable` when the store cannot answer. */
export async function ownershipOf(
  directory: Directory,
  { account, address }: { account: Account; address: Address },
): Promise<Ownership> {
  if (addressKey(address) === account.address) return 'own'
  const resolution = await directory.resolve(address)
  if (resolution.type === 'over-quota') return 'full'
  const leadsHere =
    resolution.type === 'local' &&
    resolution.recipients.some(({ account: { id }, list }) => id === account.id && list === null)
  return leadsHere ? 'own' : 'foreign'
}

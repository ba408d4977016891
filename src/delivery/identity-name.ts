// What an account calls itself in the mail that it sends: the name of the identity (RFC 8621 §6) that each account has for its own address.
import type { AccountId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'

/** The kind of identities among the account's objects, and the key of the one for its own address. */
export const identityKind = 'identity'
export const defaultIdentityKey = 'default'

/** '' where none was set. */
export async function ownName(
  store: Pick<ObjectStore, 'findObject'>,
  { account, now }: { readonly account: AccountId; readonly now: number },
): Promise<string> {
  const object = await store.findObject({ account, kind: identityKind, key: defaultIdentityKey, now })
  const value: unknown = object === undefined ? null : JSON.parse(object.value)
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : ''
  return typeof name === 'string' ? name : ''
}

// Identities as they are kept (RFC 8621 §6): JSON objects of the account. Each account has one for its own address that cannot be destroyed; it is
// made when somebody first asks, under a key, so that it is made once.
import type { Directory } from '../../directory/directory.ts'
import { addressKey, tryAddress } from '../../mail/address.ts'
import { tryDomain } from '../../mail/domain.ts'
import type { Account } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import type { Store } from '../../store/store.ts'
import type { JsonObject } from '../proto/json.ts'
import { listOf, nullable, record, string, Wrong } from '../proto/shape.ts'
import { defaultIdentityKey, identityKind } from '../../delivery/identity-name.ts'
import type { ObjectTypeStore } from './object-type.ts'

export { identityKind }

const emailAddress = record({ name: nullable(string), email: string })

/** What is kept; `email` is as the client wrote it. */
export const identityRecord = record({
  name: string,
  email: string,
  replyTo: nullable(listOf(emailAddress)),
  bcc: nullable(listOf(emailAddress)),
  textSignature: string,
  htmlSignature: string,
})

export type IdentityRecord = Exclude<ReturnType<typeof identityRecord>, Wrong>

export function emptyIdentity(email: string): IdentityRecord {
  return { name: '', email, replyTo: null, bcc: null, textSignature: '', htmlSignature: '' }
}

/** What is kept is what was checked. */
export function parseIdentity({ value }: StoredObject): IdentityRecord {
  const read = identityRecord(JSON.parse(value))
  if (read instanceof Wrong) throw new Error(`an identity is damaged: ${read.description}`)
  return read
}

/** All of an account's; the first time it gets its own. */
export async function loadIdentities(
  identities: ObjectTypeStore,
  { account, now }: { readonly account: Account; readonly now: number },
): Promise<StoredObject[]> {
  const found = await identities.load(account.id, null)
  if (found.some(({ key }) => key === defaultIdentityKey)) return found
  const value = JSON.stringify(emptyIdentity(account.address))
  const create = [{ key: defaultIdentityKey, value }]
  await identities.store.changeObjects({ account: account.id, kind: identityKind, create, now })
  return identities.load(account.id, null)
}

/** As a client sees it. */
export function describeIdentity(object: StoredObject, id: string): JsonObject {
  return { id, ...plain(parseIdentity(object)), mayDelete: object.key !== defaultIdentityKey }
}

function plain(identity: IdentityRecord): JsonObject {
  return JSON.parse(JSON.stringify(identity)) as JsonObject
}

export interface OwnerParts {
  readonly store: Pick<Store, 'findAddress'>
  readonly directory: Pick<Directory, 'resolve'>
}

/**
 * Whether an account may write under an address: its own, or one that leads to it. `*@domain` is every address of a domain (RFC 8621 §6),
 * which the account has where it gets what nobody else of the domain gets.
 */
export async function ownsEmail(
  { store, directory }: OwnerParts,
  account: Account,
  email: string,
): Promise<boolean> {
  if (email.startsWith('*@')) {
    const domain = tryDomain(email.slice(2), { utf8: true })
    const entry = domain && (await store.findAddress(`@${domain.toLowerCase()}`))
    return entry?.type === 'alias' && entry.owner === null && entry.targets.includes(account.address)
  }
  const address = tryAddress(email, { utf8: true })
  if (address === undefined) return false
  if (addressKey(address) === account.address) return true
  const resolution = await directory.resolve(address)
  if (resolution.type !== 'local') return false
  // A list does not belong to its members.
  return resolution.recipients.some((one) => one.account.id === account.id && one.list === null)
}

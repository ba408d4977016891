// SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3).
//
// Identifiers are addresses of accounts, and `anyone`; a dash before one names the rights that are taken away. The owner has every right
// always (§2 lets a server force it), which his entries tell and nobody can change.
import { allRights } from '../../../store/sharing.ts'
import { addressKey, tryAddress } from '../../../mail/address.ts'
import { encodeAcl, encodeListRights, encodeMyRights } from '../../proto/encode/mailbox-data.ts'
import { findPlace, placeFor, refusalOf } from '../access.ts'
import { grantableRights } from '../../proto/grammar/rights.ts'
import { no, ok } from '../context.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { Grantee, Rights } from '../../../store/sharing.ts'
import type { AccountId } from '../../../store/model.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { RightsChange } from '../../proto/grammar/rights.ts'

const anyone = 'anyone'
const noSuchUser = no('NONEXISTENT', 'There is no such user')

/** RFC 4314 §3.3 */
export async function getAcl(run: CommandRun, request: RequestOf<'GETACL'>): Promise<Done> {
  const { session, output } = run
  const found = await placeFor(session, request.mailbox, 'a')
  if (found.place === null) return found.refusal
  const { place } = found
  const { account, mailbox, name } = place
  const { store } = session.parts
  const entries: [string, Rights][] = [[(await addressOf(session, account)) ?? '', allRights]]
  for (const { grantee, negative, rights } of await store.accessList({ account, mailbox: mailbox.id })) {
    if (grantee === account) continue
    const identifier = grantee === null ? anyone : await addressOf(session, grantee)
    if (identifier !== undefined) entries.push([`${negative ? '-' : ''}${identifier}`, rights])
  }
  await output.text(encodeAcl({ name, modes: session.modes }, entries))
  await output.end()
  return ok('GETACL completed')
}

async function addressOf({ account, parts }: SessionContext, id: AccountId): Promise<string | undefined> {
  return id === account.id ? account.address : (await parts.store.getAccount(id))?.address
}

/** RFC 4314 §3.5: any of "l", "r", "i", "k", "x", "a". */
export async function myRights(run: CommandRun, request: RequestOf<'MYRIGHTS'>): Promise<Done> {
  const { session, output } = run
  const place = await findPlace(session, request.mailbox)
  if (place === undefined || !/[lrikxa]/.test(place.rights)) return refusalOf(place)
  await output.text(encodeMyRights({ name: place.name, modes: session.modes }, place.rights))
  await output.end()
  return ok('MYRIGHTS completed')
}

/** RFC 4314 §3.4: the identifier as it was written. */
export async function listRights(run: CommandRun, request: RequestOf<'LISTRIGHTS'>): Promise<Done> {
  const { session, output } = run
  const found = await placeFor(session, request.mailbox, 'a')
  if (found.place === null) return found.refusal
  const who = await findGrantee(session, request.identifier)
  if (who === undefined) return noSuchUser
  const { account, name } = found.place
  const of = { name, modes: session.modes, identifier: request.identifier }
  const owner = who.grantee === account
  await output.text(encodeListRights(of, owner ? allRights : '', owner ? [] : grantableRights))
  await output.end()
  return ok('LISTRIGHTS completed')
}

/** RFC 4314 §3.1 */
export function setAcl(run: CommandRun, request: RequestOf<'SETACL'>): Promise<Done> {
  return change(run, request, request.change)
}

/** RFC 4314 §3.2: the entry of this identifier alone, not that of its negative. */
export function deleteAcl(run: CommandRun, request: RequestOf<'DELETEACL'>): Promise<Done> {
  return change(run, request, { mode: 'replace', rights: '' })
}

async function change(
  { session }: CommandRun,
  request: RequestOf<'SETACL' | 'DELETEACL'>,
  { mode, rights }: RightsChange,
): Promise<Done> {
  const found = await placeFor(session, request.mailbox, 'a')
  if (found.place === null) return found.refusal
  const who = await findGrantee(session, request.identifier)
  if (who === undefined) return noSuchUser
  const { account, mailbox }: Place = found.place
  if (who.grantee === account) return no('CANNOT', 'The owner has every right, always')
  const { grantee, negative } = who
  const entry = { account, mailbox: mailbox.id, grantee, negative, mode, rights }
  const outcome = await session.parts.store.setAccess(entry)
  if (outcome.ok) return ok(`${request.name} completed`)
  if (outcome.reason === 'too-many-entries') return no('LIMIT', 'There are too many entries')
  return outcome.reason === 'no-such-account' ? noSuchUser : refusalOf(undefined)
}

/** RFC 4314 §2: whom an identifier means. */
async function findGrantee(
  { parts }: SessionContext,
  identifier: string,
): Promise<{ readonly grantee: Grantee; readonly negative: boolean } | undefined> {
  const negative = identifier.startsWith('-')
  const name = negative ? identifier.slice(1) : identifier
  if (name === anyone) return { grantee: null, negative }
  const address = tryAddress(name)
  const entry = address && (await parts.store.findAddress(addressKey(address)))
  return entry?.type === 'account' ? { grantee: entry.account.id, negative } : undefined
}

// GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208; RFC 2087 had the same commands and answers).
//
// Each account has one quota root, named by its address, for all its mailboxes. Limits are the operator's to set, so SETQUOTA is
// read to the letter and refused to everyone.
import { allows, findPlace, locate, refusalOf } from '../access.ts'
import { encodeQuota, encodeQuotaRoot } from '../../proto/encode/mailbox-data.ts'
import { no, ok } from '../context.ts'
import type { Account } from '../../../store/model.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { RequestOf } from '../../proto/commands/command.ts'

const noSuchRoot = no('NONEXISTENT', 'There is no such quota root')

/** RFC 9208 §4.1.1 */
export async function getQuota(run: CommandRun, request: RequestOf<'GETQUOTA'>): Promise<Done> {
  const account = await findRoot(run.session, request.root)
  if (account === undefined) return noSuchRoot
  await run.output.text(await quotaResponse(run, account))
  await run.output.end()
  return ok('GETQUOTA completed')
}

/** RFC 9208 §4.1.2; §6: "r", since the numbers tell of messages. A name of one's own need not exist. */
export async function getQuotaRoot(run: CommandRun, request: RequestOf<'GETQUOTAROOT'>): Promise<Done> {
  const { session, output } = run
  const { mailbox: name } = request
  const where = await locate(session, name)
  if (where === undefined) return refusalOf(undefined)
  if (where.account !== session.account.id) {
    const place = await findPlace(session, name)
    if (place === undefined || !allows(place, 'r')) return refusalOf(place)
  }
  const account = await session.parts.store.getAccount(where.account)
  if (account === undefined) return refusalOf(undefined)
  await output.text(encodeQuotaRoot({ name, modes: session.modes }, account.address))
  await output.text(await quotaResponse(run, account))
  await output.end()
  return ok('GETQUOTAROOT completed')
}

/** RFC 9208 §4.1.3 */
export async function setQuota(run: CommandRun, request: RequestOf<'SETQUOTA'>): Promise<Done> {
  const account = await findRoot(run.session, request.root)
  return account === undefined ? noSuchRoot : no('NOPERM', 'Limits are set by the administrator')
}

/** One's own root, and those of mailboxes that one may read (RFC 9208 §8: no more is told to anybody). */
async function findRoot({ account, parts }: SessionContext, root: string): Promise<Account | undefined> {
  const { store } = parts
  if (root === account.address) return store.getAccount(account.id)
  const other = (await store.sharingAccounts(account.id)).find(({ address }) => address === root)
  if (other === undefined) return undefined
  const shared = await store.sharedMailboxes({ viewer: account.id, account: other.id })
  return shared.some(({ rights }) => rights.includes('r')) ? other : undefined
}

/** RFC 9208 §4.2.1: "Resources not named in the list are not limited in the quota root." */
async function quotaResponse({ session }: CommandRun, account: Account): Promise<string> {
  const { store } = session.parts
  const { quota, used } = account
  const resources: { name: string; usage: number; limit: number }[] = []
  // §5.1: in units of 1024 octets.
  if (quota.bytes !== null) {
    resources.push({ name: 'STORAGE', usage: kilobytes(used.bytes), limit: Math.floor(quota.bytes / 1024) })
  }
  // §5.2
  if (quota.messages !== null) {
    resources.push({ name: 'MESSAGE', usage: used.messages, limit: quota.messages })
  }
  // §5.3
  if (typeof quota.mailboxes === 'number') {
    const usage = (await store.listMailboxes(account.id)).length
    resources.push({ name: 'MAILBOX', usage, limit: quota.mailboxes })
  }
  // §5.4: in units of 1024 octets.
  if (typeof quota.annotations === 'number') {
    const usage = kilobytes(await store.annotationBytes(account.id))
    const limit = Math.floor(quota.annotations / 1024)
    resources.push({ name: 'ANNOTATION-STORAGE', usage, limit })
  }
  return encodeQuota(account.address, resources)
}

function kilobytes(octets: number): number {
  return Math.ceil(octets / 1024)
}

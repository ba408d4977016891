// Where a mailbox name leads: whose mailbox it is, and what this session may do there (RFC 4314 §4).
//
// Nobody learns of a mailbox for which he has no `l`: to him it is as if it was not there (RFC 4314 §6), though the other rights that he
// has hold (a mailbox into which one may put and not look).
import { delimiter } from '../proto/grammar/mailbox.ts'
import { allRights } from '../../store/sharing.ts'
import { isOfOthers, nameForOthers, tryNameOfOthers } from './other-users.ts'
import { no } from './context.ts'
import type { AccountId, Mailbox } from '../../store/model.ts'
import type { MailboxPlace } from '../../store/store.ts'
import type { Rights } from '../../store/sharing.ts'
import type { Done, ImapParts, SessionContext } from './context.ts'

/** A mailbox as this session sees it. */
export interface Place {
  /** Whose it is. */
  readonly account: AccountId
  readonly mailbox: Mailbox
  /** Never ''. */
  readonly rights: Rights
  /** As this session names it; `mailbox.name` is what its owner calls it. */
  readonly name: string
}

/** One right of RFC 4314 §2.1. */
export type Right = 'l' | 'r' | 's' | 'w' | 'i' | 'p' | 'k' | 'x' | 't' | 'e' | 'a'

/** Who looks for a mailbox. */
export type Viewer = Pick<SessionContext, 'account'> & { readonly parts: Pick<ImapParts, 'store'> }

/** A name as its owner has it, whether there is a mailbox of that name or not. */
export interface Where {
  readonly account: AccountId
  readonly name: string
}

/** In whose mailboxes a name is; undefined where nobody is who could have it. */
export async function locate({ account, parts }: Viewer, name: string): Promise<Where | undefined> {
  if (!isOfOthers(name)) return { account: account.id, name }
  const other = tryNameOfOthers(name)
  if (other === undefined) return undefined
  const entry = await parts.store.findAddress(other.address)
  if (entry?.type !== 'account' || entry.account.id === account.id) return undefined
  // An address under which an account is found but which is not its own would be a second name for everything.
  return entry.account.address === other.address ? { account: entry.account.id, name: other.name } : undefined
}

/** A mailbox into which mail is to come. */
export type Target = Pick<Place, 'account' | 'rights'> & { readonly mailbox: MailboxPlace }

/** The same as `findPlace` for who does not ask what is in the mailbox. */
export async function findTarget(viewer: Viewer, name: string): Promise<Target | undefined> {
  const where = await locate(viewer, name)
  if (where?.account !== viewer.account.id) return where && findAt(viewer, where, name)
  const mailbox = await viewer.parts.store.locateMailbox(where)
  return mailbox && { account: where.account, mailbox, rights: allRights }
}

/** The mailbox of that name; undefined where there is none in which this session has any right. */
export async function findPlace(viewer: Viewer, name: string): Promise<Place | undefined> {
  const where = await locate(viewer, name)
  return where && findAt(viewer, where, name)
}

async function findAt({ account, parts }: Viewer, where: Where, name: string): Promise<Place | undefined> {
  const mailbox = await parts.store.findMailbox(where)
  if (mailbox === undefined) return undefined
  if (where.account === account.id) return { account: account.id, mailbox, rights: allRights, name }
  const rights = await parts.store.rightsIn({
    viewer: account.id,
    account: where.account,
    mailbox: mailbox.id,
  })
  return rights === '' ? undefined : { account: where.account, mailbox, rights, name }
}

export function allows(place: Pick<Place, 'rights'>, right: Right): boolean {
  return place.rights.includes(right)
}

export const noSuchMailbox = no('NONEXISTENT', 'There is no such mailbox')
const noPermission = no('NOPERM', 'You do not have the right to do this')

/** RFC 4314 §6: who may not look gets the answer that he would get if nothing was there. RFC 5530 §3 has the codes. */
export function refusalOf(place: Pick<Place, 'rights'> | undefined): Done {
  return place !== undefined && allows(place, 'l') ? noPermission : noSuchMailbox
}

/** The mailbox of that name if the session has this right in it, else what to answer. */
export async function placeFor(
  viewer: Viewer,
  name: string,
  right: Right,
): Promise<{ readonly place: Place } | { readonly place: null; readonly refusal: Done }> {
  const place = await findPlace(viewer, name)
  if (place !== undefined && allows(place, right)) return { place }
  return { place: null, refusal: refusalOf(place) }
}

/** Where a new mailbox may be made: RFC 4314 §4 wants `k` in its nearest superior that exists. */
export async function placeForNew(
  viewer: Viewer,
  name: string,
): Promise<{ readonly where: Where } | { readonly where: null; readonly refusal: Done }> {
  const where = await locate(viewer, name)
  if (where?.account === viewer.account.id) return { where }
  if (where !== undefined) {
    for (const superior of superiors(where.name).toReversed()) {
      const place = await findAt(viewer, { account: where.account, name: superior }, superior)
      const exists =
        place ?? (await viewer.parts.store.findMailbox({ account: where.account, name: superior }))
      if (exists === undefined) continue
      return place !== undefined && allows(place, 'k') ? { where } : { where: null, refusal: noPermission }
    }
  }
  return { where: null, refusal: noPermission }
}

/** All mailboxes that the session may know of, its own first, each account's in order of name. */
export async function listPlaces(viewer: Viewer, options: { others: boolean }): Promise<Place[]> {
  const { account, parts } = viewer
  const { store } = parts
  const own = await store.listMailboxes(account.id)
  const places: Place[] = own.map((mailbox) => ({
    ...{ account: account.id, mailbox, rights: allRights, name: mailbox.name },
  }))
  if (options.others) {
    for (const other of await store.sharingAccounts(account.id)) {
      for (const shared of await store.sharedMailboxes({ viewer: account.id, account: other.id })) {
        const { mailbox, rights } = shared
        const name = nameForOthers(other.address, mailbox.name)
        if (rights.includes('l')) places.push({ account: other.id, mailbox, rights, name })
      }
    }
  }
  return places
}

/** Names in the order in which they are told: INBOX, one's own, those of others. */
export function inOrder(names: Iterable<string>): string[] {
  const keyed = Array.from(names, (name) => [orderOf(name), name] as const)
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return keyed.map(([, name]) => name)
}

function orderOf(name: string): string {
  if (name === 'INBOX') return ''
  return isOfOthers(name) ? `2${name}` : `1${name}`
}

/** All names above a name, the outermost first. */
export function superiors(name: string): string[] {
  const names: string[] = []
  for (let at = name.indexOf(delimiter); at !== -1; at = name.indexOf(delimiter, at + 1))
    names.push(name.slice(0, at))
  return names
}

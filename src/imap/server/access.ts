// Where a mailbox name leads: whose mailbox it is, and what this session may do there (RFC 4314 §4).
import { allRights } from '../../store/sharing.ts'
import type { AccountId, Mailbox } from '../../store/model.ts'
import type { Rights } from '../../store/sharing.ts'
import type { ImapParts, SessionContext } from './context.ts'

/** A mailbox as this session sees it. */
export interface Place {
  /** Whose it is. */
  readonly account: AccountId
  readonly mailbox: Mailbox
  readonly rights: Rights
}

/** One right of RFC 4314 §2.1. */
export type Right = 'l' | 'r' | 's' | 'w' | 'i' | 'p' | 'k' | 'x' | 't' | 'e' | 'a'

/** Who looks for a mailbox. */
export type Viewer = Pick<SessionContext, 'account'> & { readonly parts: Pick<ImapParts, 'store'> }

/** The mailbox of that name; undefined where there is none, or none that this session may know of (RFC 4314 §4, right `l`). */
export async function findPlace(session: Viewer, name: string): Promise<Place | undefined> {
  const { account, parts } = session
  const mailbox = await parts.store.findMailbox({ account: account.id, name })
  return mailbox && { account: account.id, mailbox, rights: allRights }
}

export function allows(place: Pick<Place, 'rights'>, right: Right): boolean {
  return place.rights.includes(right)
}

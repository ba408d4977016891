// The door to mail for all methods: whose account, what of it the viewer may see, and its index as it is now.
//
// - In his own account a viewer sees everything. In another's he sees the mailboxes with the right `l`, and mail in those with `l` and `r`
//   (RFC 8621 §2 mayReadItems).
// - An index is current when it is given and good until the next wait.
import type { Departure } from '../../store/emails.ts'
import type { AccountId, Mailbox, MailboxId, ModSeq } from '../../store/model.ts'
import { allRights, type Rights } from '../../store/sharing.ts'
import type { Store } from '../../store/store.ts'
import { MailIndexes } from './mail-index/mail-indexes.ts'
import type { MailIndex } from './mail-index/mail-index.ts'
import { MailView } from './mail-index/mail-view.ts'
import { fingerprintOf } from './mail-index/point.ts'
import type { AccountPlace } from './module.ts'

/** What a viewer may do in an account, as it was when asked. */
export interface MailRights {
  readonly account: AccountId
  /** By mailbox, where it is another's account. */
  readonly shared: ReadonlyMap<MailboxId, { readonly mailbox: Mailbox; readonly rights: Rights }> | null
  /** Goes into state strings: '' in one's own account. */
  readonly fingerprint: string
}

export class MailAccess {
  readonly store: Store
  readonly #indexes: MailIndexes

  /** `memory`: octets of all indexes together. */
  constructor(parts: { readonly store: Store; readonly memory: number; readonly now: () => number }) {
    this.store = parts.store
    this.#indexes = new MailIndexes(parts)
  }

  close(): void {
    this.#indexes.close()
  }

  async rights(place: AccountPlace): Promise<MailRights> {
    const account = place.account.id
    if (account === place.viewer.id) return { account, shared: null, fingerprint: '' }
    const shared = new Map<MailboxId, { mailbox: Mailbox; rights: Rights }>()
    for (const one of await this.store.sharedMailboxes({ viewer: place.viewer.id, account })) {
      if (one.rights.includes('l')) shared.set(one.mailbox.id, one)
    }
    const text = [...shared].map(([id, { rights }]) => `${id}${rights.includes('r') ? 'r' : ''}`).sort()
    return { account, shared, fingerprint: fingerprintOf(text.join(' ')) }
  }

  async view(rights: MailRights): Promise<MailView> {
    return viewOf(await this.#indexes.use(rights.account), rights)
  }

  /** A view with all departures after `since` up to its modSeq; undefined where they are not kept any more. */
  async viewSince(
    rights: MailRights,
    since: number,
  ): Promise<{ readonly view: MailView; readonly departures: readonly Departure[] } | undefined> {
    const { account } = rights
    const departures: Departure[] = []
    // What comes while this reads is read in a round of its own, which is short: so it ends however much mail moves.
    for (let from = since; ;) {
      const { modSeq } = await this.#indexes.use(account)
      // It is the modseq of a state that was given.
      const found = await this.store.departuresSince({ account, since: from as ModSeq })
      if (!found.complete) return undefined
      for (const one of found.departures) if (one.modSeq <= modSeq) departures.push(one)
      from = modSeq
      const index = await this.#indexes.use(account)
      // Nothing departed between the two readings.
      if (index.modSeq === modSeq) return { view: viewOf(index, rights), departures }
    }
  }
}

function viewOf(index: MailIndex, { shared }: MailRights): MailView {
  if (shared === null) return new MailView(index, null)
  const readable = new Set<MailboxId>()
  for (const [id, { rights }] of shared) if (rights.includes('r')) readable.add(id)
  return new MailView(index, readable)
}

/** Of a mailbox that the viewer knows: every right in his own account. */
export function rightsIn({ shared }: MailRights, mailbox: MailboxId): Rights {
  return shared === null ? allRights : (shared.get(mailbox)?.rights ?? '')
}

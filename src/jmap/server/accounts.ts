// Which accounts somebody may use (RFC 8620 §1.6.2): his own, and those of others in which a mailbox is shared with him
// (docs/sharing.md). Asked anew for each request: rights end when they are taken away.
import type { Account, AccountId } from '../../store/model.ts'
import type { SharedMailbox } from '../../store/sharing.ts'
import type { Store } from '../../store/store.ts'
import type { AccountPlace } from './module.ts'

export type AccountsStore = Pick<Store, 'getAccount' | 'sharingAccounts' | 'sharedMailboxes'>

/** RFC 8620 §1.2: begins with a letter, as all our ids do. */
export function accountIdOf(account: Pick<Account, 'id'>): string {
  return `A${account.id}`
}

export function tryAccountNumber(id: string): AccountId | undefined {
  // Ids are the store's numbers; one that is nobody's finds nothing.
  return /^A[1-9]\d{0,14}$/.test(id) ? (Number(id.slice(1)) as AccountId) : undefined
}

/** Rights (RFC 4314 §2.1) with which something can be changed. */
const changing = /[swikxtea]/

/** The accounts of one viewer, each looked up once. */
export class Accounts {
  readonly #store: AccountsStore
  readonly #viewer: Account
  #shared: Promise<readonly AccountPlace[]> | null = null

  constructor(store: AccountsStore, viewer: Account) {
    this.#store = store
    this.#viewer = viewer
  }

  get personal(): AccountPlace {
    const viewer = this.#viewer
    return { id: accountIdOf(viewer), account: viewer, viewer, isPersonal: true, isReadOnly: false }
  }

  /** Those of others, in order of address. */
  shared(): Promise<readonly AccountPlace[]> {
    this.#shared ??= this.#loadShared()
    return this.#shared
  }

  async find(id: string): Promise<AccountPlace | undefined> {
    const number = tryAccountNumber(id)
    if (number === undefined) return undefined
    if (number === this.#viewer.id) return this.personal
    return (await this.shared()).find((place) => place.account.id === number)
  }

  async #loadShared(): Promise<readonly AccountPlace[]> {
    const viewer = this.#viewer
    const places: AccountPlace[] = []
    for (const account of await this.#store.sharingAccounts(viewer.id)) {
      const mailboxes = await this.#store.sharedMailboxes({ viewer: viewer.id, account: account.id })
      if (!mailboxes.some(isSeen)) continue
      const isReadOnly = !mailboxes.some(({ rights }) => changing.test(rights))
      places.push({ id: accountIdOf(account), account, viewer, isPersonal: false, isReadOnly })
    }
    return places
  }
}

/** RFC 4314 §6: nobody learns of a mailbox without `l`. */
function isSeen({ rights }: SharedMailbox): boolean {
  return rights.includes('l')
}

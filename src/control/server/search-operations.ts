// The full-text index, administered: what there is of each account, and the indexing of what waits.
import { z } from 'zod'
import { displayAddress } from '../../mail/address.ts'
import type { Account, AccountId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { type Asker, operation, type Operation, RefusedOperation, question } from './operation.ts'

/** Who indexes; the shape of what the wiring has. */
export interface SearchIndexing {
  index(
    account: AccountId,
    options: {
      rebuild: boolean
      signal: AbortSignal
      onProgress: (progress: { done: number; newest: number }) => void
    },
  ): Promise<{ done: number; newest: number }>
}

/** The index of one account as it is shown. */
export interface ShownIndex {
  readonly address: string
  readonly display: string
  readonly messages: number
  /** Emails that wait for the index. */
  readonly waiting: number
  readonly segments: number
  readonly emails: number
  readonly bytes: number
}

interface SearchParts {
  readonly store: Store
  readonly search: SearchIndexing
}

const which = z.strictObject({ address: z.string().optional(), rebuild: z.boolean().optional() })

export function searchOperations(parts: SearchParts): Record<string, Operation> {
  return {
    'search.index': operation(which, async ({ address, rebuild = false }, asker) => {
      const accounts = await accountsOf(parts.store, address)
      const shown: ShownIndex[] = []
      for (const [index, account] of accounts.entries()) {
        asker.gone.throwIfAborted()
        await indexOne(parts, account, { rebuild, asker, index, accounts: accounts.length })
        shown.push(await showIndex(parts.store, account))
      }
      return shown
    }),
    'search.list': question(z.strictObject({ address: z.string().optional() }), async ({ address }) => {
      const accounts = await accountsOf(parts.store, address)
      return await Promise.all(accounts.map((account) => showIndex(parts.store, account)))
    }),
  }
}

/** Thousandths of an account: the bar moves within a large one too. */
const fine = 1_000

async function indexOne(
  { search }: SearchParts,
  account: Account,
  run: { rebuild: boolean; asker: Asker; index: number; accounts: number },
): Promise<void> {
  const { rebuild, asker, index, accounts } = run
  await search.index(account.id, {
    rebuild,
    signal: asker.gone,
    onProgress: ({ done, newest }) => {
      const part = newest === 0 ? fine : Math.floor((done / newest) * fine)
      asker.onProgress(index * fine + part, accounts * fine)
    },
  })
}

async function accountsOf(store: Store, address: string | undefined): Promise<Account[]> {
  if (address !== undefined) {
    const found = await store.findAddress(address.toLowerCase())
    if (found?.type !== 'account') {
      throw new RefusedOperation(
        `There is no account ${address}. \`account list\` shows those that are here.`,
      )
    }
    return [found.account]
  }
  const accounts: Account[] = []
  for (let after: string | undefined; ;) {
    const page = await store.listAccounts({ limit: 1000, ...(after === undefined ? {} : { after }) })
    accounts.push(...page)
    after = page.at(-1)?.address
    if (after === undefined || page.length < 1000) return accounts
  }
}

async function showIndex(store: Store, account: Account): Promise<ShownIndex> {
  const segments = await store.searchSegments(account.id)
  const progress = await store.searchProgress(account.id)
  return {
    address: account.address,
    display: displayAddress(account.address),
    messages: account.used.messages,
    waiting: progress === undefined ? 0 : progress.newest - progress.cursor,
    segments: segments.length,
    emails: segments.reduce((sum, { emails }) => sum + emails, 0),
    bytes: segments.reduce((sum, { size }) => sum + size, 0),
  }
}

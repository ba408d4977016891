// The full-text index of a backend: the searcher of those who serve mail, and the indexer behind delivery. Both are loaded with
// their first use: a server greets before it has cut any text.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { SearchConfig } from '../config/sections/search.ts'
import type { Events } from '../events/event.ts'
import type { IndexProgress } from '../search/account-indexing.ts'
import type { Indexer } from '../search/indexer.ts'
import type { Searcher } from '../search/search.ts'
import type { AccountId } from '../store/model.ts'
import type { Store } from '../store/store.ts'

export interface Search extends AsyncDisposable {
  /** Null where no index is kept. */
  readonly searcher: Searcher | null
  /** From now on mail is indexed behind its delivery. */
  start(): void
  /** Brings the index of one account up to its mail; with `rebuild`, from nothing. */
  index(
    account: AccountId,
    options: { rebuild: boolean; signal: AbortSignal; onProgress: (progress: IndexProgress) => void },
  ): Promise<IndexProgress>
}

export interface SearchParts {
  readonly config: SearchConfig
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** `inline`: on this thread, for tests whose time is not real. */
  readonly work: 'thread' | 'inline'
}

export function createSearch(parts: SearchParts): Search {
  const { config, store } = parts
  // Drawn now: when the rest is loaded is the machine's affair, and would change what chance gives to others.
  const holder = parts.random.id(60)
  let indexer: Promise<Indexer> | null = null
  let searcher: Promise<Searcher> | null = null
  let isStarted = false
  const openIndexer = (): Promise<Indexer> => (indexer ??= loadIndexer(parts, holder))
  const openSearcher = (): Promise<Searcher> =>
    (searcher ??= loadSearcher(parts, (account, emails) => {
      if (isStarted) void openIndexer().then((opened) => opened.behind(account, emails))
    }))
  return {
    searcher: config.enabled
      ? {
          lookUp: async (request) => (await openSearcher()).lookUp(request),
          fuzzyJudge: async (key) => (await openSearcher()).fuzzyJudge(key),
        }
      : null,
    start() {
      if (!config.enabled || isStarted) return
      isStarted = true
      void openIndexer().then((opened) => opened.start())
    },
    async index(account, { rebuild, signal, onProgress }) {
      const opened = await openIndexer()
      if (rebuild) await store.dropSearchIndex(account)
      return await opened.indexNow(account, { signal, onProgress })
    },
    async [Symbol.asyncDispose]() {
      isStarted = false
      await (await indexer)?.stop()
    },
  }
}

async function loadIndexer(
  { config, store, clock, events, work }: SearchParts,
  holder: string,
): Promise<Indexer> {
  const { Indexer: Made } = await import('../search/indexer.ts')
  if (work === 'inline') {
    const { InlineWorkshop } = await import('../search/index-work.ts')
    return new Made({ ...{ config, store, clock, events, holder }, workshop: new InlineWorkshop() })
  }
  const { ThreadedWorkshop } = await import('../search/threaded-workshop.ts')
  const workshop = new ThreadedWorkshop({ clock, idle: config.idle })
  return new Made({ ...{ config, store, clock, events, holder }, workshop })
}

async function loadSearcher(
  { config, store }: SearchParts,
  onBehind: (account: AccountId, emails: number) => void,
): Promise<Searcher> {
  const { createSearcher } = await import('../search/searcher.ts')
  return createSearcher({ store, cache: config.cache, listOctets: config.lists, onBehind })
}

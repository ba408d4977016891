// Commands that search, by name: those of the selected mailbox, and the one of any.
import { multiSearch } from './multi-search.ts'
import { search, sort } from './search.ts'
import { thread } from './thread.ts'
import { uidBatches } from './uid-batches.ts'
import type { Commands, SelectedCommands } from '../context.ts'
import type { MultiSearchRequest, SearchRequest } from '../../proto/requests/search.ts'

export const searchCommands: SelectedCommands<SearchRequest['name']> = {
  SEARCH: search,
  SORT: sort,
  THREAD: thread,
  UIDBATCHES: uidBatches,
}

export const multiSearchCommands: Commands<MultiSearchRequest['name']> = {
  ESEARCH: multiSearch,
}

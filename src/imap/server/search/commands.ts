// Commands that search the selected mailbox, by name.
import { search } from './search.ts'
import type { SearchRequest } from '../../proto/requests/search.ts'
import type { SelectedCommands } from '../context.ts'

export const searchCommands: SelectedCommands<SearchRequest['name']> = {
  SEARCH: search,
}

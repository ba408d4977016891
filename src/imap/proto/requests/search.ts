// Requests that search and order messages.
import type { SearchProgram } from '../grammar/search.ts'
import type { Named } from './named.ts'

export type SearchRequest = Named<'SEARCH', { readonly uid: boolean; readonly program: SearchProgram }>

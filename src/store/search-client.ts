// The full-text index's part of the contract made of its operations: see `client.ts`.
import type { Executor } from './client.ts'
import type { SearchIndexStore } from './search-index.ts'

export function searchIndexStore(executor: Executor): Omit<SearchIndexStore, 'onMail'> {
  return {
    accountsToIndex: (request) => executor.read('accountsToIndex', request),
    searchProgress: (account) => executor.read('searchProgress', account),
    emailsToIndex: (request) => executor.read('emailsToIndex', request),
    emailsBetween: (request) => executor.read('emailsBetween', request),
    searchSegments: (account) => executor.read('searchSegments', account),
    searchBlocks: (request) => executor.read('searchBlocks', request),
    beginSegment: (account) => executor.write('beginSegment', account),
    putSearchBlocks: (request) => executor.write('putSearchBlocks', request),
    saveSegment: (request) => executor.write('saveSegment', request),
    skipIndexing: (request) => executor.write('skipIndexing', request),
    sweepSearchIndex: (request) => executor.write('sweepSearchIndex', request),
    dropSearchIndex: (account) => executor.write('dropSearchIndex', account),
  }
}

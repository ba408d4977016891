// Commands that search: SEARCH, SORT and THREAD, each also behind UID, and ESEARCH and UIDBATCHES.
import { afterLogin, command, request, whileSelected } from './command.ts'
import { parseMailboxFilter } from '../grammar/mailbox-filter.ts'
import { parseSearch, parseSearchCriteria } from '../grammar/search.ts'
import { checkSearchReturn, parseSearchReturn, returnAll } from '../grammar/search-return.ts'
import { parseSortCriteria, parseThreadAlgorithm } from '../grammar/sort.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { MailboxFilter } from '../grammar/mailbox-filter.ts'
import type { ImapLimits } from '../limits.ts'
import type { ImapRequest } from './command.ts'

type SearchSyntax = (cursor: Cursor, limits: ImapLimits, uid: boolean) => ImapRequest

/** `search = "SEARCH" [search-return-opts] SP search-program` (RFC 4466 §6) */
const search: SearchSyntax = (cursor, limits, uid) => {
  const returns = parseSearchReturn(cursor)
  const program = parseSearch(cursor, limits)
  checkSearchReturn(cursor, returns, program)
  return { name: 'SEARCH', uid, returns, program }
}

/** `sort = "SORT" [SP "RETURN" …] SP sort-criteria SP search-criteria` (RFC 5256 §5, RFC 5267 §6) */
const sort: SearchSyntax = (cursor, limits, uid) => {
  const returns = parseSearchReturn(cursor)
  const criteria = parseSortCriteria(cursor)
  cursor.sp()
  const program = parseSearchCriteria(cursor, limits)
  checkSearchReturn(cursor, returns, program)
  // RFC 6203 §6: "RELEVANCY sort criteria MUST NOT be used unless a FUZZY search key is also given".
  if (criteria.some(({ key }) => key === 'RELEVANCY') && !program.uses.fuzzy) {
    cursor.fail('RELEVANCY needs a FUZZY key')
  }
  return { name: 'SORT', uid, returns, criteria, program }
}

/** `thread = "THREAD" SP thread-alg SP search-criteria` (RFC 5256 §5) */
const thread: SearchSyntax = (cursor, limits, uid) => {
  cursor.sp()
  const algorithm = parseThreadAlgorithm(cursor)
  cursor.sp()
  return { name: 'THREAD', uid, algorithm, program: parseSearchCriteria(cursor, limits) }
}

/** What stands by itself and behind UID. */
export const searchSyntaxes: ReadonlyMap<string, SearchSyntax> = new Map([
  ['SEARCH', search],
  ['SORT', sort],
  ['THREAD', thread],
])

/** RFC 9586 §3: whether the request uses message numbers where UIDs are wanted: in its keys, for its command is behind UID. */
export function searchesByNumber(value: ImapRequest): boolean {
  return 'program' in value && value.program.uses.numbers
}

/** RFC 7162 §3.1: "SEARCH command with MODSEQ search criterion" enables CONDSTORE. */
export function searchesByModSeq(value: ImapRequest): boolean {
  return 'program' in value && value.program.uses.modSeq
}

/** `esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program` (RFC 7377 §4) */
export const esearch = command({
  name: 'ESEARCH',
  states: afterLogin,
  syntax(cursor, limits) {
    const sources = parseSources(cursor, limits)
    const returns = parseSearchReturn(cursor)
    const program = parseSearch(cursor, limits)
    checkSearchReturn(cursor, returns, program)
    // RFC 7377 §2.2: SAVE "is valid only if "selected" is specified or defaulted to as the sole mailbox to be searched".
    if (returns?.save === true && sources?.some(({ type }) => type !== 'selected') === true) {
      cursor.fail('SAVE is for the selected mailbox alone')
    }
    return { name: 'ESEARCH' as const, sources, returns: returns ?? returnAll, program }
  },
  run: (value, { state, modes }) => {
    const selected = value.sources?.some(({ type }) => type === 'selected') ?? true
    if (selected && state !== 'selected') {
      return { do: 'answer', status: 'BAD', text: 'No mailbox is selected' }
    }
    if (modes.uidOnly && searchesByNumber(value)) {
      return { do: 'answer', status: 'BAD', code: 'UIDREQUIRED', text: 'Sequence numbers are not in use' }
    }
    if (!searchesByModSeq(value)) return request(value)
    return { do: 'request', request: value, modes: { ...modes, condstore: true } }
  },
})

/** `esearch-source-opts = "IN" SP "(" filter-mailboxes *(SP filter-mailboxes) ")"`; there are no scope options yet. */
function parseSources(cursor: Cursor, limits: ImapLimits): MailboxFilter[] | null {
  if (cursor.ahead(5).toUpperCase() !== ' IN (') return null
  cursor.sp()
  cursor.keyword()
  cursor.sp()
  return cursor.list({ most: limits.filterMailboxes, empty: false, what: 'sources' }, () => {
    const filter = parseMailboxFilter(cursor, limits)
    // RFC 7377 §2.2: 'The "selected-delayed" specifier is not valid here.'
    return filter.type === 'selected-delayed' ? cursor.fail('SELECTED-DELAYED is for NOTIFY only') : filter
  })
}

/** `uidbatches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]` (RFC 10022 §3.1) */
export const uidBatches = command({
  name: 'UIDBATCHES',
  states: whileSelected,
  syntax(cursor) {
    cursor.sp()
    const size = cursor.nzNumber()
    if (!cursor.take(' ')) return { size, range: null }
    const first = cursor.nzNumber()
    cursor.expect(':')
    return { size, range: { first, last: cursor.nzNumber() } }
  },
  run: ({ size, range }) => {
    if (range !== null && range.first > range.last) {
      return {
        do: 'answer',
        status: 'BAD',
        code: 'CLIENTBUG',
        text: 'The range of batches is the wrong way round',
      }
    }
    return request({ name: 'UIDBATCHES', size, range })
  },
})

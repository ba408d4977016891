// The full-text index's rows: see `search-index.ts` of the contract. Writers of one account's index are few and hold a lease, but what
// they commit is checked against what is there, so that even two of them leave no gap and no overlap.
import type { AccountId, BlobId, EmailId } from '../model.ts'
import { all, dialect, type Fragment, get, type Op, refuse, run, sql, tuples } from '../op.ts'
import type { SearchBlock, SearchProgress, SearchSegment, EmailToIndex } from '../search-index.ts'

interface ProgressRow {
  readonly account: AccountId
  readonly cursor: EmailId
  readonly newest: EmailId
}

/** See `SearchIndexStore.accountsToIndex`. */
export function* accountsToIndex(request: { after: AccountId; limit: number }): Op<SearchProgress[]> {
  return yield* all<ProgressRow>`
    SELECT account.id AS account, COALESCE(search_state.cursor, 0) AS cursor, next_email - 1 AS newest
    FROM account LEFT JOIN search_state ON search_state.account = account.id
    WHERE account.id > ${request.after} AND next_email - 1 > COALESCE(search_state.cursor, 0)
    ORDER BY account.id LIMIT ${request.limit}`
}

/** See `SearchIndexStore.searchProgress`. */
export function* searchProgress(account: AccountId): Op<SearchProgress | undefined> {
  return yield* get<ProgressRow>`
    SELECT account.id AS account, COALESCE(search_state.cursor, 0) AS cursor, next_email - 1 AS newest
    FROM account LEFT JOIN search_state ON search_state.account = account.id WHERE account.id = ${account}`
}

type EmailRow = [email: EmailId, blob: BlobId, size: number, prefix: string, structure: string]

/** See `SearchIndexStore.emailsToIndex`. */
export function* emailsToIndex(request: {
  account: AccountId
  after: EmailId
  limit: number
}): Op<EmailToIndex[]> {
  const { account, after, limit } = request
  const rows = yield* tuples<EmailRow>`
    SELECT email.id, email.blob, email.size, email.prefix, blob.structure
    FROM email JOIN blob ON blob.id = email.blob
    WHERE email.account = ${account} AND email.id > ${after} ORDER BY email.id LIMIT ${limit}`
  return rows.map(([email, blob, size, prefix, structure]) => ({ email, blob, size, prefix, structure }))
}

/** See `SearchIndexStore.emailsBetween`. */
export function* emailsBetween(request: {
  account: AccountId
  first: EmailId
  last: EmailId
  limit: number
}): Op<Float64Array> {
  const { account, first, last, limit } = request
  const rows = yield* tuples<[id: EmailId]>`
    SELECT id FROM email WHERE account = ${account} AND id BETWEEN ${first} AND ${last}
    ORDER BY id LIMIT ${limit}`
  return Float64Array.from(rows, ([id]) => id)
}

interface SegmentRow {
  readonly id: number
  readonly first_email: EmailId
  readonly last_email: EmailId
  readonly emails: number
  readonly size: number
  readonly version: number
}

/** See `SearchIndexStore.searchSegments`. */
export function* searchSegments(account: AccountId): Op<SearchSegment[]> {
  const rows = yield* all<SegmentRow>`
    SELECT id, first_email, last_email, emails, size, version FROM search_segment
    WHERE account = ${account} AND state = 'ready' ORDER BY first_email`
  return rows.map(({ id, first_email: firstEmail, last_email: lastEmail, emails, size, version }) => ({
    ...{ id, firstEmail, lastEmail, emails, size, version },
  }))
}

/** See `SearchIndexStore.searchBlocks`. */
export function* searchBlocks(request: {
  account: AccountId
  segment: number
  numbers: readonly number[]
}): Op<(Uint8Array | undefined)[]> {
  const { account, segment, numbers } = request
  const rows = yield* tuples<[number: number, bytes: Uint8Array]>`
    SELECT number, bytes FROM search_block
    WHERE account = ${account} AND segment = ${segment} AND number IN (SELECT value FROM ${listed(numbers)} AS wanted)`
  const found = new Map(rows)
  return numbers.map((number) => found.get(number))
}

/** A one-column row for each number. */
function listed(numbers: readonly number[]): Fragment {
  const json = JSON.stringify(numbers)
  return dialect({
    sqlite: sql`(SELECT value FROM json_each(${json}))`,
    pg: sql`(SELECT value::bigint AS value FROM json_array_elements_text(${json}::json))`,
  })
}

/** See `SearchIndexStore.beginSegment`. */
export function* beginSegment(account: AccountId): Op<number | undefined> {
  const state = yield* get<{ segment: number }>`
    INSERT INTO search_state (account, cursor, next_segment)
    SELECT id, 0, 2 FROM account WHERE id = ${account}
    ON CONFLICT (account) DO UPDATE SET next_segment = search_state.next_segment + 1
    RETURNING next_segment - 1 AS segment`
  if (!state) return undefined
  yield* run`INSERT INTO search_segment (account, id, state) VALUES (${account}, ${state.segment}, 'building')`
  return state.segment
}

/** See `SearchIndexStore.putSearchBlocks`. */
export function* putSearchBlocks(request: {
  account: AccountId
  segment: number
  blocks: readonly SearchBlock[]
}): Op<boolean> {
  const { account, segment, blocks } = request
  // Taking the row holds off whoever would drop it meanwhile.
  const building = yield* run`UPDATE search_segment SET state = 'building'
    WHERE account = ${account} AND id = ${segment} AND state = 'building'`
  if (building === 0) return false
  for (const { number, bytes } of blocks) {
    yield* run`INSERT INTO search_block (account, segment, number, bytes)
      VALUES (${account}, ${segment}, ${number}, ${bytes})`
  }
  return true
}

/** See `SearchIndexStore.saveSegment`. */
export function* saveSegment(request: {
  account: AccountId
  segment: SearchSegment
  replaces: readonly number[]
  cursor: EmailId
}): Op<boolean> {
  const { account, segment, replaces, cursor } = request
  const { firstEmail, lastEmail, emails, size, version } = segment
  // The state's row serialises those who commit.
  const state =
    yield* run`UPDATE search_state SET cursor = CASE WHEN cursor < ${cursor} THEN ${cursor} ELSE cursor END
    WHERE account = ${account}`
  const dropped = yield* run`UPDATE search_segment SET state = 'dropped'
    WHERE account = ${account} AND state = 'ready' AND id IN (SELECT value FROM ${listed(replaces)} AS replaced)`
  if (state === 0 || dropped !== replaces.length) return yield* refuse(false)
  const overlap = yield* get<{ id: number }>`
    SELECT id FROM search_segment WHERE account = ${account} AND state = 'ready'
      AND first_email <= ${lastEmail} AND last_email >= ${firstEmail} LIMIT 1`
  const ready = yield* run`UPDATE search_segment SET state = 'ready', first_email = ${firstEmail},
      last_email = ${lastEmail}, emails = ${emails}, size = ${size}, version = ${version}
    WHERE account = ${account} AND id = ${segment.id} AND state = 'building'`
  return overlap === undefined && ready === 1 ? true : yield* refuse(false)
}

/** See `SearchIndexStore.skipIndexing`. */
export function* skipIndexing(request: { account: AccountId; cursor: EmailId }): Op<void> {
  const { account, cursor } = request
  yield* run`INSERT INTO search_state (account, cursor)
    SELECT id, CAST(${cursor} AS BIGINT) FROM account WHERE id = ${account}
    ON CONFLICT (account) DO UPDATE SET cursor = excluded.cursor WHERE search_state.cursor < excluded.cursor`
}

/** See `SearchIndexStore.sweepSearchIndex`. */
export function* sweepSearchIndex(request: {
  account: AccountId
  keep: number | null
  limit: number
}): Op<boolean> {
  const { account, keep, limit } = request
  const doomed = yield* get<{ id: number }>`
    SELECT id FROM search_segment WHERE account = ${account} AND state <> 'ready' AND id <> ${keep ?? 0}
    ORDER BY id LIMIT 1`
  if (!doomed) return false
  yield* run`UPDATE search_segment SET state = 'dropped' WHERE account = ${account} AND id = ${doomed.id}`
  const gone = yield* run`DELETE FROM search_block
    WHERE account = ${account} AND segment = ${doomed.id} AND number IN
      (SELECT number FROM search_block WHERE account = ${account} AND segment = ${doomed.id} ORDER BY number LIMIT ${limit})`
  if (gone < limit) yield* run`DELETE FROM search_segment WHERE account = ${account} AND id = ${doomed.id}`
  return true
}

/** See `SearchIndexStore.dropSearchIndex`. */
export function* dropSearchIndex(account: AccountId): Op<void> {
  yield* run`UPDATE search_state SET cursor = 0 WHERE account = ${account}`
  yield* run`UPDATE search_segment SET state = 'dropped' WHERE account = ${account}`
}

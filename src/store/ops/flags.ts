// STORE: flags and keywords of many messages at once.
//
// The new state is computed here from the old rows; the rows are written by sets: one statement for the flags and one for
// each distinct list of keywords, as long as those are few. Rows that would stay the same are not touched and take no modseq.
import type { AccountId, MailboxId, ModSeq, Uid } from '../model.ts'
import { changed, type Fragment, type Op, run, sql, type Stmt, many } from '../op.ts'
import type { FlagColumns } from '../changes.ts'
import type { Outcome, UidSelection } from '../store.ts'
import { among, flagStates, isYounger, lockAccount, nextModSeq, noCounts, selectableMailbox } from './rows.ts'

export interface SetFlagsRequest {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly uids: UidSelection
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: number
  readonly keywords: readonly string[]
  readonly unchangedSince?: ModSeq
  readonly only?: { readonly flags: number; readonly keywords: boolean }
}

/** The changed messages as columns, all with the one modseq. */
export type FlagsSet = Outcome<
  { modSeq: ModSeq; columns: FlagColumns; refused: readonly Uid[] },
  'no-such-mailbox' | 'too-many-keywords'
>

export interface KeywordLimits {
  readonly keywordsPerMessage: number
  readonly keywordLengthPerMessage: number
}

type NewRow = readonly [uid: number, flags: number, keywords: string]

/** More distinct lists of keywords than this are written row by row: each list costs a scan of the selection. */
const keywordSets = 16

/** See `MailStore.setFlags`. */
export function* setFlags(request: SetFlagsRequest, limits: KeywordLimits): Op<FlagsSet> {
  const { account, mailbox, unchangedSince = Number.MAX_SAFE_INTEGER } = request
  yield* lockAccount(account)
  const row = yield* selectableMailbox(account, mailbox)
  if (!row) return { ok: false, reason: 'no-such-mailbox' }
  const before = yield* flagStates(among(request), unchangedSince)
  const words = keywordChange(request)
  const columns = noColumns(before.uids.length)
  const counts = noCounts()
  const refused: Uid[] = []
  let changes = 0
  for (const [index, uid] of before.uids.entries()) {
    const state = before.state[index] ?? 0
    if ((state & isYounger) !== 0) {
      // As it came from its row.
      refused.push(uid as Uid)
      continue
    }
    const oldFlags = state & 31
    const flags = flagChange(request, oldFlags)
    const oldKeywords = before.keywords.get(uid) ?? ''
    const keywords = words(oldKeywords)
    if (flags === oldFlags && keywords === oldKeywords) continue
    if (keywords !== oldKeywords && tooManyKeywords(keywords, limits))
      return { ok: false, reason: 'too-many-keywords' }
    counts.unseen += (oldFlags & 1) - (flags & 1)
    counts.deleted += ((flags & 8) - (oldFlags & 8)) / 8
    if (keywords !== '') columns.keywords.set(changes, keywords)
    columns.uids[changes] = uid
    columns.flags[changes++] = flags
  }
  const changedOnes = firstOf(columns, changes)
  if (changes === 0) return { ok: true, modSeq: row.modseq, columns: changedOnes, refused }
  const modSeq = yield* nextModSeq(account)
  const lists = [...new Set(['', ...before.keywords.values()])].filter((list) => words(list) !== list)
  if (request.only !== undefined) yield* writeRows(request, { modSeq, columns: changedOnes })
  else if (request.mode === 'replace') yield* writeAlike(request, { modSeq, keywords: words('') })
  else if (lists.length > keywordSets) yield* writeRows(request, { modSeq, columns: changedOnes })
  else yield* writeSets(request, { modSeq, lists, words })
  yield* run`UPDATE mailbox SET modseq = ${modSeq}, unseen = unseen + ${counts.unseen},
    deleted = deleted + ${counts.deleted} WHERE account = ${account} AND id = ${mailbox}`
  yield* changed({ type: 'batch', of: 'flags-changed', account, mailbox, modSeq, columns: changedOnes })
  return { ok: true, modSeq, columns: changedOnes, refused }
}

function noColumns(length: number): { uids: Uint32Array; flags: Uint8Array; keywords: Map<number, string> } {
  return { uids: new Uint32Array(length), flags: new Uint8Array(length), keywords: new Map() }
}

function firstOf(columns: FlagColumns, length: number): FlagColumns {
  if (length === columns.uids.length) return columns
  const { uids, flags, keywords } = columns
  return { uids: uids.slice(0, length), flags: flags.slice(0, length), keywords }
}

/** The rows of the selection that this call may still change. */
function untouched(request: SetFlagsRequest, modSeq: ModSeq): Fragment {
  const { unchangedSince = Number.MAX_SAFE_INTEGER } = request
  return sql`${among(request)} AND message.modseq < ${modSeq} AND message.modseq <= ${unchangedSince}`
}

function* writeAlike(request: SetFlagsRequest, change: { modSeq: ModSeq; keywords: string }): Op<void> {
  const { modSeq, keywords } = change
  yield* run`UPDATE message SET flags = ${request.flags}, keywords = ${keywords}, modseq = ${modSeq}
    WHERE ${untouched(request, modSeq)} AND (message.flags <> ${request.flags} OR message.keywords <> ${keywords})`
}

function* writeSets(
  request: SetFlagsRequest,
  change: { modSeq: ModSeq; lists: readonly string[]; words: (old: string) => string },
): Op<void> {
  const { modSeq, lists, words } = change
  const flags = newFlags(request)
  for (const old of lists) {
    yield* run`UPDATE message SET flags = ${flags}, keywords = ${words(old)}, modseq = ${modSeq}
      WHERE ${untouched(request, modSeq)} AND message.keywords = ${old}`
  }
  yield* run`UPDATE message SET flags = ${flags}, modseq = ${modSeq}
    WHERE ${untouched(request, modSeq)} AND message.flags <> (${flags})`
}

function* writeRows(request: SetFlagsRequest, change: { modSeq: ModSeq; columns: FlagColumns }): Op<void> {
  const { account, mailbox } = request
  const { modSeq, columns } = change
  const { uids, flags, keywords } = columns
  for (let start = 0; start < uids.length; start += 1_000) {
    const statements: Stmt<number>[] = Array.from(
      uids.subarray(start, start + 1_000),
      (uid, index) => run`
        UPDATE message SET flags = ${flags[start + index] ?? 0}, keywords = ${keywords.get(start + index) ?? ''},
          modseq = ${modSeq}
        WHERE account = ${account} AND mailbox = ${mailbox} AND uid = ${uid}`,
    )
    yield* many(statements)
  }
}

function newFlags({ mode, flags }: SetFlagsRequest): Fragment {
  if (mode === 'add') return sql`message.flags | ${flags}`
  return sql`message.flags & ${31 & ~flags}`
}

function flagChange({ mode, flags, only }: SetFlagsRequest, old: number): number {
  if (mode === 'add') return old | flags
  if (mode === 'remove') return old & ~flags
  const open = only?.flags ?? 31
  return (flags & open) | (old & ~open)
}

/** What becomes of a list of keywords, each distinct one computed once. Comparison ignores case; ADD keeps the case that is there. */
function keywordChange({ mode, keywords, only }: SetFlagsRequest): (old: string) => string {
  if (keywords.length === 0 && (mode !== 'replace' || only?.keywords === false)) return (old) => old
  const known = new Map<string, string>()
  const asked = new Map(keywords.map((keyword) => [keyword.toLowerCase(), keyword]))
  const compute = (old: string): string => {
    const present = new Map(old === '' ? [] : old.split(' ').map((word) => [word.toLowerCase(), word]))
    if (mode === 'remove')
      return joined([...present].flatMap(([key, word]) => (asked.has(key) ? [] : [word])))
    if (mode === 'add') return joined([...new Map([...asked, ...present]).values()])
    return joined([...asked.values()])
  }
  return (old) => {
    let changed = known.get(old)
    if (changed === undefined) {
      changed = compute(old)
      known.set(old, changed)
    }
    return changed
  }
}

function joined(words: readonly string[]): string {
  return words.toSorted().join(' ')
}

/** `keywords` as they are stored, parted by spaces. */
export function tooManyKeywords(keywords: string, limits: KeywordLimits): boolean {
  if (keywords.length > limits.keywordLengthPerMessage) return true
  return keywords !== '' && keywords.split(' ').length > limits.keywordsPerMessage
}

/** Rows as columns. */
export function columnsOf(rows: readonly NewRow[]): FlagColumns {
  const uids = new Uint32Array(rows.length)
  const flags = new Uint8Array(rows.length)
  const keywords = new Map<number, string>()
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]
    if (!row) break
    uids[index] = row[0]
    flags[index] = row[1]
    if (row[2] !== '') keywords.set(index, row[2])
  }
  return { uids, flags, keywords }
}

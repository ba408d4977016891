// STORE: flags and keywords of many messages at once.
//
// The new state is computed here from the old one. Very many flags go to blocks (`flag-blocks.ts`); else the rows are written by
// sets: one statement for the flags and one for each distinct list of keywords, as long as those are few. Messages that would
// stay the same are not touched and take no modseq.
import type { AccountId, MailboxId, ModSeq, Uid } from '../model.ts'
import { changed, type Fragment, many, type Op, run, sql, type Stmt } from '../op.ts'
import type { FlagColumns } from '../changes.ts'
import type { Outcome, UidSelection } from '../store.ts'
import { noteDepartures, noteReturns } from './departures.ts'
import {
  dropBlock,
  type FlagBlock,
  foldThese,
  isWorded,
  lastOf,
  type Place,
  putBlock,
  rebuilt,
  writeRow,
} from './flag-blocks.ts'
import { type FlagStates, flagStates, isYounger } from './flag-states.ts'
import { among, type Counts, lockAccount, nextModSeq, noCounts, selectableMailbox } from './rows.ts'

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

/** See `StoreLimits`. */
export interface BlockLimits {
  readonly flagBlockChanges: number
  readonly flagBlockUids: number
}

export interface KeywordLimits {
  readonly keywordsPerMessage: number
  readonly keywordLengthPerMessage: number
}

type NewRow = readonly [uid: number, flags: number, keywords: string]

/** More distinct lists of keywords than this are written row by row: each list costs a scan of the selection. */
const keywordSets = 16

/** See `MailStore.setFlags`. */
export function* setFlags(request: SetFlagsRequest, limits: KeywordLimits & BlockLimits): Op<FlagsSet> {
  const { account, mailbox, unchangedSince } = request
  yield* lockAccount(account)
  const row = yield* selectableMailbox(account, mailbox)
  if (!row) return { ok: false, reason: 'no-such-mailbox' }
  const before = yield* flagStates(request, unchangedSince)
  const words = keywordChange(request)
  const found = changesOf(request, { before, words, limits })
  if (!found) return { ok: false, reason: 'too-many-keywords' }
  const { columns, counts, refused } = found
  const changes = columns.uids.length
  if (changes === 0) return { ok: true, modSeq: row.modseq, columns, refused }
  const modSeq = yield* nextModSeq(account)
  yield* noteDepartures({ account, mailbox, modSeq, uids: found.departing })
  yield* noteReturns({ account, mailbox, modSeq, uids: found.returning })
  const range = found.worded || changes < limits.flagBlockChanges ? undefined : rangeOf(request.uids, changes)
  if (range) {
    // What stands between the ranges goes into the blocks with them.
    const all = request.uids.length === 1 ? before : yield* flagStates({ account, mailbox, uids: [range] })
    yield* changeBlocks(request, { range, before: all, columns, modSeq, longest: limits.flagBlockUids })
  } else {
    yield* foldThese(request, before.blocks)
    yield* write(request, { modSeq, columns, before, words })
  }
  yield* run`UPDATE mailbox SET modseq = ${modSeq}, unseen = unseen + ${counts.unseen},
    deleted = deleted + ${counts.deleted} WHERE account = ${account} AND id = ${mailbox}`
  yield* changed({ type: 'batch', of: 'flags-changed', account, mailbox, modSeq, columns })
  return { ok: true, modSeq, columns, refused }
}

/** Messages that are read for each one that changes, where several ranges are taken for one. */
const widest = 16

/** What blocks are written of: all from the first UID to the last, unless few of many in between change. */
function rangeOf(uids: UidSelection, changes: number): readonly [number, number] | undefined {
  const [range, another] = uids
  const last = uids.at(-1)
  if (!range || !last || !another) return range
  return last[1] - range[0] < changes * widest ? [range[0], last[1]] : undefined
}

interface Found {
  readonly columns: FlagColumns
  readonly counts: Counts
  readonly refused: readonly Uid[]
  /** Keywords of some change. */
  readonly worded: boolean
  /** UIDs of those that get \Deleted, and of those that lose it. */
  readonly departing: readonly number[]
  readonly returning: readonly number[]
}

/** What becomes of the messages; undefined where one would have too many keywords. */
function changesOf(
  request: SetFlagsRequest,
  { before, words, limits }: { before: FlagStates; words: (old: string) => string; limits: KeywordLimits },
): Found | undefined {
  const columns = noColumns(before.uids.length)
  const counts = noCounts()
  const refused: Uid[] = []
  const departing: number[] = []
  const returning: number[] = []
  const wordless = words('') === ''
  let worded = false
  let changes = 0
  for (let index = 0; index < before.uids.length; index++) {
    const uid = before.uids[index] ?? 0
    const state = before.state[index] ?? 0
    if ((state & isYounger) !== 0) {
      // As it came from its row.
      refused.push(uid as Uid)
      continue
    }
    const oldFlags = state & 31
    const flags = flagChange(request, oldFlags)
    if (wordless && (state & isWorded) === 0) {
      if (flags === oldFlags) continue
    } else {
      const oldKeywords = before.keywords.get(uid) ?? ''
      const keywords = words(oldKeywords)
      if (flags === oldFlags && keywords === oldKeywords) continue
      if (keywords !== oldKeywords) {
        if (tooManyKeywords(keywords, limits)) return undefined
        worded = true
      }
      if (keywords !== '') columns.keywords.set(changes, keywords)
    }
    counts.unseen += (oldFlags & 1) - (flags & 1)
    if (((flags ^ oldFlags) & 8) !== 0) {
      counts.deleted += ((flags & 8) - (oldFlags & 8)) / 8
      if ((flags & 8) !== 0) departing.push(uid)
      else returning.push(uid)
    }
    columns.uids[changes] = uid
    columns.flags[changes++] = flags
  }
  return { columns: firstOf(columns, changes), counts, refused, worded, departing, returning }
}

/** To the rows of the messages. */
function* write(
  request: SetFlagsRequest,
  change: { modSeq: ModSeq; columns: FlagColumns; before: FlagStates; words: (old: string) => string },
): Op<void> {
  const { modSeq, columns, before, words } = change
  const lists = [...new Set(['', ...before.keywords.values()])].filter((list) => words(list) !== list)
  if (request.only !== undefined) yield* writeRows(request, { modSeq, columns })
  else if (request.mode === 'replace') yield* writeAlike(request, { modSeq, keywords: words('') })
  else if (lists.length > keywordSets) yield* writeRows(request, { modSeq, columns })
  else yield* writeSets(request, { modSeq, lists, words })
}

/** The same in blocks: `before` is all that is in `range`, and keywords stay. */
function* changeBlocks(
  place: Place,
  change: {
    range: readonly [number, number]
    before: FlagStates
    columns: FlagColumns
    modSeq: ModSeq
    longest: number
  },
): Op<void> {
  const { range, before, columns, modSeq, longest } = change
  const isInside = (block: FlagBlock): boolean => block.first >= range[0] && lastOf(block) <= range[1]
  // What a block at the edge says of messages outside the selection is not known here.
  yield* foldThese(
    place,
    before.blocks.filter((block) => !isInside(block)),
  )
  const old = before.blocks.filter(isInside)
  const outdated = new Set(old.map(({ first }) => first))
  const statements: Stmt<number>[] = []
  for (const made of rebuilt({ before, old, columns, modSeq, longest })) {
    if (made.block) {
      outdated.delete(made.block.first)
      statements.push(putBlock(place, made.block))
    } else statements.push(...made.rows.map((row) => writeRow(place, row)))
  }
  yield* inSlices([...Array.from(outdated, (first) => dropBlock(place, { first })), ...statements])
}

function* inSlices(statements: readonly Stmt<number>[]): Op<void> {
  for (let start = 0; start < statements.length; start += 1_000)
    yield* many(statements.slice(start, start + 1_000))
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

// Flags of very many messages in few rows (docs/decisions/016-flags-in-blocks.md). A change of all messages of a mailbox writes
// blocks and leaves the rows of the messages as they are.
//
// - A block covers a run of UIDs and says of each whether there is such a message, its flags, and its modseq, unless that is still
//   the one in the message's row. It stands before the row. Blocks of a mailbox do not overlap.
// - A message that comes is beyond all blocks. Whoever changes or takes away messages that have a row in `message` writes their blocks
//   back first (`foldBlocks`) or takes them out of the blocks (`forgetInBlocks`); so a block is always exact.
// - Keywords stay in the rows; a block only says that a message has some.
// - Who reads flags or modseqs of `message` with SQL puts what the blocks say over it (`overlay`).
import { Buffer } from 'node:buffer'
import type { AccountId, MailboxId } from '../model.ts'
import { all, many, type Op, run, type Stmt } from '../op.ts'
import type { UidSelection } from '../store.ts'

/** UIDs that a block covers at most: with this many SQLite keeps it on one page of its own. */
export const longestBlock = 2_048
/** Distinct modseqs in a block; an octet tells them apart. */
const mostModSeqs = 200

const flagBits = 31
/** In a state: the message has keywords. The same bit as that of `flagStates`. */
export const isWorded = 64
/** In a state: there is no such message. */
export const isAbsent = 128

export interface FlagBlock {
  /** The UID that the first state is of. */
  readonly first: number
  /** By UID: flags, `isWorded`, `isAbsent`. */
  readonly states: Uint8Array
  /** By UID: 0 where the row's modseq holds (and its flags are the same), else one more than an index in `modSeqs`. */
  readonly sources: Uint8Array | Uint16Array
  readonly modSeqs: readonly number[]
}

export interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
}

interface BlockRow {
  readonly first: number
  readonly states: Uint8Array
}

const highestUid = 0xffff_ffff

/** Reads the blocks from the first to the last of these UIDs (of the mailbox, by default); `blocksOf` makes them of the rows. */
export function blockRows({ account, mailbox }: Place, uids?: UidSelection): Stmt<BlockRow[]> {
  const low = (uids?.[0]?.[0] ?? 1) - longestBlock + 1
  const high = uids?.at(-1)?.[1] ?? highestUid
  return all<BlockRow>`SELECT first, states FROM flag_block
    WHERE account = ${account} AND mailbox = ${mailbox} AND first BETWEEN ${low} AND ${high} ORDER BY first`
}

/** Those blocks that cover any of the UIDs. */
export function blocksOf(rows: readonly BlockRow[], uids?: UidSelection): FlagBlock[] {
  const blocks = rows.map(decodeBlock)
  if (uids === undefined) return blocks
  return blocks.filter((block) => uids.some(([first, last]) => first <= lastOf(block) && last >= block.first))
}

/** The two in one. */
export function* flagBlocks(place: Place, uids?: UidSelection): Op<FlagBlock[]> {
  const rows = yield* blockRows(place, uids)
  return rows.length === 0 ? [] : blocksOf(rows, uids)
}

export function lastOf({ first, states }: Pick<FlagBlock, 'first' | 'states'>): number {
  return first + states.length - 1
}

/** Octets: how many modseqs; each in six, the lowest first; the states; the sources. */
export function encodeBlock({ modSeqs, states, sources }: FlagBlock): Uint8Array {
  const bytes = Buffer.alloc(1 + modSeqs.length * 6 + states.length * 2)
  bytes[0] = modSeqs.length
  for (const [index, modSeq] of modSeqs.entries()) bytes.writeUIntLE(modSeq, 1 + index * 6, 6)
  bytes.set(states, 1 + modSeqs.length * 6)
  bytes.set(sources, 1 + modSeqs.length * 6 + states.length)
  return bytes
}

export function decodeBlock({ first, states: octets }: BlockRow): FlagBlock {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const count = bytes[0] ?? 0
  const start = 1 + count * 6
  const middle = start + (bytes.length - start) / 2
  return {
    first,
    modSeqs: Array.from({ length: count }, (_, index) => bytes.readUIntLE(1 + index * 6, 6)),
    states: bytes.subarray(start, middle),
    sources: bytes.subarray(middle),
  }
}

/** Messages of which the blocks say something else than their rows, in order of UID. */
export function* told(
  blocks: readonly FlagBlock[],
): Generator<{ uid: number; flags: number; modSeq: number }> {
  for (const { first, states, sources, modSeqs } of blocks) {
    for (let at = 0; at < states.length; at++) {
      const state = states[at] ?? isAbsent
      const modSeq = modSeqs[(sources[at] ?? 0) - 1]
      if (modSeq === undefined || (state & isAbsent) !== 0) continue
      yield { uid: first + at, flags: state & flagBits, modSeq }
    }
  }
}

/** Calls `set` with each row, in order of UID, of which a block says something else. */
export function overlay<Row>(
  rows: readonly Row[],
  blocks: readonly FlagBlock[],
  { uidOf, set }: { uidOf: (row: Row) => number; set: (row: Row, flags: number, modSeq: number) => void },
): void {
  let next = 0
  let block = blocks[next]
  for (const row of rows) {
    const uid = uidOf(row)
    while (block !== undefined && lastOf(block) < uid) block = blocks[++next]
    if (block === undefined) return
    const at = uid - block.first
    const modSeq = at < 0 ? undefined : block.modSeqs[(block.sources[at] ?? 0) - 1]
    if (modSeq !== undefined) set(row, (block.states[at] ?? 0) & flagBits, modSeq)
  }
}

/** What is to be written of a run of messages: a block, or rows. */
export type Rebuilt =
  | { readonly block: FlagBlock }
  | { readonly block: null; readonly rows: readonly { uid: number; flags: number; modSeq: number }[] }

/** UIDs for each changed one beyond which a block is not worth its room. */
const sparsest = 64

/**
 * New blocks for all messages of `before` with the flags that `columns` gives some of them at `modSeq`. `old`: the blocks that
 * say something of these messages. Of `longest` UIDs at most, cut at multiples of that.
 */
export function* rebuilt(request: {
  before: { readonly uids: Uint32Array; readonly state: Uint8Array }
  old: readonly FlagBlock[]
  columns: { readonly uids: Uint32Array; readonly flags: Uint8Array }
  modSeq: number
  longest: number
}): Generator<Rebuilt> {
  const { before, old, columns, modSeq, longest } = request
  const { uids, state } = before
  const said = told(old)
  let word = said.next()
  let change = 0
  for (let start = 0, end = 0; start < uids.length; start = end) {
    const first = uids[start] ?? 0
    const limit = (Math.floor(first / longest) + 1) * longest
    while (end < uids.length && (uids[end] ?? 0) < limit) end++
    const builder = new BlockBuilder(first, uids[end - 1] ?? first)
    let changes = 0
    for (let index = start; index < end; index++) {
      const uid = uids[index] ?? 0
      const worded = (state[index] ?? 0) & isWorded
      let known: number | undefined
      for (; !word.done && word.value.uid <= uid; word = said.next()) {
        if (word.value.uid === uid) known = word.value.modSeq
      }
      if (columns.uids[change] === uid) {
        builder.put(uid, (columns.flags[change++] ?? 0) | worded, modSeq)
        changes++
      } else builder.put(uid, (state[index] ?? 0) & (flagBits | isWorded), known)
    }
    const block = builder.take()
    if (block.modSeqs.length === 0) continue
    const onlyNew = block.modSeqs.length === 1 && block.modSeqs[0] === modSeq
    const sparse = onlyNew && changes * sparsest < block.states.length
    if (!sparse && block.modSeqs.length <= mostModSeqs) yield { block }
    else yield { block: null, rows: [...told([block])] }
  }
}

/** A block on its way. */
class BlockBuilder {
  readonly #first: number
  readonly #states: Uint8Array
  readonly #sources: Uint16Array
  readonly #modSeqs: number[] = []

  /** Of the UIDs from the first to the last. */
  constructor(first: number, last: number) {
    this.#first = first
    this.#states = new Uint8Array(last - first + 1).fill(isAbsent)
    this.#sources = new Uint16Array(last - first + 1)
  }

  /** `modSeq`: that of the row where undefined. */
  put(uid: number, state: number, modSeq: number | undefined): void {
    const at = uid - this.#first
    this.#states[at] = state
    if (modSeq === undefined) return
    const modSeqs = this.#modSeqs
    let index = modSeqs.length - 1
    while (index >= 0 && modSeqs[index] !== modSeq) index--
    this.#sources[at] = index === -1 ? modSeqs.push(modSeq) : index + 1
  }

  take(): FlagBlock {
    const [first, states, sources, modSeqs] = [this.#first, this.#states, this.#sources, this.#modSeqs]
    return { first, states, sources, modSeqs }
  }
}

/** Keeps a block in the place of the one that starts with the same UID. */
export function putBlock({ account, mailbox }: Place, block: FlagBlock): Stmt<number> {
  return run`INSERT INTO flag_block (account, mailbox, first, states)
    VALUES (${account}, ${mailbox}, ${block.first}, ${encodeBlock(block)})
    ON CONFLICT (account, mailbox, first) DO UPDATE SET states = excluded.states`
}

export function dropBlock({ account, mailbox }: Place, { first }: { first: number }): Stmt<number> {
  return run`DELETE FROM flag_block WHERE account = ${account} AND mailbox = ${mailbox} AND first = ${first}`
}

export function writeRow(
  { account, mailbox }: Place,
  { uid, flags, modSeq }: { uid: number; flags: number; modSeq: number },
): Stmt<number> {
  return run`UPDATE message SET flags = ${flags}, modseq = ${modSeq}
    WHERE account = ${account} AND mailbox = ${mailbox} AND uid = ${uid}`
}

/** Writes what the blocks that cover any of these UIDs say into the rows of the messages, and drops the blocks. */
export function* foldBlocks(place: Place, uids?: UidSelection): Op<void> {
  yield* foldThese(place, yield* flagBlocks(place, uids))
}

const rowsAtOnce = 1_000

/** The same for blocks that were read. */
export function* foldThese(place: Place, blocks: readonly FlagBlock[]): Op<void> {
  if (blocks.length === 0) return
  let rows: Stmt<number>[] = []
  for (const { uid, flags, modSeq } of told(blocks)) {
    rows.push(writeRow(place, { uid, flags, modSeq }))
    if (rows.length < rowsAtOnce) continue
    yield* many(rows)
    rows = []
  }
  yield* many([...rows, ...blocks.map((block) => dropBlock(place, block))])
}

/** Takes messages that go out of their blocks; UIDs ascend. */
export function* forgetInBlocks(
  place: Place,
  { blocks, uids }: { blocks: readonly FlagBlock[]; uids: readonly number[] },
): Op<void> {
  const gone = new Set(uids)
  const statements: Stmt<number>[] = []
  for (const block of blocks) {
    const states = Uint8Array.from(block.states, (state, at) =>
      gone.has(block.first + at) ? isAbsent : state,
    )
    const needed = states.some((state, at) => (state & isAbsent) === 0 && (block.sources[at] ?? 0) !== 0)
    statements.push(needed ? putBlock(place, { ...block, states }) : dropBlock(place, block))
  }
  if (statements.length > 0) yield* many(statements)
}

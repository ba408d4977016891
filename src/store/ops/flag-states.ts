// Flags of many messages as they are, from blocks (`flag-blocks.ts`) where there are some and from the rows where there are none.
//
// A mailbox whose messages are all in blocks is read without touching the rows of the messages.
import { type Op, sql, tuples } from '../op.ts'
import type { UidSelection } from '../store.ts'
import {
  blocksOf,
  blockRows,
  type FlagBlock,
  isAbsent,
  isWorded,
  lastOf,
  overlay,
  type Place,
} from './flag-blocks.ts'
import { among, packedColumn } from './rows.ts'

/** A bit above the flags in a state: the message is younger than was asked for. `isWorded` is another. */
export const isYounger = 32
/** A UID and its state in one number: below 2^39. */
const stateSize = 128
const highestUid = 0xffff_ffff

/** In order of UID; arrays of equal length. */
export interface FlagStates {
  readonly uids: Uint32Array
  /** Flags, `isYounger`, `isWorded`. */
  readonly state: Uint8Array
  /** By UID, of those that have any. */
  readonly keywords: ReadonlyMap<number, string>
  /** Those that cover any of the UIDs that were asked for. */
  readonly blocks: readonly FlagBlock[]
}

type Selected = Place & { readonly uids?: UidSelection }

/** Younger are those with a modseq beyond `unchangedSince`. */
export function* flagStates(place: Selected, unchangedSince?: number): Op<FlagStates> {
  const { uids } = place
  const rows = yield* blockRows(place, uids)
  const blocks = rows.length === 0 ? [] : blocksOf(rows, uids)
  const [range = [1, highestUid]] = uids ?? []
  const atOnce = blocks.length > 0 && unchangedSince === undefined && (uids?.length ?? 1) === 1
  const found = atOnce
    ? merged(yield* packedStates({ ...place, uids: gaps(blocks, range) }), blocks, range)
    : overlaid(yield* packedStates(place, unchangedSince), blocks, unchangedSince)
  let bits = 0
  for (const state of found.state) bits |= state
  const texts =
    (bits & isWorded) === 0
      ? []
      : yield* tuples<[uid: number, keywords: string]>`
          SELECT uid, keywords FROM message WHERE ${among(place)} AND message.keywords <> '' ORDER BY uid`
  return { ...found, keywords: new Map(texts), blocks }
}

/** One number for each row, and no texts. */
function* packedStates(place: Selected, unchangedSince: number = Number.MAX_SAFE_INTEGER): Op<number[]> {
  if (place.uids?.length === 0) return []
  return yield* packedColumn(sql`
    SELECT uid, uid * 128 + flags + CASE WHEN modseq > ${unchangedSince} THEN 32 ELSE 0 END
      + CASE WHEN keywords <> '' THEN 64 ELSE 0 END AS packed
    FROM message WHERE ${among(place)} ORDER BY uid`)
}

type Columns = Pick<FlagStates, 'uids' | 'state'>

/** What no block covers. */
export function gaps(blocks: readonly FlagBlock[], [low, high]: readonly [number, number]): UidSelection {
  const open: [number, number][] = []
  let next = low
  for (const block of blocks) {
    if (block.first > next) open.push([next, block.first - 1])
    next = lastOf(block) + 1
  }
  if (next <= high) open.push([next, high])
  return open
}

/** The rows between the blocks, and the messages in them. */
function merged(
  packed: readonly number[],
  blocks: readonly FlagBlock[],
  [low, high]: readonly [number, number],
): Columns {
  const most = blocks.reduce((sum, { states }) => sum + states.length, packed.length)
  const uids = new Uint32Array(most)
  const state = new Uint8Array(most)
  let length = 0
  let next = 0
  const rowsBelow = (end: number): void => {
    for (; next < packed.length && (packed[next] ?? 0) < end * stateSize; next++) {
      const row = packed[next] ?? 0
      const bits = row % stateSize
      uids[length] = (row - bits) / stateSize
      state[length++] = bits
    }
  }
  for (const { first, states } of blocks) {
    rowsBelow(first)
    const end = Math.min(states.length, high - first + 1)
    for (let at = Math.max(0, low - first); at < end; at++) {
      const bits = states[at] ?? isAbsent
      if ((bits & isAbsent) !== 0) continue
      uids[length] = first + at
      state[length++] = bits
    }
  }
  rowsBelow(Infinity)
  return { uids: uids.subarray(0, length), state: state.subarray(0, length) }
}

/** The rows with what the blocks say of them. */
function overlaid(
  packed: readonly number[],
  blocks: readonly FlagBlock[],
  unchangedSince: number = Number.MAX_SAFE_INTEGER,
): Columns {
  const uids = new Uint32Array(packed.length)
  const state = new Uint8Array(packed.length)
  for (let index = 0; index < packed.length; index++) {
    const row = packed[index] ?? 0
    const bits = row % stateSize
    uids[index] = (row - bits) / stateSize
    state[index] = bits
  }
  if (blocks.length === 0) return { uids, state }
  overlay([...uids.keys()], blocks, {
    uidOf: (index) => uids[index] ?? 0,
    set(index, flags, modSeq) {
      const worded = (state[index] ?? 0) & isWorded
      state[index] = flags | worded | (modSeq > unchangedSince ? isYounger : 0)
    },
  })
  return { uids, state }
}

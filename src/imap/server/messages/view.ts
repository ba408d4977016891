// What one session knows of its mailbox: which message has which sequence number, and the flags as they are.
//
// - Arrays, not objects: five octets for a message, and a map for the few that have keywords. They are loaded when first needed, and
//   given back (`unload`) where nothing is pending; between the two only additions are told, by their number.
// - Who loads them brings the messages as of the last telling before: numbers are then what they were. Of a message that was expunged
//   meanwhile nothing else is left, it has no flags.
// - Sequence numbers change only in `takeExpunged`, which the session calls where RFC 3501 §7.4.1 lets it tell them. Until then a
//   message that was expunged elsewhere keeps its number and its last flags, and is `isGone`.
// - Flags are always those of the last change heard of; that a client has not been told yet is kept beside (`takeFlags`).
// - UIDs ascend; a message that came and went before it was told never existed here.
//
// Changes come in any number between two tellings; what is pending is bounded by the size of the mailbox.
import { recentBit } from '../../proto/encode/flags.ts'
import { mergeRanges } from '../../proto/grammar/sequence-set.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { ModSeq } from '../../../store/model.ts'
import type { FlagColumns, UidSelection } from '../../../store/store.ts'

/** A view as the store loads it. */
export interface LoadedView {
  readonly uids: Uint32Array
  readonly flags: Uint8Array
  /** By index, of those messages that have any. */
  readonly keywords: ReadonlyMap<number, string>
}

/** Changes of fewer messages are applied one by one. */
const fewChanges = 100

/** Changes of many messages that wait to be told, before they are kept by message. */
const mostBatches = 4

/** Ranges of \Recent messages beyond which the arrays are no larger. */
const mostRecentRanges = 500

const none: LoadedView = { uids: new Uint32Array(0), flags: new Uint8Array(0), keywords: new Map() }

const nothingKnown = { messages: 0, recentFrom: Infinity }

/** One session's view of one mailbox. Indexes count from 0; a sequence number is an index and one. */
export class View {
  #uids = none.uids
  #flags = none.flags
  /** By UID: it stays what it is when numbers change. */
  #keywords = new Map<number, string>()
  #length = 0
  /** UIDs that the client has been told of or that are pending are all below. */
  #nextUid: number
  #gone = new Set<number>()
  #dirty = new Map<number, ModSeq>()
  /** Those of them that changed more than once. */
  #dirtyTwice = new Set<number>()
  /** The same for changes of many messages at once; UIDs ascend. A message may be in several, and in the map. */
  #dirtyBatches: { readonly uids: Uint32Array; readonly modSeq: ModSeq }[] = []
  /** Came, and have no number yet; in order of UID. */
  #added = new Map<number, { flags: number; keywords: string }>()
  /** Flags that changed before the arrays were here. */
  #early = new Map<number, { flags: number; keywords: string; modSeq: ModSeq }>()
  #loaded = false
  /** UIDs of the \Recent, while the arrays are not here, and how many messages have them; null: not known. */
  #recentUids: [first: number, last: number][] = []
  #recentCount: number | null = 0

  /** `uidNext` as it was when the mailbox was opened: later messages are additions. Messages from `recentFrom` on are \Recent. */
  constructor(uidNext: number, opened: { messages: number; recentFrom: number } = nothingKnown) {
    const { messages, recentFrom } = opened
    this.#nextUid = uidNext
    this.#length = messages
    if (recentFrom >= uidNext || messages === 0) return
    this.#recentUids = [[recentFrom, uidNext - 1]]
    this.#recentCount = recentFrom <= 1 ? messages : null
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** Messages that have a sequence number. */
  get length(): number {
    return this.#length
  }

  /** Takes the arrays. Changes heard of before are applied again: they may or may not be in them. */
  load(loaded: LoadedView): void {
    const view = this.#withForgotten(loaded)
    const early = [...this.#early]
    this.#early.clear()
    this.#uids = view.uids
    this.#flags = view.flags
    for (const [index, keywords] of view.keywords) this.#keywords.set(this.uid(index), keywords)
    this.#length = view.uids.length
    this.#loaded = true
    for (const [first, last] of this.indexesOf(this.#recentUids))
      for (let index = first; index <= last; index++) this.#mark(index, recentBit)
    this.#recentUids = []
    for (const [uid, { flags, keywords, modSeq }] of early)
      this.setFlags({ uid, flags, keywords, modSeq, told: false })
    for (const uid of this.#gone) if (this.indexOf(uid) === -1) this.#gone.delete(uid)
  }

  /** With messages that went since, of which the store remembers nothing any more. They were heard of, and are the lowest of the gone. */
  #withForgotten(view: LoadedView): LoadedView {
    const missing = this.#length - view.uids.length
    if (missing <= 0 || this.#gone.size === 0) return view
    const there = new Set(view.uids)
    const forgotten = [...this.#gone].filter((uid) => !there.has(uid)).toSorted((a, b) => a - b)
    const known = new Map(Array.from(view.uids, (uid, index) => [uid, index]))
    const uids = Uint32Array.from([...view.uids, ...forgotten.slice(0, missing)]).sort()
    const keywords = new Map<number, string>()
    const flags = Uint8Array.from(uids, (uid, index) => {
      const before = known.get(uid) ?? -1
      const words = view.keywords.get(before)
      if (words !== undefined) keywords.set(index, words)
      return view.flags[before] ?? 0
    })
    return { uids, flags, keywords }
  }

  /** Gives the arrays back. False: they are needed, since something is pending, or no larger than what would take their place. */
  unload(): boolean {
    if (!this.#loaded || this.pending) return false
    const recent = this.#rangesOfRecent()
    if (recent.length > mostRecentRanges) return false
    this.#recentCount = this.recent
    this.#recentUids = recent
    this.#uids = none.uids
    this.#flags = none.flags
    this.#keywords = new Map()
    this.#dirtyTwice.clear()
    this.#loaded = false
    return true
  }

  #rangesOfRecent(): [first: number, last: number][] {
    const ranges: [number, number][] = []
    let open: [number, number] | null = null
    for (let index = 0; index < this.#length; index++) {
      if ((this.flags(index) & recentBit) === 0) open = null
      else if (open !== null) open[1] = this.uid(index)
      else ranges.push((open = [this.uid(index), this.uid(index)]))
    }
    return ranges
  }

  #mark(index: number, bits: number): void {
    this.#flags[index] = (this.#flags[index] ?? 0) | bits
  }

  /** The UID at an index. */
  uid(index: number): number {
    return this.#uids[index] ?? 0
  }

  /** Bits of the system flags, and `recentBit`. */
  flags(index: number): number {
    return this.#flags[index] ?? 0
  }

  /** Space separated, or ''. */
  keywords(uid: number): string {
    return this.#keywords.size === 0 ? '' : (this.#keywords.get(uid) ?? '')
  }

  /** Expunged, and the client has not been told. */
  isGone(uid: number): boolean {
    return this.#gone.has(uid)
  }

  get anyGone(): boolean {
    return this.#gone.size > 0
  }

  /** Messages marked \Recent; null where that is not known before the arrays are here. */
  get recent(): number | null {
    if (!this.#loaded) return this.#recentCount
    let count = 0
    for (let index = 0; index < this.#length; index++)
      if (((this.#flags[index] ?? 0) & recentBit) !== 0) count++
    return count
  }

  /** The largest UID, or the one before the next to come in an empty mailbox; what `*` means (RFC 3501 §9). */
  get largestUid(): number {
    const last = this.#loaded ? this.#length : 0
    return last === 0 ? Math.max(1, this.#nextUid - 1) : this.uid(last - 1)
  }

  /** The next message's UID is this one or a larger one. */
  get nextUid(): number {
    return this.#nextUid
  }

  /** The index of a UID, or -1. */
  indexOf(uid: number): number {
    const index = this.#lowerBound(uid)
    return index < this.#length && this.#uids[index] === uid ? index : -1
  }

  #lowerBound(uid: number): number {
    let low = 0
    let high = this.#loaded ? this.#length : 0
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Ranges of UIDs as ranges of indexes, empty ones left out. */
  indexesOf(uids: Ranges): Ranges {
    const ranges: (readonly [number, number])[] = []
    for (const [first, last] of uids) {
      const from = this.#lowerBound(first)
      const to = this.#lowerBound(last + 1) - 1
      if (from <= to) ranges.push([from, to])
    }
    return ranges
  }

  /** Ranges of indexes as what the store takes; UIDs between two neighbours belong to nobody. */
  selection(indexes: Ranges): UidSelection {
    return mergeRanges(indexes.map(([first, last]): [number, number] => [this.uid(first), this.uid(last)]))
  }

  // Changes

  /** A message came. */
  add(message: { uid: number; flags: number; keywords: string }): void {
    if (message.uid < this.#nextUid) return
    this.#nextUid = message.uid + 1
    this.#added.set(message.uid, { flags: message.flags, keywords: message.keywords })
  }

  /** Flags changed. `told`: the client knows already, or does not want to. */
  setFlags(change: { uid: number; flags: number; keywords: string; modSeq: ModSeq; told: boolean }): void {
    const { uid, flags, keywords, modSeq, told } = change
    if (this.#added.has(uid)) {
      this.#added.set(uid, { flags, keywords })
      return
    }
    if (!this.#loaded) {
      this.#early.set(uid, { flags, keywords, modSeq })
      return
    }
    const index = this.indexOf(uid)
    // The answer to an own change may come after word of a later one.
    if (index === -1 || (this.#dirty.get(uid) ?? 0) > modSeq) return
    this.#flags[index] = (this.flags(index) & recentBit) | flags
    if (keywords === '') this.#keywords.delete(uid)
    else this.#keywords.set(uid, keywords)
    if (!told) return this.#markDirty(uid, modSeq)
    this.#dirty.delete(uid)
    this.#dirtyTwice.delete(uid)
  }

  #markDirty(uid: number, modSeq: ModSeq): void {
    const pending = this.#dirty.get(uid)
    if (pending !== undefined && pending !== modSeq) this.#dirtyTwice.add(uid)
    if (pending === undefined || pending < modSeq) this.#dirty.set(uid, modSeq)
  }

  /** The same for many, all with one modseq; UIDs ascend. */
  setManyFlags(change: { columns: FlagColumns; modSeq: ModSeq; told: boolean }): void {
    const { columns, modSeq, told } = change
    const { uids, flags, keywords } = columns
    const few = uids.length < fewChanges || !this.#loaded || this.#added.size > 0 || this.#isNewer(modSeq)
    if (few) {
      for (const [index, uid] of uids.entries())
        this.setFlags({ uid, flags: flags[index] ?? 0, keywords: keywords.get(index) ?? '', modSeq, told })
      return
    }
    let index = this.#lowerBound(uids[0] ?? 0)
    for (let at = 0; at < uids.length; at++) {
      const uid = uids[at] ?? 0
      while (index < this.#length && (this.#uids[index] ?? 0) < uid) index++
      if (this.#uids[index] !== uid || index >= this.#length) continue
      this.#flags[index] = (this.flags(index) & recentBit) | (flags[at] ?? 0)
      if (keywords.size === 0 && this.#keywords.size === 0) continue
      const words = keywords.get(at) ?? ''
      if (words === '') this.#keywords.delete(uid)
      else this.#keywords.set(uid, words)
    }
    if (told) this.markTold(modSeq)
    else this.#dirtyBatches.push({ uids, modSeq })
    // What waits for a client that is not told is bounded by the mailbox.
    if (this.#dirtyBatches.length > mostBatches) this.#foldBatches()
  }

  /** Whether something newer is pending. */
  #isNewer(modSeq: ModSeq): boolean {
    for (const pending of this.#dirty.values()) if (pending > modSeq) return true
    return this.#dirtyBatches.some((batch) => batch.modSeq > modSeq)
  }

  /** A change of our own, of which the client knows. What others did to the same messages before is still to be told. */
  markTold(modSeq: ModSeq): void {
    this.#dirtyBatches = this.#dirtyBatches.filter((batch) => batch.modSeq !== modSeq)
    for (const [uid, pending] of this.#dirty)
      if (pending === modSeq && !this.#dirtyTwice.has(uid)) this.#dirty.delete(uid)
  }

  /** These were removed. */
  expunge(uids: Iterable<number>): void {
    for (const uid of uids) {
      if (this.#added.delete(uid)) continue
      if (!this.#loaded || this.indexOf(uid) !== -1) this.#gone.add(uid)
    }
  }

  /** The mailbox itself was removed, and every message with it. */
  expungeAll(): void {
    this.#added.clear()
    if (!this.#loaded) return
    for (let index = 0; index < this.#length; index++) this.#gone.add(this.uid(index))
  }

  /** Whether there is anything to tell. */
  get pending(): boolean {
    if (this.#gone.size > 0 || this.#dirty.size > 0 || this.#dirtyBatches.length > 0) return true
    return this.#added.size > 0 || this.#early.size > 0
  }

  /** Whether all that is pending are messages that came, and the client can be told of them without the arrays. */
  get needsNoArrays(): boolean {
    if (this.#loaded || this.#gone.size > 0 || this.#early.size > 0) return false
    return this.#recentUids.length < mostRecentRanges
  }

  // Tellings

  /** Takes the expunged out: their sequence numbers, the highest first, so that each is right when told in order; their UIDs ascend. */
  takeExpunged(): { numbers: number[]; uids: number[] } {
    const numbers: number[] = []
    const uids: number[] = []
    if (this.#gone.size === 0) return { numbers, uids }
    let kept = 0
    for (let index = 0; index < this.#length; index++) {
      const uid = this.uid(index)
      if (this.#gone.has(uid)) {
        numbers.push(index + 1)
        uids.push(uid)
        this.#keywords.delete(uid)
        this.#dirty.delete(uid)
        this.#dirtyTwice.delete(uid)
        continue
      }
      this.#uids[kept] = uid
      this.#flags[kept] = this.flags(index)
      kept++
    }
    this.#length = kept
    this.#gone.clear()
    return { numbers: numbers.reverse(), uids }
  }

  /** Whether messages came that have no number yet. */
  get anyAdded(): boolean {
    return this.#added.size > 0
  }

  /** Whether flags changed that the client does not know. */
  get anyFlags(): boolean {
    return this.#dirty.size > 0 || this.#dirtyBatches.length > 0
  }

  /** Gives the added their numbers, and \Recent to those that `isRecent` says. How many they were. */
  takeAdded(isRecent: (uid: number) => boolean): number {
    const added = this.#added
    if (added.size === 0) return 0
    this.#added = new Map()
    if (!this.#loaded) {
      this.#length += added.size
      for (const uid of added.keys()) if (isRecent(uid)) this.#keepRecent(uid)
      return added.size
    }
    this.#reserve(this.#length + added.size)
    for (const [uid, { flags, keywords }] of added) {
      this.#uids[this.#length] = uid
      this.#flags[this.#length] = isRecent(uid) ? flags | recentBit : flags
      if (keywords !== '') this.#keywords.set(uid, keywords)
      this.#length++
    }
    return added.size
  }

  #keepRecent(uid: number): void {
    const last = this.#recentUids.at(-1)
    if (last !== undefined && last[1] + 1 === uid) last[1] = uid
    else this.#recentUids.push([uid, uid])
    if (this.#recentCount !== null) this.#recentCount++
  }

  /** Indexes of messages whose flags the client does not know, ascending, each with the modseq of the change. */
  takeFlags(): (readonly [index: number, modSeq: ModSeq])[] {
    this.#foldBatches()
    const taken: (readonly [number, ModSeq])[] = []
    for (const [uid, modSeq] of this.#dirty) {
      const index = this.indexOf(uid)
      if (index !== -1) taken.push([index, modSeq])
    }
    this.#dirty.clear()
    this.#dirtyTwice.clear()
    return taken.sort((a, b) => a[0] - b[0])
  }

  #foldBatches(): void {
    for (const { uids, modSeq } of this.#dirtyBatches) {
      for (const uid of uids) this.#markDirty(uid, modSeq)
    }
    this.#dirtyBatches = []
  }

  #reserve(length: number): void {
    if (length <= this.#uids.length) return
    const capacity = Math.max(length, this.#uids.length + (this.#uids.length >> 2) + 16)
    const uids = new Uint32Array(capacity)
    uids.set(this.#uids.subarray(0, this.#length))
    this.#uids = uids
    const flags = new Uint8Array(capacity)
    flags.set(this.#flags.subarray(0, this.#length))
    this.#flags = flags
  }
}

// Which segments are merged: eight of a size into one of the next size, with the smaller ones between them, the newest first, so that
// an account has few of them and each email is written again only a handful of times.
import type { SearchSegment } from '../store/search-index.ts'

const fanIn = 8
/** So many in a row are merged whatever their sizes. */
const tooMany = 24

/** Neighbours to merge, in order; undefined where all is well. `most`: emails of a merged segment. */
export function planMerge(
  segments: readonly SearchSegment[],
  most: number,
): readonly SearchSegment[] | undefined {
  let run = 0
  let emails = 0
  for (let tier = 0; run < segments.length; tier++) {
    let ofTier = 0
    let isFull = false
    while (run < segments.length) {
      const next = segments[segments.length - 1 - run]
      if (next === undefined || tierOf(next) > tier) break
      // A stretch that is large enough stays, and what is before it, too.
      isFull = emails + next.emails > most
      if (isFull) break
      if (tierOf(next) === tier) ofTier++
      emails += next.emails
      run++
    }
    if (ofTier >= fanIn || run >= tooMany) return segments.slice(segments.length - run)
    if (isFull) return undefined
  }
  return undefined
}

function tierOf({ emails }: SearchSegment): number {
  return Math.floor(Math.log2(Math.max(1, emails)) / Math.log2(fanIn))
}

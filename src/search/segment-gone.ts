// A row of a segment that is not there any more: a merge took its place. Whoever reads starts again with the new list of segments.

/** Expected, and answered by reading again. */
export class SegmentGone extends Error {
  override name = 'SegmentGone'
}

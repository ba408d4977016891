// How many lanes a destination gets: slow start, then additive increase, halved on its failures (docs/queue.md, "Learning
// lanes"). As TCP meets congestion, with a lane for a segment.

export interface LaneWindow {
  /** Lanes allowed; a fraction counts towards the next one. At least 1. */
  readonly size: number
  /** Below it every success adds a lane, above it one success of each lane does. */
  readonly threshold: number
}

export const openWindow = (initial: number): LaneWindow => ({
  size: Math.max(1, initial),
  threshold: Number.POSITIVE_INFINITY,
})

/** The destination took a message. */
export function widen(window: LaneWindow, most: number): LaneWindow {
  const step = window.size < window.threshold ? 1 : 1 / window.size
  return { size: Math.max(1, Math.min(most, window.size + step)), threshold: window.threshold }
}

/** The destination failed, not one recipient or one message. */
export function narrow(window: LaneWindow): LaneWindow {
  const half = Math.max(1, window.size / 2)
  return { size: half, threshold: half }
}

/** Whole lanes. */
export function lanesOf(window: LaneWindow, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(window.size)))
}

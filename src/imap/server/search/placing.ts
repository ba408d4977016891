// Where the messages of a view are in columns that are in order of UID: both ascend, so that one walk through them finds all.
import type { Growing } from './facts/growing.ts'
import type { View } from '../messages/view.ts'

/** By index of the view the place in `uids`, or -1: that message is not there. */
export function place(view: View, uids: Pick<Growing<Float64Array>, 'length' | 'at'>): Int32Array {
  const places = new Int32Array(view.length)
  let at = 0
  for (let index = 0; index < places.length; index++) {
    const uid = view.uid(index)
    while (at < uids.length && uids.at(at) < uid) at++
    places[index] = at < uids.length && uids.at(at) === uid ? at : -1
  }
  return places
}

/** By index of the view the value beside its UID, or 0. */
export function placeValues(view: View, uids: Uint32Array, values: Float64Array): Float64Array {
  const placed = new Float64Array(view.length)
  let at = 0
  for (let index = 0; index < placed.length; index++) {
    const uid = view.uid(index)
    while (at < uids.length && (uids[at] ?? 0) < uid) at++
    if (uids[at] === uid) placed[index] = values[at] ?? 0
  }
  return placed
}

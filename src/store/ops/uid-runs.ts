// UIDs as ranges.

/** Ascending numbers as inclusive ranges without gaps. */
export function runsOf(uids: readonly number[]): [first: number, last: number][] {
  const runs: [number, number][] = []
  for (const uid of uids) {
    const last = runs.at(-1)
    if (last?.[1] === uid - 1) last[1] = uid
    else runs.push([uid, uid])
  }
  return runs
}

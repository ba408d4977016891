// Sizes as people write them: `512`, `512 B`, `64 KB`, `50 MB`, `1 GB`. In the program a size is always a number of
// octets. KB, MB, GB and TB step by 1024, as mail servers count; KiB, MiB, GiB and TiB say the same more exactly.
// Refuses signs, unknown units and what a double can't hold exactly.

const units: readonly (readonly [name: string, octets: number])[] = [
  ['TB', 1_099_511_627_776],
  ['GB', 1_073_741_824],
  ['MB', 1_048_576],
  ['KB', 1_024],
]

const pattern = /^(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt])i?)?b?$/i

/** Octets, or undefined where the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const letter = match[2]?.toUpperCase()
  const factor = letter === undefined ? 1 : units.find(([name]) => name[0] === letter)?.[1]
  const octets = Math.round(Number(match[1]) * (factor ?? Number.NaN))
  return Number.isSafeInteger(octets) ? octets : undefined
}

/** The largest unit that needs no rounding: `52_428_800` gives `50 MB`, 1000 gives `1000 B`. */
export function formatSize(octets: number): string {
  for (const [name, length] of units) {
    if (octets >= length && octets % length === 0) return `${octets / length} ${name}`
  }
  return `${octets} B`
}

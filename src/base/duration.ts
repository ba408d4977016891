// Durations as people write them: `250ms`, `30s`, `5m`, `2h`, `5d`, `1w`, and sums such as `1h30m`. In the program a
// duration is always a number of milliseconds. Refuses signs, bare numbers, repeated units and anything longer than
// the integers that a double holds exactly.

const units: readonly (readonly [name: string, milliseconds: number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]

const term = /(\d{1,15}(?:\.\d{1,3})?) ?(ms|[wdhms])/y
const longestText = 64

/** Milliseconds, or undefined where the text is no duration. Units go from large to small, each at most once. */
export function parseDuration(text: string): number | undefined {
  if (text.length > longestText) return undefined
  let total = 0
  let lastUnit = -1
  let at = 0
  while (at < text.length) {
    term.lastIndex = at
    const match = term.exec(text)
    if (match === null) return undefined
    const unit = units.findIndex(([name]) => name === match[2])
    const milliseconds = units[unit]?.[1]
    if (milliseconds === undefined || unit <= lastUnit) return undefined
    total += Number(match[1]) * milliseconds
    lastUnit = unit
    at = term.lastIndex
    if (text[at] === ' ' && at + 1 < text.length) at++
  }
  const rounded = Math.round(total)
  return at > 0 && Number.isSafeInteger(rounded) ? rounded : undefined
}

/** The shortest exact form that `parseDuration` reads back: `90_000` gives `1m30s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds))
  let text = ''
  for (const [name, length] of units) {
    // Weeks are read but not written: nobody says `1w3d` for ten days.
    if (name === 'w') continue
    const amount = Math.floor(rest / length)
    if (amount === 0) continue
    text += `${amount}${name}`
    rest -= amount * length
  }
  return text === '' ? '0s' : text
}

/** What interfaces take: milliseconds, or a text for `parseDuration`. Throws a RangeError where it is neither. */
export function milliseconds(duration: number | string): number {
  const value = typeof duration === 'number' ? duration : parseDuration(duration)
  if (value === undefined || !(value >= 0)) throw new RangeError(`not a duration: ${duration}`)
  return value
}

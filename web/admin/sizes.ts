// Sizes as people write them, in the command line's words: "2 GB", "500 kB", nothing for no limit.
const units: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** Octets; null: no limit; undefined: no size. */
export function trySize(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.toLowerCase() === 'unlimited') return null
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(trimmed) ?? []
  const factor = units[unit.toUpperCase()]
  return amount === '' || factor === undefined ? undefined : Math.round(Number(amount) * factor)
}

/** The number; null: no limit; undefined: no number. */
export function tryAmount(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.toLowerCase() === 'unlimited') return null
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : undefined
}

/** As `trySize` reads it, without loss. */
export function writeSize(octets: number | null): string {
  if (octets === null) return ''
  for (const [unit, factor] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (octets >= factor && octets % (factor / 10) === 0) return `${octets / factor} ${unit}`
  }
  return String(octets)
}

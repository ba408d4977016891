// Sizes of quotas as the command line takes them: "2 GB", "500 KB", stepping by 1024; nothing for no limit.
import { formatSize } from '../shared/format.ts'

const kilobyte = 1024
const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: kilobyte,
  MB: kilobyte ** 2,
  GB: kilobyte ** 3,
  TB: kilobyte ** 4,
}

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

/** As `trySize` reads it, without loss; nothing for no limit. */
export function writeSize(octets: number | null): string {
  if (octets === null) return ''
  for (const unit of ['TB', 'GB', 'MB', 'KB']) {
    const factor = units[unit] ?? 1
    if (octets >= factor && octets % (factor / 4) === 0) return `${octets / factor} ${unit}`
  }
  return String(octets)
}

/** A quota as it was written where that is short, else rounded. */
export function quotaInWords(octets: number): string {
  const written = writeSize(octets)
  return written.length > 9 ? formatSize(octets) : written
}

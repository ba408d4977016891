// The progress of an import or export on a terminal: a bar, messages, octets, rate, and how long it will still take.
import type { Clock } from '../base/clock.ts'
import { humanSize, type Io } from './io.ts'

export interface TransferState {
  readonly folder: string
  readonly messages: number
  readonly bytes: number
  readonly totalMessages: number | null
  readonly totalBytes: number | null
}

export interface TransferBar {
  show(state: TransferState): void
  /** Removes it, before other text comes. */
  clear(): void
}

const width = 24
/** Milliseconds between two drawings. */
const interval = 100

export function transferBar(io: Io, clock: Clock): TransferBar {
  const started = clock.monotonic()
  let drawnAt = -interval
  let isDrawn = false
  return {
    show(state) {
      if (!io.interactive || clock.monotonic() - drawnAt < interval) return
      drawnAt = clock.monotonic()
      isDrawn = true
      io.err(`\r\x1b[K${transferLine(state, drawnAt - started)}`)
    },
    clear() {
      if (isDrawn) io.err('\r\x1b[K')
      isDrawn = false
      drawnAt = -interval
    },
  }
}

/** One line of at most 110 characters or so, after that many milliseconds. */
export function transferLine(state: TransferState, spent: number): string {
  const { folder, messages, bytes, totalMessages, totalBytes } = state
  const part = partOf(state)
  const filled = Math.round((part ?? 0) * width)
  const bar =
    part === null
      ? ''
      : `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${String(Math.floor(part * 100)).padStart(3)}% `
  const seconds = Math.max(spent, 1) / 1000
  const count = totalMessages === null ? `${messages}` : `${messages}/${totalMessages}`
  const size =
    totalBytes === null || totalBytes === 0
      ? humanSize(bytes)
      : `${humanSize(bytes)} of ${humanSize(totalBytes)}`
  const rate = `${Math.round(messages / seconds)}/s, ${humanSize(Math.round(bytes / seconds))}/s`
  const left =
    part === null || part <= 0 || spent < 2_000 ? '' : `, ${duration((spent / part) * (1 - part))} left`
  const name = folder.length > 24 ? `${folder.slice(0, 23)}…` : folder
  return `${bar}${name}: ${count} messages, ${size}, ${rate}${left}`
}

/** By messages where their number is known, else by octets; null where neither is. */
function partOf({ messages, bytes, totalMessages, totalBytes }: TransferState): number | null {
  if (totalMessages !== null && totalMessages > 0) return Math.min(1, messages / totalMessages)
  if (totalBytes !== null && totalBytes > 0) return Math.min(1, bytes / totalBytes)
  return null
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

// What is kept beside each caught message: its summary, for a later life of the program, and the record of how it came.
import type { CaughtRecord, TranscriptLine } from './message.ts'
import type { Row } from './row.ts'

/** Hears what happens to rows, and gives their records back. */
export interface Ledger {
  /** The summary is new or another than before. */
  changed(row: Row): void
  recorded(row: Row, record: CaughtRecord): void
  removed(rows: readonly Row[]): void
  /** How a message came; null where nobody knows. */
  record(row: Row): Promise<CaughtRecord | null>
  /** Resolves when all that was told so far is written. */
  flush(): Promise<void>
}

const sides = { client: 'C', server: 'S', note: '-' } as const

/** A transcript is most of a record, and a line of it as an object would be most of the line. */
export function encodeRecord({ transcript, ...record }: CaughtRecord): string {
  // Control characters do not come into a transcript.
  let lines = ''
  for (const { at, side, text } of transcript)
    lines += `${lines === '' ? '' : '\n'}${at}${sides[side]}${text}`
  return JSON.stringify({ ...record, lines })
}

/** Of what `encodeRecord` gave. */
export function decodeRecord(text: string): CaughtRecord {
  const { lines, ...record } = JSON.parse(text) as Omit<CaughtRecord, 'transcript'> & { lines: string }
  const transcript = lines.split('\n').flatMap((line): TranscriptLine[] => {
    const [, at = '', letter = '', shown = ''] = /^(\d+)([CS-])(.*)$/su.exec(line) ?? []
    if (at === '') return []
    const side = letter === 'C' ? 'client' : letter === 'S' ? 'server' : 'note'
    return [{ at: Number(at), side, text: shown }]
  })
  return { ...record, transcript }
}

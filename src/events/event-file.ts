// Events in a file of the data folder, so that what became of a message can be told after a restart too: a JSON line each, in two files of
// bounded size, the older of which goes when the newer is full.
//
// - Lines are written together, at most every second, and at the end: an event of the last second before a crash may be missing. It is a
//   record for people; what the mail itself needs is in the store.
// - A file that cannot be written is told once, until it can be again; the lines are lost.
// - A line that cannot be read (cut by a crash) is passed over.
import { appendFile, mkdir, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock, Timer } from '../base/clock.ts'
import type { Recorded } from './recorder.ts'

export interface EventFileOptions {
  readonly folder: string
  /** Octets of both files together. */
  readonly size: number
  readonly clock: Clock
  /** Told once when writing begins to fail. */
  readonly onTrouble: (error: unknown) => void
}

const writeMilliseconds = 1000
/** Characters that wait to be written; in a flood more are lost. */
const mostWaiting = 16 * 1024 * 1024

export class EventFile implements AsyncDisposable {
  readonly #options: EventFileOptions
  readonly #paths: readonly [newer: string, older: string]
  #lines: string[] = []
  #waiting = 0
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()
  /** Octets of the newer file; null before it was looked at. */
  #octets: number | null = null
  #troubled = false

  constructor(options: EventFileOptions) {
    this.#options = options
    this.#paths = [join(options.folder, 'events.jsonl'), join(options.folder, 'events.1.jsonl')]
  }

  add(record: Recorded): void {
    const line = `${JSON.stringify(record)}\n`
    if (this.#waiting + line.length > mostWaiting) return
    this.#lines.push(line)
    this.#waiting += line.length
    this.#timer ??= this.#options.clock.after(writeMilliseconds, () => void this.#flush())
  }

  /** Records whose line has one of the texts in whatever case, oldest first; of more than `limit` the newest. */
  async search(texts: readonly string[], limit: number): Promise<Recorded[]> {
    await this.#flush()
    const wanted = texts.map((text) => JSON.stringify(text).slice(1, -1).toLowerCase())
    const found: Recorded[] = []
    for (const path of this.#paths.toReversed()) {
      for await (const line of linesOf(path)) {
        const lower = line.toLowerCase()
        if (!wanted.some((text) => lower.includes(text))) continue
        const record = tryRecord(line)
        if (record === undefined) continue
        found.push(record)
        if (found.length > limit * 2) found.splice(0, found.length - limit)
      }
    }
    return found.slice(-limit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush()
  }

  #flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#lines.length > 0) {
      const text = this.#lines.join('')
      this.#lines = []
      this.#waiting = 0
      this.#writing = this.#writing.then(() => this.#write(text))
    }
    return this.#writing
  }

  async #write(text: string): Promise<void> {
    const [newer, older] = this.#paths
    try {
      if (this.#octets === null) await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
      const isFirst = this.#octets === null
      this.#octets ??= await sizeOf(newer)
      if (this.#octets > this.#options.size / 2) {
        await rename(newer, older)
        this.#octets = 0
      }
      // What a crash cut off must not spoil the next line.
      const lines = isFirst && this.#octets > 0 ? `\n${text}` : text
      await appendFile(newer, lines, { mode: 0o600 })
      this.#octets += Buffer.byteLength(lines)
      this.#troubled = false
    } catch (error) {
      if (!this.#troubled) this.#options.onTrouble(error)
      this.#troubled = true
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(notThere))?.size ?? 0
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch(notThere)
  if (file === undefined) return
  // It closes the file at its end.
  yield* createInterface({ input: file.createReadStream({ encoding: 'utf8' }) })
}

function notThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

function tryRecord(line: string): Recorded | undefined {
  try {
    // This class alone writes the file.
    return JSON.parse(line) as Recorded
  } catch {
    return undefined
  }
}

// Gives back what V8 holds beyond what is alive, when nobody waits: after the start, and in a catcher after many messages at once. By itself
// it would do so with the next work, which may be tomorrow's (docs/decisions/013-bounded-heap.md).
import { messageCaught } from '../events/catcher.ts'
import type { EventKind, EventSink, Fields } from '../events/event.ts'

/**
 * Milliseconds of quiet: the first clients are through by then, what waited is written, and nobody else has come to rely on anything.
 * It is looked for some times in between, so that it is found soon.
 */
const quiet = 1500
const looks = 6
/** Messages that leave enough behind to be worth some tens of milliseconds. */
const worthTidying = 500

/** A sink that notices bursts of caught messages; `tidy` is called in the quiet behind each, and `quiet` after `start`. */
export class MemoryTidier implements EventSink {
  readonly #tidy: () => void
  readonly #milliseconds: number
  #waits = false
  #messages = 0
  /** As many as there were at the last look, and looks since there were more. */
  #counted = 0
  #looked = 0

  constructor(tidy: () => void, milliseconds: number = quiet) {
    this.#tidy = tidy
    this.#milliseconds = milliseconds
  }

  start(): void {
    if (!this.#waits) this.#wait()
  }

  record(kind: EventKind<Fields>): void {
    if (kind.name === messageCaught.name && ++this.#messages >= worthTidying) this.start()
  }

  #wait(): void {
    this.#waits = true
    this.#counted = this.#messages
    this.#looked = 0
    this.#lookSoon()
  }

  #lookSoon(): void {
    setTimeout(() => this.#look(), this.#milliseconds / looks).unref()
  }

  #look(): void {
    if (this.#messages > this.#counted) return this.#wait()
    this.#looked++
    if (this.#looked < looks) return this.#lookSoon()
    this.#waits = false
    this.#messages = 0
    this.#tidy()
  }
}

/** Does nothing without the flags of bin/posthorn.js. Only the last resort gives back the room that objects were born in. */
export function giveMemoryBack(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  trim()
}

/**
 * What V8's compiler and SQLite have freed stays with the C library, in the arena of each thread: 15 MB behind a burst. glibc's
 * `malloc_trim` (malloc_trim(3)) is the one way to have it returned. Other libraries have none: nothing is done there.
 */
function trim(): void {
  if (process.platform !== 'linux') return
  try {
    const opened = foreignFunctions().dlopen(null, {
      malloc_trim: { arguments: ['uint64'], return: 'int32' },
    })
    opened.functions.malloc_trim(0n)
  } catch {
    // Not glibc, or not this Node.
  }
}

/** Without the warning that the module is experimental: whoever runs a server can do nothing about it, and nothing depends on it. */
function foreignFunctions(): typeof import('node:ffi') {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule('node:ffi')
  } finally {
    process.emitWarning = emitWarning
  }
}

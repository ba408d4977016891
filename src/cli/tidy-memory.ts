// Gives back what V8 holds beyond what is alive, when nobody waits: after the start, and in a catcher after many messages at once. By itself
// it would do so with the next work, which may be tomorrow's (docs/decisions/013-bounded-heap.md).
import { messageCaught } from '../events/catcher.ts'
import type { EventKind, EventSink, Fields } from '../events/event.ts'

/** Milliseconds of quiet: the first clients are through by then, and nobody else has come to rely on anything. */
const quiet = 1000
/** Messages that leave enough behind to be worth some tens of milliseconds. */
const worthTidying = 500

/** A sink that notices bursts of caught messages; `tidy` is called in the quiet behind each, and `quiet` after `start`. */
export class MemoryTidier implements EventSink {
  readonly #tidy: () => void
  readonly #milliseconds: number
  #waits = false
  #messages = 0
  /** As many as there were when the wait began. */
  #counted = 0

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
    setTimeout(() => this.#look(), this.#milliseconds).unref()
  }

  #look(): void {
    if (this.#messages > this.#counted) {
      this.#wait()
      return
    }
    this.#waits = false
    this.#messages = 0
    this.#tidy()
  }
}

/** Does nothing without the flags of bin/posthorn.js. Only the last resort gives back the room that objects were born in. */
export function collectGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

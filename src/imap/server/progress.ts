// INPROGRESS (RFC 9585): how far a long command is, told every `imap.progressInterval` until it is done, so that no client takes a server
// that works for one that hangs.
import type { CommandRun } from './context.ts'

/** The progress of one command. */
export class Progress {
  readonly #run: CommandRun
  readonly #goal: number | null
  readonly #interval: number
  #last: number

  /** `goal`: how many there are to do; null where that is not known. */
  constructor(run: CommandRun, goal: number | null) {
    const { clock, config } = run.session.parts
    this.#run = run
    this.#goal = goal
    this.#interval = config.progressInterval
    this.#last = clock.monotonic()
  }

  /** Between two responses: tells how many are done, when it is time to. */
  tell(done: number): void | Promise<void> {
    if (this.#interval === 0) return
    const now = this.#run.session.parts.clock.monotonic()
    if (now - this.#last < this.#interval) return
    this.#last = now
    const { output, tag } = this.#run
    const goal = this.#goal ?? 'NIL'
    const told = output.text(`* OK [INPROGRESS ("${tag}" ${done} ${goal})] Still working\r\n`)
    return told === undefined ? output.end() : told.then(() => output.end())
  }
}

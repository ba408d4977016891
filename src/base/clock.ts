// Time as an argument. Nothing in Posthorn reads a clock or sets a timer except through this interface.

/** A cancellable timer. */
export interface Timer extends Disposable {
  /** Cancels; a fired or cancelled timer stays so. */
  cancel(): void
}

/** Wall time, monotonic time and timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For dates shown to people and kept in the store. */
  now(): number
  /** Milliseconds since an arbitrary moment; never goes back. For durations, time-outs and leases. */
  monotonic(): number
  /** Runs `task` once, `milliseconds` from now. A real timer does not keep the process alive. */
  after(milliseconds: number, task: () => void): Timer
  /** Resolves after that time; rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

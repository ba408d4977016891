// `Clock.sleep` out of `Clock.after`: the same for real and virtual time.
import type { Clock } from './clock.ts'

/** Resolves after that time by `clock`; rejects with the signal's reason when aborted, and leaves no timer behind. */
export function sleepBy(
  clock: Pick<Clock, 'after'>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const aborted = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(milliseconds, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

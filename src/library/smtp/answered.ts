// Promises for programs with callbacks.

export type Answered<T> = (error: Error | null, answer?: T) => void

/** The promise, or, with a callback, nothing: it is called once, on its own, so that what it throws is its program's. */
export function answered<T>(promise: Promise<T>, callback: Answered<T> | undefined): Promise<T> | void {
  if (callback === undefined) return promise
  promise.then(
    (answer) => setImmediate(() => callback(null, answer)),
    (error: unknown) =>
      setImmediate(() => callback(error instanceof Error ? error : new Error(String(error)))),
  )
}

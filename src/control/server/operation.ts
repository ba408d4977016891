// What a row of the table of operations is, and who asks for it. The rows are in the files beside this one, by area.
import type { z } from 'zod'

/** An expected no, with a sentence for the person who asked. */
export class RefusedOperation extends Error {
  override name = 'RefusedOperation'
}

export type Progress = (done: number, total: number) => void

/** Whoever asked, while the operation runs. */
export interface Asker {
  readonly onProgress: Progress
  /** For operations that watch: one thing seen. */
  readonly onEvent: (event: unknown) => void
  /** Aborted when nobody waits for the result any more. */
  readonly gone: AbortSignal
}

/** Runs operations by name. */
export interface AdminOperations {
  /** Rejects with `RefusedOperation` for an expected no. */
  run(name: string, parameters: unknown, asker?: Partial<Asker>): Promise<unknown>
}

/** One row of the table. */
export interface Operation {
  readonly parameters: z.ZodType
  run(parameters: unknown, asker: Asker): Promise<unknown>
}

/** A row whose arguments have been checked before it runs. */
export function operation<T extends z.ZodType>(
  parameters: T,
  run: (parameters: z.output<T>, asker: Asker) => Promise<unknown>,
): Operation {
  // `AdminOperations.run` gives `run` nothing but what `parameters` accepted.
  return { parameters, run: (given, asker) => run(given as z.output<T>, asker) }
}

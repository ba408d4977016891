// What a row of the table of operations is, and who asks for it. The rows are in the files beside this one, by area.
import { z } from 'zod'

/** An expected no, with a sentence for the person who asked. */
export class RefusedOperation extends Error {
  override name = 'RefusedOperation'
}

/** Not now: whoever asks may ask the same again (sysexits.h: EX_TEMPFAIL). With a sentence for the person too. */
export class DeferredOperation extends Error {
  override name = 'DeferredOperation'
}

export type Progress = (done: number, total: number) => void

/** Whoever asked, while the operation runs. */
export interface Asker {
  readonly onProgress: Progress
  /** For operations that watch: one thing seen. */
  readonly onEvent: (event: unknown) => void
  /** What comes behind the request, for operations that are fed; it ends when whoever feeds goes away. */
  readonly input: AsyncIterable<unknown>
  /** Aborted when nobody waits for the result any more. */
  readonly gone: AbortSignal
}

/** Runs operations by name. */
export interface AdminOperations {
  /** Rejects with `RefusedOperation` for an expected no. */
  run(name: string, parameters: unknown, asker?: Partial<Asker>): Promise<unknown>
}

/** A table of operations, whose rows others may look at: the HTTP API makes a route of each. */
export interface OperationTable extends AdminOperations {
  readonly rows: Readonly<Record<string, Operation>>
}

/** One row of the table. */
export interface Operation {
  readonly parameters: z.ZodType
  run(parameters: unknown, asker: Asker): Promise<unknown>
}

/** The operations of a table; of `others` where it has no such row. */
export function tableOperations(
  table: Readonly<Record<string, Operation>>,
  others: OperationTable | null = null,
): OperationTable {
  return {
    rows: { ...others?.rows, ...table },
    async run(name, parameters, asker = {}) {
      const found = table[name]
      if (found === undefined) {
        if (others !== null) return others.run(name, parameters, asker)
        throw new RefusedOperation(`There is no operation "${name}".`)
      }
      const checked = found.parameters.safeParse(parameters)
      if (!checked.success) throw new RefusedOperation(`${name}: ${z.prettifyError(checked.error)}`)
      return found.run(checked.data, { ...nobody, ...asker })
    },
  }
}

/** Nobody listens, and nobody goes away. */
const nobody: Asker = {
  onProgress: () => {},
  onEvent: () => {},
  input: (async function* () {})(),
  gone: new AbortController().signal,
}

/** A row whose arguments have been checked before it runs. */
export function operation<T extends z.ZodType>(
  parameters: T,
  run: (parameters: z.output<T>, asker: Asker) => Promise<unknown>,
): Operation {
  // `AdminOperations.run` gives `run` nothing but what `parameters` accepted.
  return { parameters, run: (given, asker) => run(given as z.output<T>, asker) }
}

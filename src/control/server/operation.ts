// What a row of the table of operations is, and who asks for it. The rows are in the files beside this one, by area.
//
// Every order is told as an event with its operator and its end, refused or not; questions are not.
import { z } from 'zod'
import { embeddingProgram, type Operator } from '../../base/operator.ts'
import { ordered } from '../../events/admin.ts'
import { errorText } from '../../events/error-text.ts'
import type { Events } from '../../events/event.ts'

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
  readonly operator: Operator
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
  /** An order changes something, or gives somebody's mail away; a question tells. */
  readonly kind: 'order' | 'question'
  readonly parameters: z.ZodType
  run(parameters: unknown, asker: Asker): Promise<unknown>
}

/** The operations of a table; of `others` where it has no such row. */
export function tableOperations(
  table: Readonly<Record<string, Operation>>,
  { events, others = null }: { readonly events: Events; readonly others?: OperationTable | null },
): OperationTable {
  return {
    rows: { ...others?.rows, ...table },
    async run(name, parameters, given = {}) {
      // Not what every object has: names come from outside.
      const found = Object.hasOwn(table, name) ? table[name] : undefined
      if (found === undefined) {
        if (others !== null) return others.run(name, parameters, given)
        throw new RefusedOperation(`There is no operation "${name}".`)
      }
      const asker = { ...nobody, ...given }
      const work = async (): Promise<unknown> => {
        const checked = found.parameters.safeParse(parameters)
        if (!checked.success) throw new RefusedOperation(`${name}: ${z.prettifyError(checked.error)}`)
        return found.run(checked.data, asker)
      }
      return found.kind === 'question' ? work() : told(work, { events, name, parameters, asker })
    },
  }
}

/** Tells how an order ended. */
async function told(
  work: () => Promise<unknown>,
  order: {
    readonly events: Events
    readonly name: string
    readonly parameters: unknown
    readonly asker: Asker
  },
): Promise<unknown> {
  const { events, name, parameters, asker } = order
  const { name: by, via, remoteAddress } = asker.operator
  const tell = (outcome: 'done' | 'refused' | 'failed', reason: string): void =>
    events.emit(ordered, {
      ...{ operation: name, by, via, remoteAddress, subject: subjectOf(parameters), outcome },
      reason: reason.slice(0, longestSubject),
    })
  try {
    const result = await work()
    tell('done', '')
    return result
  } catch (error) {
    if (error instanceof RefusedOperation) tell('refused', error.message)
    else tell('failed', errorText(error))
    throw error
  }
}

/** Arguments that say what an order is about; what is not here (passwords, messages, lines of an import) is not told. */
const toldArguments = [
  ...[
    'address',
    'name',
    'id',
    'kind',
    'key',
    'label',
    'scopes',
    'expires',
    'state',
    'role',
    'quota',
    'hide',
    'show',
  ],
  ...['targets', 'owner', 'filter', 'reason', 'route', 'until', 'rebuild', 'source', 'dryRun', 'reversePath'],
  ...['recipients'],
]
const longestSubject = 500

function subjectOf(parameters: unknown): string {
  if (typeof parameters !== 'object' || parameters === null) return ''
  const shown = toldArguments.flatMap((name) => {
    const value: unknown = Object.hasOwn(parameters, name) ? Reflect.get(parameters, name) : undefined
    if (value === undefined) return []
    return [`${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`]
  })
  return shown.join(', ').slice(0, longestSubject)
}

/** Nobody listens, and nobody goes away. */
const nobody: Asker = {
  operator: embeddingProgram,
  onProgress: () => {},
  onEvent: () => {},
  input: (async function* () {})(),
  gone: new AbortController().signal,
}

/** A row that changes something; its arguments have been checked before it runs. */
export function operation<T extends z.ZodType>(
  parameters: T,
  run: (parameters: z.output<T>, asker: Asker) => Promise<unknown>,
): Operation {
  // `AdminOperations.run` gives `run` nothing but what `parameters` accepted.
  return { kind: 'order', parameters, run: (given, asker) => run(given as z.output<T>, asker) }
}

/** A row that only tells. */
export function question<T extends z.ZodType>(
  parameters: T,
  run: (parameters: z.output<T>, asker: Asker) => Promise<unknown>,
): Operation {
  return { ...operation(parameters, run), kind: 'question' }
}

// /query and /queryChanges (RFC 8620 §5.5, §5.6): a type says which records match in which order; the window of that list which the
// client asked for, the limits and the form of the response are here.
import { collations } from '../proto/capabilities.ts'
import { MethodError } from '../proto/errors.ts'
import { conditionsOf } from '../proto/filter.ts'
import type { Json, JsonObject } from '../proto/json.ts'
import { anything, nullable, listOf, record, Wrong, type FieldsOf, type Shape } from '../proto/shape.ts'
import {
  comparator,
  filterOf,
  queryArguments,
  queryChangesArguments,
  type Comparator,
  type Filter,
} from '../proto/standard.ts'
import { accountMethod, type AccountCall, type Method } from './module.ts'

type Fields = Readonly<Record<string, Shape<unknown>>>

/** All results in their order, as much of them as is asked for made into ids. */
export interface ResultList {
  readonly length: number
  idAt(index: number): string
  /** −1: not among them. */
  indexOf(id: string): number
}

export function resultList(ids: readonly string[]): ResultList {
  return { length: ids.length, idAt: (index) => ids[index] ?? '', indexOf: (id) => ids.indexOf(id) }
}

export interface QueryRequest<Condition, F extends Fields> {
  readonly filter: Filter<Condition> | null
  /** Empty: in the type's own stable order. */
  readonly sort: readonly Comparator[]
  readonly args: FieldsOf<F>
}

export interface QueryDefinition<Condition, F extends Fields> {
  readonly type: string
  readonly capability: string
  /** RFC 8620 §5.5 FilterCondition; a member that it does not know is unsupportedFilter, one of a wrong type invalidArguments. */
  readonly condition: Shape<Condition>
  /** What can be sorted by; anything else is unsupportedSort. */
  readonly sortable: readonly string[]
  /** Members of a Comparator beyond those of RFC 8620 §5.5; any other is refused. */
  readonly comparatorMembers?: readonly string[]
  readonly extra: F
  run(
    call: AccountCall,
    request: QueryRequest<Condition, F>,
  ): Promise<
    | { readonly results: ResultList; readonly queryState: string; readonly canCalculateChanges: boolean }
    | MethodError
  >
}

/** RFC 8620 §5.5. */
export function queryMethod<Condition, const F extends Fields>(
  definition: QueryDefinition<Condition, F>,
): Method {
  return asking(definition, {
    verb: 'query',
    fields: queryArguments,
    async answer(call, question) {
      const { args } = question
      const found = await definition.run(call, question)
      if (found instanceof MethodError) return found
      const { results, queryState, canCalculateChanges } = found
      const start = firstOf(call, args, results)
      if (start instanceof MethodError) return start
      const most = call.limits.maxQueryResults
      const limit = Math.min(args.limit ?? Infinity, most)
      const end = Math.min(results.length, start + limit)
      const ids: string[] = []
      for (let index = start; index < end; index += 1) ids.push(results.idAt(index))
      return {
        ...{ accountId: call.place.id, queryState, canCalculateChanges, position: start, ids },
        ...(args.calculateTotal ? { total: results.length } : {}),
        // RFC 8620 §5.5: told "if the server set a limit or used a different limit".
        ...(args.limit === null || args.limit > most ? { limit: most } : {}),
      }
    },
  })
}

type Asked = Pick<QueryDefinition<unknown, Fields>, 'type' | 'capability' | 'sortable' | 'comparatorMembers'>

/** A method that judges filter and sort before it answers with its arguments. */
function asking<
  Condition,
  F extends Fields,
  const S extends typeof queryArguments | typeof queryChangesArguments,
>(
  definition: Asked & { readonly condition: Shape<Condition>; readonly extra: F },
  method: {
    readonly verb: 'query' | 'queryChanges'
    readonly fields: S
    answer(
      call: AccountCall,
      question: QueryRequest<Condition, F> & { readonly args: FieldsOf<S> },
    ): Promise<JsonObject | MethodError>
  },
): Method {
  const { type, capability, extra } = definition
  const readQuestion = questionReader(definition)
  const standard = { ...method.fields, ...questionFields }
  return accountMethod({
    name: `${type}/${method.verb}`,
    capability,
    access: 'read',
    // What the fields of a generic record are, the compiler cannot work out.
    shape: record({ ...extra, ...standard }) as unknown as Shape<
      FieldsOf<F> & FieldsOf<S> & FieldsOf<typeof questionFields> & { readonly accountId: string }
    >,
    async run(call, args) {
      const question = readQuestion(call, args)
      if (question instanceof MethodError) return question
      const answer = await method.answer(call, { ...question, args })
      return answer instanceof MethodError ? answer : { arguments: answer }
    },
  })
}

const questionFields = { filter: nullable(anything), sort: nullable(listOf(comparator)) }

/** What is asked for, as /query and /queryChanges have it in common. */
function questionReader<Condition>({
  condition,
  sortable,
  comparatorMembers = [],
}: Pick<QueryDefinition<Condition, Fields>, 'condition' | 'sortable' | 'comparatorMembers'>): (
  call: AccountCall,
  args: FieldsOf<typeof questionFields>,
) => { readonly filter: Filter<Condition> | null; readonly sort: readonly Comparator[] } | MethodError {
  const readFilter = filterReader(condition)
  return (call, args) => {
    const sort = args.sort ?? []
    const unsorted = unsupportedSort(sort, sortable)
    if (unsorted !== null) return unsorted
    const stranger = sort
      .flatMap(({ more }) => Object.keys(more))
      .find((name) => !comparatorMembers.includes(name))
    if (stranger !== undefined)
      return new MethodError('invalidArguments', `sort: ${stranger} is not known here`)
    const filter = readFilter(args.filter)
    if (filter instanceof MethodError) return filter
    return tooComplex(call, { filter, sort }) ?? { filter, sort }
  }
}

/** RFC 8620 §5.5: a condition that the type does not have is unsupportedFilter, one that is wrong invalidArguments. */
export function filterReader<Condition>(
  condition: Shape<Condition>,
): (given: Json) => Filter<Condition> | null | MethodError {
  const shape = nullable(filterOf(condition))
  return (given) => {
    const read = shape(given)
    if (!(read instanceof Wrong)) return read
    const { description } = read.within('filter')
    return new MethodError(read.kind === 'unknown' ? 'unsupportedFilter' : 'invalidArguments', description)
  }
}

/** RFC 8620 §5.5: "the client SHOULD suggest that the user simplify their search". */
export function tooComplex<Condition>(
  { limits }: Pick<AccountCall, 'limits'>,
  { filter, sort }: { filter: Filter<Condition> | null; sort: readonly Comparator[] },
): MethodError | null {
  let left = limits.maxFilterConditions
  for (const _condition of conditionsOf(filter)) if (--left < 0) return new MethodError('unsupportedFilter')
  return sort.length > limits.maxComparators ? new MethodError('unsupportedSort') : null
}

/** RFC 8620 §5.5: the index of the first result to tell. */
function firstOf(
  call: AccountCall,
  args: FieldsOf<typeof queryArguments>,
  results: ResultList,
): number | MethodError {
  const { position, anchor, anchorOffset } = args
  if (anchor !== null) {
    const id = call.createdIds.resolve(anchor)
    const index = id === undefined ? -1 : results.indexOf(id)
    return index < 0 ? new MethodError('anchorNotFound') : Math.max(0, index + anchorOffset)
  }
  return position < 0 ? Math.max(0, results.length + position) : position
}

function unsupportedSort(sort: readonly Comparator[], sortable: readonly string[]): MethodError | null {
  const known: readonly string[] = collations
  for (const { property, collation } of sort) {
    if (!sortable.includes(property)) {
      return new MethodError('unsupportedSort', `There is no sorting by ${property}.`)
    }
    if (collation !== undefined && !known.includes(collation)) {
      return new MethodError('unsupportedSort', `There is no collation ${collation}.`)
    }
  }
  return null
}

export interface QueryChanges {
  readonly newQueryState: string
  readonly removed: readonly string[]
  /** In order of index. */
  readonly added: readonly { readonly id: string; readonly index: number }[]
  /** Of all results now. */
  readonly total: number
}

export interface QueryChangesDefinition<Condition, F extends Fields> extends Omit<
  QueryDefinition<Condition, F>,
  'run'
> {
  /** `upToId` is theirs to use where filter and sort are of what never changes (RFC 8620 §5.6), else to ignore. */
  run(
    call: AccountCall,
    request: QueryRequest<Condition, F> & {
      readonly sinceQueryState: string
      readonly upToId: string | null
    },
  ): Promise<QueryChanges | MethodError>
}

/** RFC 8620 §5.6. */
export function queryChangesMethod<Condition, const F extends Fields>(
  definition: QueryChangesDefinition<Condition, F>,
): Method {
  return asking(definition, {
    verb: 'queryChanges',
    fields: queryChangesArguments,
    async answer(call, question) {
      const { sinceQueryState, upToId, maxChanges, calculateTotal } = question.args
      const changes = await definition.run(call, { ...question, sinceQueryState, upToId })
      if (changes instanceof MethodError) return changes
      const { newQueryState, removed, added, total } = changes
      // RFC 8620 §5.6: "Each item in the removed or added array is considered to be one change."
      if (maxChanges !== null && removed.length + added.length > maxChanges) {
        return new MethodError('tooManyChanges')
      }
      return {
        ...{ accountId: call.place.id, oldQueryState: sinceQueryState, newQueryState },
        ...(calculateTotal ? { total } : {}),
        ...{ removed, added },
      }
    },
  })
}

// Filters over records (RFC 8620 §5.5): operators put together what conditions say.
import type { Filter } from './standard.ts'

/** Whether a record matches; null matches all. */
export function matches<Condition>(
  filter: Filter<Condition> | null,
  holds: (condition: Condition) => boolean,
): boolean {
  if (filter === null) return true
  switch (filter.operator) {
    case null:
      return holds(filter.condition)
    case 'AND':
      return filter.conditions.every((each) => matches(each, holds))
    case 'OR':
      return filter.conditions.some((each) => matches(each, holds))
    case 'NOT':
      // "None of the conditions must match for the filter to match."
      return !filter.conditions.some((each) => matches(each, holds))
  }
}

/** Every condition in it. */
export function* conditionsOf<Condition>(filter: Filter<Condition> | null): Generator<Condition> {
  if (filter === null) return
  if (filter.operator === null) yield filter.condition
  else for (const each of filter.conditions) yield* conditionsOf(each)
}

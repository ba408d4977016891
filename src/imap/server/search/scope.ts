// Which messages a search looks at, of all that there are: those that its outermost numbers and UIDs let through. It is what
// `imap.messageLimit` counts (RFC 9738 §3.1), and it spares the rest of the mailbox.
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { ReadyKey } from './ready-search.ts'

/** Indexes that can match. */
export function scopeOf(criteria: ReadyKey, length: number): Ranges {
  let scope: Ranges = length === 0 ? [] : [[0, length - 1]]
  const keys = criteria.key === 'and' ? criteria.all : [criteria]
  for (const key of keys) if (key.key === 'indexes') scope = intersect(scope, key.ranges)
  return scope
}

/** Of two ascending lists of ranges what they share. */
function intersect(one: Ranges, other: Ranges): Ranges {
  const shared: (readonly [number, number])[] = []
  let at = 0
  for (const [first, last] of one) {
    while (at < other.length && (other[at]?.[1] ?? 0) < first) at++
    for (let next = at; next < other.length; next++) {
      const range = other[next]
      if (range === undefined || range[0] > last) break
      shared.push([Math.max(first, range[0]), Math.min(last, range[1])])
    }
  }
  return shared
}

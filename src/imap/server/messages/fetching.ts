// One FETCH at work: what its parts share.
import { tellKeywords } from '../permanent-flags.ts'
import type { CommandRun } from '../context.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

export interface Fetching {
  readonly run: CommandRun
  readonly selected: Selected
  readonly view: View
  readonly items: readonly FetchItem[]
  /** Messages to tell. */
  readonly goal: number
  /** Messages that become \\Seen by this command: their flags are told. */
  readonly seen: ReadonlySet<number>
  /** A part was in an encoding that nobody here can undo (RFC 3516 §4.3). */
  undecodable: boolean
}

/** FLAGS before the first response with a keyword that the client has not heard of. */
export function keywordNews({ selected, view, items, seen }: Fetching, uid: number): string {
  if (!seen.has(uid) && !items.some(({ name }) => name === 'FLAGS')) return ''
  return tellKeywords(selected, view.keywords(uid))
}

// What a run does: steps, each of a kind and with a seed of its own, so that a run can be cut down to those that matter.
import { append, replace } from './actions/append.ts'
import { copyOrMove, expunge, store, uidExpunge } from './actions/messages.ts'
import { close, enable, look, noop, notify, open, select, unselect } from './actions/sessions.ts'
import { create, list, lsub, remove, rename, status, subscribe } from './actions/mailboxes.ts'
import { Dice } from './dice.ts'
import { fetch } from './actions/fetch.ts'
import { partial, sort, thread } from './actions/order.ts'
import { search } from './actions/search.ts'
import type { Action, Making, MakingOnView } from './actions/action.ts'

export interface Step {
  /** Which session, by its place. */
  readonly who: number
  readonly kind: Kind
  readonly seed: number
}

/** Commands that may be sent at any time after log-in. */
export const anywhere = {
  append,
  create,
  delete: remove,
  enable,
  list,
  lsub,
  noop,
  notify,
  open,
  rename,
  select,
  status,
  subscribe,
} satisfies Record<string, (making: Making) => Action>

/** Commands on the selected mailbox; where there is none the step is passed over. */
export const onSelected = {
  close,
  copy: copyOrMove('COPY'),
  expunge,
  fetch,
  look,
  move: copyOrMove('MOVE'),
  partial,
  replace,
  search,
  sort,
  store,
  thread,
  'uid expunge': uidExpunge,
  unselect,
} satisfies Record<string, (making: MakingOnView) => Action | null>

/** What is no single command: `idle` begins it, `drop` breaks the connection, `return` comes back as QRESYNC has it, `wait` moves the clock. */
export const others = ['drop', 'idle', 'return', 'wait'] as const

export type Kind = keyof typeof anywhere | keyof typeof onSelected | (typeof others)[number]

/** What a guest does: all that names no other mailbox. */
export const guestKinds: ReadonlySet<Kind> = new Set<Kind>([
  ...(['close', 'drop', 'enable', 'expunge', 'fetch', 'idle', 'look', 'noop', 'notify', 'open'] as const),
  ...(['partial', 'return', 'search', 'select', 'sort', 'store', 'thread', 'uid expunge'] as const),
  ...(['unselect', 'wait'] as const),
])

const weights: readonly (readonly [Kind, number])[] = [
  ...([
    ['append', 12],
    ['create', 2],
    ['delete', 2],
    ['enable', 3],
    ['list', 1],
    ['lsub', 1],
    ['noop', 6],
    ['notify', 3],
  ] as const),
  ...([
    ['open', 5],
    ['rename', 2],
    ['select', 4],
    ['status', 3],
    ['subscribe', 1],
  ] as const),
  ...([
    ['close', 1],
    ['copy', 6],
    ['expunge', 6],
    ['fetch', 20],
    ['look', 10],
    ['move', 5],
    ['replace', 3],
  ] as const),
  ...([
    ['search', 12],
    ['partial', 2],
    ['sort', 4],
    ['thread', 2],
    ['store', 22],
    ['uid expunge', 3],
    ['unselect', 1],
  ] as const),
  ...([
    ['drop', 1],
    ['idle', 4],
    ['return', 5],
    ['wait', 1],
  ] as const),
]

export interface Plan {
  readonly sessions: number
  /** The last of them is of somebody to whom INBOX is shared. */
  readonly hasGuest: boolean
  readonly steps: readonly Step[]
}

/** Everything that a seed does. */
export function planOf(seed: number | string, length: number): Plan {
  const dice = new Dice(`plan ${seed}`)
  const sessions = dice.between(2, 4)
  const step = (who: number, kind: Kind): Step => ({ who, kind, seed: dice.below(2 ** 32) })
  const opening = Array.from({ length: sessions }, (_, who) => [
    step(who, 'append'),
    ...(dice.oneIn(2) ? [step(who, 'enable')] : []),
    step(who, dice.oneIn(4) ? 'select' : 'open'),
    step(who, 'look'),
  ]).flat()
  const steps = Array.from({ length }, () => step(dice.below(sessions), dice.weighted(weights)))
  return { sessions, hasGuest: dice.oneIn(2), steps: [...opening, ...steps] }
}

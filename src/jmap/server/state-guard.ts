// `ifInState` and its like (RFC 8620 §5.3, §5.4): the state is looked at, and what is then written first is written only where the account is
// still as it was. What moves an account without moving the state, a vacation response for the state of identities, has it looked at again.
//
// Each record is a commit of its own (RFC 8620 §5.3 "an atomic unit"), so the promise is about the first of them.
import { AccountMoved, type AccountPoint, type GuardedWrites, type GuardStore } from '../../store/guarded.ts'
import { MethodError } from '../proto/errors.ts'
import type { AccountCall, AccountPlace, MethodAnswer } from './module.ts'

/** Looks at an account that others keep changing. */
const attempts = 20

export class StateGuard {
  readonly #points: readonly AccountPoint[]
  #isSpent = false

  /** The first point is that of the account to be changed. */
  constructor(points: readonly AccountPoint[]) {
    this.#points = points
  }

  /** Something was written. */
  get isSpent(): boolean {
    return this.#isSpent
  }

  /** Something was written by another way: what follows is not guarded any more. */
  spend(): void {
    this.#isSpent = true
  }

  on(store: GuardStore & GuardedWrites): GuardedWrites {
    if (this.#isSpent) return store
    return store.guarded(this.#points, (modSeq) => {
      if (modSeq !== this.#points[0]?.modSeq) this.spend()
    })
  }
}

/** The writes of a store for a call: guarded by the state that it asks for, where it asks for one. */
export function writing(
  { guard }: Pick<AccountCall, 'guard'>,
  store: GuardStore & GuardedWrites,
): GuardedWrites {
  return guard === null ? store : guard.on(store)
}

export interface WantedState {
  readonly place: AccountPlace
  /** Null: any. */
  readonly wanted: string | null
  readonly state: (place: AccountPlace) => Promise<string>
}

/** Runs where the states are those that are wanted; `stateMismatch` where they are not. The first is of the account to be changed. */
export async function inStates(
  call: AccountCall,
  states: readonly WantedState[],
  run: (call: AccountCall) => Promise<MethodAnswer>,
): Promise<MethodAnswer> {
  if (states.every(({ wanted }) => wanted === null)) return run(call)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const points: AccountPoint[] = []
    for (const { place, wanted, state } of states) {
      const account = place.account.id
      // Before the state is read, so that nothing falls between the two.
      const modSeq = await call.modSeqOf(account)
      if (modSeq === undefined) return new MethodError('accountNotFound')
      points.push({ account, modSeq })
      // RFC 8620 §5.3: "the string must match the current state".
      if (wanted !== null && wanted !== (await state(place))) return new MethodError('stateMismatch')
    }
    const guard = new StateGuard(points)
    try {
      const answer = await run({ ...call, guard })
      // Where nothing was to be written, what was refused is of the state that was asked for too.
      if (guard.isSpent || (await haveStayed(call, points))) return answer
    } catch (error) {
      if (!(error instanceof AccountMoved)) throw error
    }
  }
  return new MethodError('serverUnavailable', 'Others keep changing the account.')
}

async function haveStayed(call: AccountCall, points: readonly AccountPoint[]): Promise<boolean> {
  for (const { account, modSeq } of points) if ((await call.modSeqOf(account)) !== modSeq) return false
  return true
}

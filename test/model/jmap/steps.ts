// What a run does: steps, each of a kind and with a seed of its own, so that a run can be cut down to those that matter.
import { Dice } from '../imap/dice.ts'
import type { actions } from './actions.ts'

export type Kind = keyof typeof actions

export interface Step {
  readonly who: number
  readonly kind: Kind
  readonly seed: number
}

export interface Plan {
  readonly steps: readonly Step[]
}

const weights: readonly (readonly [Kind, number])[] = [
  ...([
    ['store', 14],
    ['copy', 5],
    ['move', 4],
    ['expunge', 4],
    ['append', 5],
    ['deliver', 6],
  ] as const),
  ...([
    ['create', 2],
    ['rename', 2],
    ['remove', 1],
    ['subscribe', 1],
    ['share', 2],
  ] as const),
  ...([
    ['setEmails', 14],
    ['setAsGuest', 4],
    ['destroyEmails', 3],
    ['createEmail', 3],
  ] as const),
  ...([
    ['importEmail', 3],
    ['copyEmail', 2],
  ] as const),
  ...([
    ['createMailbox', 2],
    ['changeMailbox', 4],
    ['destroyMailbox', 2],
    ['wait', 1],
  ] as const),
]

/** Between accounts, and what is forgotten: put in place of some steps, so that plans stay what they were without them. */
const further: readonly (readonly [Kind, number])[] = [
  ...([
    ['copyEmail', 3],
    ['copyThere', 3],
    ['deliverFar', 2],
  ] as const),
  ...([
    ['copyFar', 3],
    ['moveFar', 3],
    ['copyBack', 3],
    ['moveBack', 3],
  ] as const),
  ['forget', 1],
]

/** A step in so many is one of the further ones. */
const rarity = 5

export function planOf(seed: number | string, length: number, which: 'all' | 'first' = 'all'): Plan {
  const { steps } = firstPlan(seed, length)
  if (which === 'first') return { steps }
  const dice = new Dice(`further ${seed}`)
  return {
    steps: steps.map((step) => (dice.oneIn(rarity) ? { ...step, kind: dice.weighted(further) } : step)),
  }
}

function firstPlan(seed: number | string, length: number): Plan {
  const dice = new Dice(`plan ${seed}`)
  const step = (kind: Kind): Step => ({ who: dice.below(2), kind, seed: dice.below(2 ** 32) })
  const opening = (['deliver', 'append', 'deliver', 'createEmail'] as const).map(step)
  return { steps: [...opening, ...Array.from({ length }, () => step(dice.weighted(weights)))] }
}

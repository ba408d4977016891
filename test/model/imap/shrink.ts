// Cuts a failing run down: steps are left out in ever smaller pieces as long as it still fails (delta debugging).
import { play } from './play.ts'
import type { Outcome } from './play.ts'
import type { Plan, Step } from './steps.ts'

export interface Shrunk {
  readonly plan: Plan
  readonly outcome: Outcome
}

/** The shortest plan found that fails too; `runs` at most are tried. */
export async function shrink(plan: Plan, outcome: Outcome, runs = 600): Promise<Shrunk> {
  let best: Shrunk = { plan: { ...plan, steps: plan.steps.slice(0, outcome.at + 1) }, outcome }
  let left = runs
  for (let size = Math.ceil(best.plan.steps.length / 2); size >= 1;) {
    const found = await without(best, size, () => left-- > 0)
    if (found !== undefined) best = found
    else if (size === 1) break
    else size = Math.ceil(size / 2)
  }
  return best
}

async function without(best: Shrunk, size: number, mayTry: () => boolean): Promise<Shrunk | undefined> {
  const { steps } = best.plan
  for (let end = steps.length; end > 0; end -= size) {
    if (!mayTry()) return undefined
    const kept: readonly Step[] = [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)]
    const plan = { ...best.plan, steps: kept }
    const outcome = await play(plan)
    if (outcome.complaint !== null)
      return { plan: { ...plan, steps: kept.slice(0, outcome.at + 1) }, outcome }
  }
  return undefined
}

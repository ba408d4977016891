// Cuts a failing run of a model down: steps are left out in ever smaller pieces as long as it still fails (delta debugging).

export interface Outcome {
  /** Null where all is well. */
  readonly complaint: string | null
  /** What was said, as transcripts have it. */
  readonly transcript: readonly string[]
  /** The step that failed, by its place; -1 for none. */
  readonly at: number
}

interface Steps<Step> {
  readonly steps: readonly Step[]
}

export interface Shrunk<Plan> {
  readonly plan: Plan
  readonly outcome: Outcome
}

type Play<Plan> = (plan: Plan) => Promise<Outcome>

/** The shortest plan found that fails too; `runs` at most are tried. */
export async function shrinkBy<Plan extends Steps<unknown>>(
  play: Play<Plan>,
  { plan, outcome }: Shrunk<Plan>,
  runs = 600,
): Promise<Shrunk<Plan>> {
  let best: Shrunk<Plan> = { plan: { ...plan, steps: plan.steps.slice(0, outcome.at + 1) }, outcome }
  let left = runs
  for (let size = Math.ceil(best.plan.steps.length / 2); size >= 1;) {
    const found = await without(play, best, { size, mayTry: () => left-- > 0 })
    if (found !== undefined) best = found
    else if (size === 1) break
    else size = Math.ceil(size / 2)
  }
  return best
}

async function without<Plan extends Steps<unknown>>(
  play: Play<Plan>,
  best: Shrunk<Plan>,
  { size, mayTry }: { size: number; mayTry: () => boolean },
): Promise<Shrunk<Plan> | undefined> {
  const { steps } = best.plan
  for (let end = steps.length; end > 0; end -= size) {
    if (!mayTry()) return undefined
    const kept = [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)]
    const plan = { ...best.plan, steps: kept }
    const outcome = await play(plan)
    if (outcome.complaint !== null)
      return { plan: { ...plan, steps: kept.slice(0, outcome.at + 1) }, outcome }
  }
  return undefined
}

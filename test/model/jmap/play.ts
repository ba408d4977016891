// Plays a plan: each step to the server and to the model, and after it both views held to the model, and what clients had before
// brought up to now.
import type { JsonObject } from '../../../src/jmap/proto/json.ts'
import type { ImapClient } from '../../support/imap-session.ts'
import { Dice } from '../imap/dice.ts'
import { postgresStore } from '../postgres-store.ts'
import type { Engine } from '../run-model.ts'
import type { Outcome } from '../shrink.ts'
import { actions } from './actions.ts'
import { Replay, type Memory, type Results } from './clients.ts'
import { collapsed, holdResults, questionsOf } from './questions.ts'
import { Scene } from './scene.ts'
import type { Plan, Step } from './steps.ts'
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import { holdEmails, holdImap, holdJmap, holdMessages, readJmap, seenBy, type Viewer } from './views.ts'

const viewers: readonly Viewer[] = ['owner', 'guest']

/** How many that were away come back at each step. */
const returning = 3

export async function play(plan: Plan, engine: Engine = 'memory'): Promise<Outcome> {
  const endings: (() => unknown)[] = []
  const ending = { after: (end: () => unknown) => void endings.push(end) }
  const store = engine === 'memory' ? undefined : await postgresStore(ending)
  const { scene, observer } = await Scene.open(ending, store)
  let at = -1
  try {
    const house = new House(scene, observer)
    await holdImap(observer, scene.model)
    await holdMessages(observer, scene.far, scene.farInbox)
    for (at = 0; at < plan.steps.length; at++) {
      const step = plan.steps[at]
      if (step !== undefined) await house.take(step)
    }
    return { complaint: null, transcript: scene.transcript, at }
  } catch (error) {
    return { complaint: wordsOf(error), transcript: scene.transcript, at }
  } finally {
    for (const end of endings.toReversed()) await end()
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `: ${error.cause.stack ?? ''}` : ''
  return `${error.message}${cause} ${error.stack?.split('\n').find((line) => line.includes('model/jmap')) ?? ''}`
}

/** Some of those who were here before find what is here now. */
async function comeBack(
  memories: Memory[],
  { now, replay, dice }: { now: Memory; replay: Replay; dice: Dice },
): Promise<void> {
  const last = memories.at(-1)
  const back = new Set([...(last ? [last] : []), now])
  for (let n = 1; n < returning && memories.length > 0; n++) back.add(dice.pick(memories))
  for (const before of back) await replay.hold(before, now)
  memories.push(now)
}

class House {
  readonly #scene: Scene
  readonly #observer: ImapClient
  readonly #memories: Readonly<Record<Viewer | 'far', Memory[]>> = { owner: [], guest: [], far: [] }

  constructor(scene: Scene, observer: ImapClient) {
    this.#scene = scene
    this.#observer = observer
  }

  async take({ who, kind, seed }: Step): Promise<void> {
    const scene = this.#scene
    const dice = new Dice(seed)
    await scene.clock.advance(1000)
    await actions[kind]({ scene, dice, who })
    await holdImap(this.#observer, scene.model)
    await holdMessages(this.#observer, scene.far, scene.farInbox)
    for (const viewer of viewers) await this.#look(viewer, dice)
    await this.#lookFar(dice)
  }

  async #look(viewer: Viewer, dice: Dice): Promise<void> {
    const scene = this.#scene
    const { model } = scene
    const isOwner = viewer === 'owner'
    if (!isOwner && model.rights.size === 0) return
    const asked = isOwner ? scene.asked : scene.asGuest
    const view = await readJmap(asked)
    holdJmap(view, model, viewer)
    const now: Memory = {
      ...{ rights: this.#rights(viewer), forgotten: scene.forgotten, forgottenAt: scene.forgottenAt, view },
      sees: isOwner ? 'all' : 'a part',
      results: await this.#results(viewer),
    }
    const replay = new Replay(asked, { tryAsked: isOwner ? scene.tryAsked : scene.tryAsGuest, dice })
    await comeBack(this.#memories[viewer], { now, replay, dice })
    if (now.results.length > 0) await replay.holdWindow(dice.pick(now.results))
  }

  /** The owner in the guest's account. */
  async #lookFar(dice: Dice): Promise<void> {
    const scene = this.#scene
    const view = await readJmap(scene.askedFar)
    holdEmails(view, scene.far.shown(), 'owner in the other account')
    const now: Memory = {
      rights: '',
      forgotten: scene.forgotten,
      forgottenAt: scene.forgottenFarAt,
      sees: 'a part',
      view,
      results: [],
    }
    const replay = new Replay(scene.askedFar, { tryAsked: scene.tryAskedFar, dice })
    await comeBack(this.#memories.far, { now, replay, dice })
  }

  #rights(viewer: Viewer): string {
    if (viewer === 'owner') return ''
    return Array.from(this.#scene.model.rights, ([{ id }, rights]) => `${id} ${rights}`)
      .toSorted()
      .join()
  }

  async #results(viewer: Viewer): Promise<Results[]> {
    const scene = this.#scene
    const shown = scene.model.shown(seenBy(scene.model, viewer))
    const asked = viewer === 'owner' ? scene.asked : scene.asGuest
    const found: Results[] = []
    for (const question of questionsOf(scene.model)) {
      const ask = async (args: JsonObject): Promise<Results> => {
        const told = await asked('Email/query', args)
        const { ids, position } = told
        assert.equal(position, 0)
        return { asked: args, ids: ids as string[], queryState: textAt(told, 'queryState') }
      }
      const whole = await ask(question.asked)
      holdResults(question, whole.ids, shown)
      found.push(whole)
      const one = await ask({ ...question.asked, collapseThreads: true })
      assert.deepEqual(one.ids, collapsed(whole.ids, shown), `collapsed: ${JSON.stringify(question.asked)}`)
      found.push(one)
    }
    return found
  }
}

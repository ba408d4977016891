// Clients of JMAP that come back with what they had: it, with what /changes and /queryChanges tell since, must be what there is now
// (RFC 8620 §5.2, §5.6).
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import type { Json, JsonObject } from '../../../src/jmap/proto/json.ts'
import type { Dice } from '../imap/dice.ts'
import { canonical, type Asked, type JmapView } from './views.ts'

/** The results of a query as somebody was told them once. */
export interface Results {
  readonly asked: JsonObject
  readonly ids: readonly string[]
  readonly queryState: string
}

/** What a client has. */
export interface Memory {
  /** What was visible to him at all; under other rights a state may be worth nothing. */
  readonly rights: string
  /** How often the past was forgotten before; a state from before that may be worth nothing. */
  readonly forgotten: number
  /** The newest state of emails then, as the owner had it. */
  readonly forgottenAt: number
  readonly sees: 'all' | 'a part'
  readonly view: JmapView
  readonly results: readonly Results[]
}

/** Undefined: they cannot be calculated, by the server. */
type Told = JsonObject | undefined

export class Replay {
  readonly #asked: Asked
  readonly #tryAsked: (name: string, args: object) => Promise<JsonObject | string>
  readonly #dice: Dice

  constructor(
    asked: Asked,
    {
      tryAsked,
      dice,
    }: { tryAsked: (name: string, args: object) => Promise<JsonObject | string>; dice: Dice },
  ) {
    this.#asked = asked
    this.#tryAsked = tryAsked
    this.#dice = dice
  }

  async hold(before: Memory, now: Memory): Promise<void> {
    const mayFail = before.rights !== now.rights || before.forgotten < now.forgotten
    for (const type of ['Email', 'Thread', 'Mailbox'] as const)
      await this.#records(type, { before, now, mayFail: mayFail || isBehind(type, before, now) })
    for (const results of before.results) {
      const words = canonical(results.asked)
      const found = now.results.find(({ asked }) => canonical(asked) === words)
      const isOld = now.sees === 'a part' && Number.parseInt(results.queryState, 10) < now.forgottenAt
      if (found) await this.#results(results, found, mayFail || isOld)
    }
  }

  async #changes(name: string, args: object, mayFail: boolean): Promise<Told> {
    const told = await this.#tryAsked(name, args)
    if (typeof told !== 'string') return told
    if (told === 'cannotCalculateChanges' && mayFail) return undefined
    assert.fail(`${name} ${JSON.stringify(args)} is answered ${told}`)
  }

  async #records(
    type: keyof JmapView,
    { before, now, mayFail }: { before: Memory; now: Memory; mayFail: boolean },
  ): Promise<void> {
    const [old, current] = [before.view[type], now.view[type]]
    const known = new Map(old.objects)
    const most = this.#dice.pick([null, null, 1, 2, 5])
    let since = old.state
    for (let page = 0; ; page++) {
      assert.ok(page < 500, `${type}/changes comes to an end`)
      const args = { sinceState: since, ...(most === null ? {} : { maxChanges: most }) }
      const told = await this.#changes(`${type}/changes`, args, mayFail)
      if (told === undefined) return
      const words = `${type}/changes since ${since}: ${JSON.stringify(told)}`
      const [created, updated, destroyed] = ['created', 'updated', 'destroyed'].map((name) =>
        idsIn(told[name]),
      )
      assert.ok(created && updated && destroyed, words)
      const all = [...created, ...updated, ...destroyed]
      assert.equal(new Set(all).size, all.length, `an id is told once: ${words}`)
      if (most !== null) assert.ok(all.length <= most, `no more than asked for: ${words}`)
      assert.equal(told['oldState'], since, words)
      if (page === 0 && told['hasMoreChanges'] === false) {
        for (const id of created) assert.ok(!old.objects.has(id), `${id} was there: ${words}`)
        // RFC 8620 §5.2: what was created and destroyed since "MAY" be told as destroyed.
        const gone = type === 'Mailbox' ? [] : destroyed
        for (const id of [...updated, ...gone])
          assert.ok(old.objects.has(id), `${id} was not there: ${words}`)
        for (const id of [...created, ...updated])
          assert.ok(current.objects.has(id), `${id} is not there: ${words}`)
      }
      const properties = told['updatedProperties']
      for (const id of created) take(known, id, current.objects.get(id))
      for (const id of updated) {
        const value = current.objects.get(id)
        take(known, id, Array.isArray(properties) ? merged(known.get(id), value, properties) : value)
      }
      for (const id of destroyed) known.delete(id)
      const newState = textAt(told, 'newState')
      if (told['hasMoreChanges'] !== true) {
        assert.equal(newState, current.state, `the newest state: ${words}`)
        break
      }
      assert.notEqual(newState, since, `pages get on: ${words}`)
      since = newState
    }
    assert.deepEqual(inOrder(known), inOrder(current.objects), `${type} since ${old.state}, pages of ${most}`)
    if (old.state === current.state) assert.deepEqual(inOrder(old.objects), inOrder(current.objects))
  }

  async #results(old: Results, now: Results, mayFail: boolean): Promise<void> {
    const dice = this.#dice
    const maxChanges = dice.pick([null, null, null, 1, 3])
    const upToId = old.ids.length > 0 && dice.oneIn(3) ? dice.pick(old.ids) : null
    const args = {
      ...{ ...old.asked, sinceQueryState: old.queryState, calculateTotal: dice.oneIn(2) },
      ...{ maxChanges, upToId },
    }
    const told = await this.#tryAsked('Email/queryChanges', args)
    if (told === 'tooManyChanges' && maxChanges !== null) return
    if (told === 'cannotCalculateChanges' && mayFail) return
    const words = `Email/queryChanges ${JSON.stringify(args)} from ${old.ids.join()}: ${JSON.stringify(told)}`
    if (typeof told === 'string') assert.fail(words)
    const removed = idsIn(told['removed'])
    const added = told['added'] as unknown as readonly { id: string; index: number }[]
    if (maxChanges !== null) assert.ok(removed.length + added.length <= maxChanges, words)
    assert.deepEqual(
      added.map(({ index }) => index),
      added.map(({ index }) => index).toSorted((a, b) => a - b),
      words,
    )
    const gone = new Set(removed)
    const list = old.ids.filter((id) => !gone.has(id))
    for (const { id, index } of added) {
      assert.ok(upToId !== null || index <= list.length, `there is no gap: ${words}`)
      list.splice(index, 0, id)
    }
    const end = upToId === null ? Infinity : now.ids.indexOf(upToId) + 1
    // Without the id in the results nothing is sure to be told by it.
    const upTo = end === 0 ? Infinity : end
    assert.deepEqual(list.slice(0, upTo), now.ids.slice(0, upTo), words)
    assert.equal(told['newQueryState'], now.queryState, words)
    assert.equal(told['total'], args.calculateTotal ? now.ids.length : undefined, words)
  }

  /** A window of the results is what stands there in all of them. */
  async holdWindow({ asked, ids }: Results): Promise<void> {
    const dice = this.#dice
    const position = dice.between(-3, ids.length + 1)
    const limit = dice.between(0, 4)
    const anchor = ids.length > 0 && dice.oneIn(2) ? dice.pick(ids) : null
    const anchorOffset = dice.between(-2, 2)
    const told = await this.#asked('Email/query', {
      ...{ ...asked, limit, calculateTotal: true },
      ...(anchor === null ? { position } : { anchor, anchorOffset }),
    })
    const first =
      anchor !== null
        ? Math.max(0, ids.indexOf(anchor) + anchorOffset)
        : position < 0
          ? Math.max(0, ids.length + position)
          : position
    assert.deepEqual(told['ids'], ids.slice(first, first + limit))
    assert.deepEqual([told['total'], told['position']], [ids.length, first])
  }
}

/**
 * Emails that moved between mailboxes move no state of threads, and what is not seen none of who sees a part: when it is forgotten nobody
 * knows any more that it was no more than that.
 */
function isBehind(type: keyof JmapView, { view }: Memory, { forgottenAt, sees }: Memory): boolean {
  return (type === 'Thread' || sees === 'a part') && Number.parseInt(view[type].state, 10) < forgottenAt
}

function idsIn(value: Json | undefined): string[] {
  assert.ok(Array.isArray(value), 'a list of ids')
  return value.map(String)
}

function take(known: Map<string, string>, id: string, value: string | undefined): void {
  if (value === undefined) known.delete(id)
  else known.set(id, value)
}

/** RFC 8621 §2.2 updatedProperties: the others are as they were. */
function merged(
  before: string | undefined,
  now: string | undefined,
  names: readonly unknown[],
): string | undefined {
  if (before === undefined || now === undefined) return now
  const [old, current] = [JSON.parse(before) as JsonObject, JSON.parse(now) as JsonObject]
  const members = Object.entries(old).map(([name, value]) => [
    name,
    names.includes(name) ? current[name] : value,
  ])
  return canonical(Object.fromEntries(members) as JsonObject)
}

const inOrder = (map: ReadonlyMap<string, string>): [string, string][] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))

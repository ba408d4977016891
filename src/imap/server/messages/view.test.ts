// The view against a plain model of the client: whatever is told, in whatever order changes come, both agree in the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recentBit } from '../../proto/encode/flags.ts'
import { View } from './view.ts'
import type { LoadedView } from './view.ts'
import type { ModSeq } from '../../../store/model.ts'

function loaded(uids: number[]): { uids: Uint32Array; flags: Uint8Array; keywords: Map<number, string> } {
  return { uids: Uint32Array.from(uids), flags: new Uint8Array(uids.length), keywords: new Map() }
}

type Step =
  | { type: 'add' }
  | { type: 'flags'; pick: number; flags: number; keywords: string; told: boolean }
  | { type: 'expunge'; picks: number[] }
  | { type: 'load' }
  | { type: 'unload' }
  | { type: 'tell'; expunges: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ type: 'add' }),
  fc.record({
    type: fc.constant('flags' as const),
    pick: fc.nat(30),
    flags: fc.nat(31),
    keywords: fc.constantFrom('', 'a', 'a b'),
    told: fc.boolean(),
  }),
  fc.record({ type: fc.constant('expunge' as const), picks: fc.array(fc.nat(30), { maxLength: 4 }) }),
  fc.constant<Step>({ type: 'load' }),
  fc.constant<Step>({ type: 'unload' }),
  fc.record({ type: fc.constant('tell' as const), expunges: fc.boolean() }),
)

/** What a client knows from what it was told, and the mailbox as it is. */
class Model {
  readonly client: number[]
  readonly mailbox: Map<number, { flags: number; keywords: string }>
  /** What the store shows to a view that is loaded. */
  asOf: readonly number[]
  /** Messages from here on were not told. */
  untold: number
  readonly recent: Set<number>
  readonly recentFrom: number
  /** Keeps no word of what is gone. */
  readonly forgetful: boolean
  next: number

  constructor({ uids, recentFrom, forgetful }: { uids: number[]; recentFrom: number; forgetful: boolean }) {
    this.asOf = uids
    this.client = [...uids]
    this.mailbox = new Map(uids.map((uid) => [uid, { flags: 0, keywords: '' }]))
    this.next = this.untold = (uids.at(-1) ?? 0) + 1
    this.recentFrom = recentFrom
    this.recent = new Set(uids.filter((uid) => uid >= recentFrom))
    this.forgetful = forgetful
  }

  view(): View {
    return new View(this.next, { messages: this.client.length, recentFrom: this.recentFrom })
  }

  load(): LoadedView {
    const uids = this.forgetful ? this.asOf.filter((uid) => this.mailbox.has(uid)) : this.asOf
    const keywords = new Map<number, string>()
    for (const [index, uid] of uids.entries()) {
      const words = this.mailbox.get(uid)?.keywords ?? ''
      if (words !== '') keywords.set(index, words)
    }
    const flags = Uint8Array.from(uids, (uid) => this.mailbox.get(uid)?.flags ?? 0)
    return { uids: Uint32Array.from(uids), flags, keywords }
  }

  pick(number: number): number | undefined {
    const uids = [...this.mailbox.keys()]
    return uids[number % Math.max(1, uids.length)]
  }
}

function apply(step: Step, view: View, model: Model): void {
  switch (step.type) {
    case 'add': {
      const uid = model.next++
      model.mailbox.set(uid, { flags: 0, keywords: '' })
      return view.add({ uid, flags: 0, keywords: '' })
    }
    case 'flags': {
      const uid = model.pick(step.pick)
      if (uid === undefined) return
      const { flags, keywords, told } = step
      model.mailbox.set(uid, { flags, keywords })
      return view.setFlags({ uid, flags, keywords, told, modSeq: 1 as ModSeq })
    }
    case 'expunge': {
      const uids = new Set(step.picks.flatMap((number) => model.pick(number) ?? []))
      for (const uid of uids) model.mailbox.delete(uid)
      return view.expunge(uids)
    }
    case 'load':
      if (!view.loaded) view.load(model.load())
      return
    case 'unload': {
      const { loaded, pending } = view
      const unloaded = view.unload()
      assert.equal(unloaded, loaded && !pending)
      if (unloaded) model.asOf = [...model.client]
      return
    }
    case 'tell':
      return tell(view, model, step.expunges)
  }
}

/** Of what came, some is claimed by others. */
const isRecent = (uid: number): boolean => uid % 3 === 0

/** As a session does: additions alone need no arrays. */
function tell(view: View, model: Model, expunges: boolean): void {
  const light = view.needsNoArrays
  if (!view.loaded && !light) view.load(model.load())
  if (expunges && !light) {
    for (const number of view.takeExpunged().numbers) {
      const uid = model.client[number - 1]
      assert.ok(uid !== undefined && !model.mailbox.has(uid), 'only what is gone is told as expunged')
      model.client.splice(number - 1, 1)
    }
  }
  const came = [...model.mailbox.keys()].filter((uid) => uid >= model.untold)
  assert.equal(view.takeAdded(isRecent), came.length)
  model.untold = model.next
  model.client.push(...came)
  for (const uid of came) if (isRecent(uid)) model.recent.add(uid)
  assert.equal(view.length, model.client.length)
  const recent = model.client.filter((uid) => model.recent.has(uid)).length
  if (light && view.recent !== null) assert.equal(view.recent, recent)
  if (light) {
    model.asOf = [...model.client]
    return
  }
  assert.equal(view.recent, recent)
  view.takeFlags()
  assert.deepEqual(
    model.client,
    Array.from({ length: view.length }, (_, index) => view.uid(index)),
  )
}

const opening = fc.record({
  size: fc.nat(12),
  recentFrom: fc.integer({ min: 1, max: 30 }),
  forgetful: fc.boolean(),
})

test('client and view agree after any changes and tellings; in the end they agree with the mailbox', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), opening, (steps, { size, ...rest }) => {
      const model = new Model({ uids: Array.from({ length: size }, (_, index) => index * 2 + 1), ...rest })
      const view = model.view()
      for (const each of steps) apply(each, view, model)
      tell(view, model, true)
      if (!view.loaded) view.load(model.load())
      assert.deepEqual(model.client, [...model.mailbox.keys()])
      for (const [index, uid] of model.client.entries()) {
        const { flags, keywords } = model.mailbox.get(uid) ?? { flags: -1, keywords: '' }
        assert.equal(view.flags(index), model.recent.has(uid) ? flags | recentBit : flags)
        assert.equal(view.keywords(uid), keywords)
        assert.equal(view.indexOf(uid), index)
      }
      assert.equal(view.pending, false)
    }),
    { numRuns: 300 },
  )
})

test('expunged messages keep their number and flags until they are told', () => {
  const view = new View(5, { messages: 3, recentFrom: 4 })
  view.load({ ...loaded([1, 3, 4]), keywords: new Map([[1, 'work']]) })
  view.expunge([3, 99])
  assert.equal(view.length, 3)
  assert.equal(view.indexOf(3), 1)
  assert.ok(view.isGone(3))
  assert.equal(view.keywords(3), 'work')
  assert.deepEqual(view.takeExpunged(), { numbers: [2], uids: [3] })
  assert.equal(view.length, 2)
  assert.equal(view.flags(1), recentBit)
  assert.equal(view.keywords(3), '')
})

test('ranges of UIDs and indexes', () => {
  const view = new View(100)
  view.load(loaded([2, 4, 6, 50]))
  assert.deepEqual(
    view.indexesOf([
      [1, 5],
      [7, 49],
      [50, 4_294_967_295],
    ]),
    [
      [0, 1],
      [3, 3],
    ],
  )
  assert.deepEqual(
    view.selection([
      [0, 1],
      [3, 3],
    ]),
    [
      [2, 4],
      [50, 50],
    ],
  )
  assert.equal(view.largestUid, 50)
  assert.equal(new View(9).largestUid, 8)
})

test('flags of many messages at once: one telling each, and the newest state wins', () => {
  const view = new View(1_000)
  const uids = Array.from({ length: 300 }, (_, index) => index * 2 + 1)
  view.load(loaded(uids))
  const columns = (flags: number) => ({
    uids: Uint32Array.from(uids),
    flags: new Uint8Array(uids.length).fill(flags),
    keywords: new Map([[5, 'work']]),
  })
  view.setManyFlags({ columns: columns(1), modSeq: 7 as ModSeq, told: false })
  view.setFlags({ uid: 3, flags: 4, keywords: '', modSeq: 9 as ModSeq, told: false })
  // The answer to an own command that was done before that.
  view.setManyFlags({ columns: columns(2), modSeq: 8 as ModSeq, told: true })
  assert.equal(view.flags(0), 2)
  assert.equal(view.flags(1), 4)
  assert.equal(view.keywords(11), 'work')
  const told = view.takeFlags()
  assert.deepEqual(told.at(1), [1, 9])
  assert.ok(told.length <= 300)
  assert.equal(view.pending, false)
  view.setManyFlags({ columns: columns(1), modSeq: 10 as ModSeq, told: false })
  assert.ok(view.pending)
  view.markTold(10 as ModSeq)
  assert.equal(view.pending, false)
  assert.equal(view.keywords(11), 'work')
})

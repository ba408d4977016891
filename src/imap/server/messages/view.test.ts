// The view against a plain model of the client: whatever is told, in whatever order changes come, both agree in the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recentBit } from '../../proto/encode/flags.ts'
import { View } from './view.ts'
import type { ModSeq } from '../../../store/model.ts'

function loaded(uids: number[]): { uids: Uint32Array; flags: Uint8Array; keywords: Map<number, string> } {
  return { uids: Uint32Array.from(uids), flags: new Uint8Array(uids.length), keywords: new Map() }
}

type Step =
  | { type: 'add' }
  | { type: 'flags'; pick: number; flags: number; keywords: string; told: boolean }
  | { type: 'expunge'; picks: number[] }
  | { type: 'load' }
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
  fc.record({ type: fc.constant('tell' as const), expunges: fc.boolean() }),
)

/** What a client knows from what it was told, and the mailbox as it is. */
class Model {
  readonly client: number[]
  readonly mailbox: Map<number, { flags: number; keywords: string }>
  readonly atOpen: readonly number[]
  next: number

  constructor(uids: readonly number[]) {
    this.atOpen = uids
    this.client = [...uids]
    this.mailbox = new Map(uids.map((uid) => [uid, { flags: 0, keywords: '' }]))
    this.next = (uids.at(-1) ?? 0) + 1
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
      if (!view.loaded) view.load(loaded([...model.atOpen]), Infinity)
      return
    case 'tell':
      return tell(view, model, step.expunges)
  }
}

function tell(view: View, model: Model, expunges: boolean): void {
  if (!view.loaded) view.load(loaded([...model.atOpen]), Infinity)
  if (expunges) {
    for (const number of view.takeExpunged().numbers) {
      const uid = model.client[number - 1]
      assert.ok(uid !== undefined && !model.mailbox.has(uid), 'only what is gone is told as expunged')
      model.client.splice(number - 1, 1)
    }
  }
  const before = model.client.length
  const added = view.takeAdded(() => false)
  for (let index = before; index < before + added; index++) model.client.push(view.uid(index))
  view.takeFlags()
  assert.equal(view.length, model.client.length)
  assert.deepEqual(
    model.client,
    Array.from({ length: view.length }, (_, index) => view.uid(index)),
  )
}

test('client and view agree after any changes and tellings; in the end they agree with the mailbox', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(12), (steps, size) => {
      const model = new Model(Array.from({ length: size }, (_, index) => index * 2 + 1))
      const view = new View(model.next)
      for (const each of steps) apply(each, view, model)
      tell(view, model, true)
      assert.deepEqual(model.client, [...model.mailbox.keys()])
      for (const [index, uid] of model.client.entries()) {
        assert.deepEqual({ flags: view.flags(index), keywords: view.keywords(uid) }, model.mailbox.get(uid))
        assert.equal(view.indexOf(uid), index)
      }
      assert.equal(view.pending, false)
    }),
    { numRuns: 300 },
  )
})

test('expunged messages keep their number and flags until they are told', () => {
  const view = new View(5)
  view.load({ ...loaded([1, 3, 4]), keywords: new Map([[1, 'work']]) }, 4)
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
  view.load(loaded([2, 4, 6, 50]), Infinity)
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
  view.load(loaded(uids), Infinity)
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

// RFC 5256 §3 and §4: the algorithms step by step, and that hostile references end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderedSubject, references, refs } from './thread-algorithms.ts'
import { Pace } from '../pace.ts'
import type { Threaded } from './thread-algorithms.ts'
import type { Forest } from './thread-forest.ts'

interface Mail {
  readonly id?: string
  readonly refs?: string
  readonly subject?: string
  readonly reply?: boolean
  readonly date?: number
}

function threaded(mails: readonly Mail[]): Threaded {
  const ids = new Map<string, number>()
  const subjects = new Map<string, number>([['', 0]])
  const number = (of: Map<string, number>, text: string): number => {
    if (!of.has(text)) of.set(text, of.size)
    return of.get(text) ?? -1
  }
  const own = mails.map(({ id }) => (id === undefined ? -1 : number(ids, id)))
  const references: number[] = []
  const referencesFrom = [0]
  for (const { refs = '' } of mails) {
    for (const id of refs.split(' ')) if (id !== '') references.push(number(ids, id))
    referencesFrom.push(references.length)
  }
  const date = (at: number): number => mails[at]?.date ?? at
  const byDate = Uint32Array.from(mails, (_, at) => at).sort((a, b) => date(a) - date(b) || a - b)
  return {
    length: mails.length,
    byDate,
    subjects: Int32Array.from(mails, ({ subject = '' }) => number(subjects, subject)),
    replies: Uint8Array.from(mails, ({ reply }) => (reply === true ? 1 : 0)),
    ids: Int32Array.from(own),
    idCount: ids.size,
    references: Int32Array.from(references),
    referencesFrom: Int32Array.from(referencesFrom),
  }
}

function told(forest: Forest): string {
  return [...forest.text((at) => at + 1)].join('')
}

async function byReferences(mails: readonly Mail[]): Promise<string> {
  return told(await references(threaded(mails), new Pace()))
}

test('the example of RFC 5256 §4: a thread that splits', async () => {
  // 1 → 2 → (3 → 4) and (5 → 6 → 7)
  const mails = [
    { id: 'a' },
    { id: 'b', refs: 'a' },
    { id: 'c', refs: 'a b' },
    { id: 'd', refs: 'a b c' },
    { id: 'e', refs: 'b' },
    { id: 'f', refs: 'b e' },
    { id: 'g', refs: 'f' },
  ]
  assert.equal(await byReferences(mails), '(1 2 (3 4)(5 6 7))')
})

test('a parent that is not there: two children stand side by side, one alone is the root', async () => {
  assert.equal(await byReferences([{ refs: 'x' }, { refs: 'x' }]), '((1)(2))')
  assert.equal(await byReferences([{ refs: 'x' }]), '(1)')
  assert.equal(await byReferences([{ refs: 'x y' }, { refs: 'x z' }, { refs: 'x' }]), '((1)(2)(3))')
  assert.equal(await byReferences([{ id: 'a', refs: 'x y z' }, { refs: 'x y z a' }]), '(1 2)')
})

test('an existing link stays, and the last reference is the parent (steps 1.A and 1.B)', async () => {
  // The references of 3 say that b follows x, but b said itself that it follows a.
  assert.equal(await byReferences([{ id: 'a' }, { id: 'b', refs: 'a' }, { refs: 'x b' }]), '(1 2 3)')
  // 3 came to be the child of x by the references of 1; its own say better.
  assert.equal(await byReferences([{ refs: 'x c' }, { id: 'y' }, { id: 'c', refs: 'y' }]), '(2 3 1)')
  // It has no references: it has no parent.
  assert.equal(await byReferences([{ refs: 'b a' }, { id: 'b' }, { id: 'a' }]), '(2)(3 1)')
})

test('loops are not made, and a second message of an id stands alone', async () => {
  assert.equal(
    await byReferences([
      { id: 'a', refs: 'b' },
      { id: 'b', refs: 'a' },
    ]),
    '(2 1)',
  )
  assert.equal(await byReferences([{ id: 'a', refs: 'a' }]), '(1)')
  assert.equal(await byReferences([{ id: 'a' }, { id: 'a' }, { refs: 'a' }]), '(1 3)(2)')
})

test('siblings and threads are in order of sent date, whatever the order of the mailbox', async () => {
  const mails = [
    { id: 'a', date: 5 },
    { id: 'b', refs: 'a', date: 9 },
    { id: 'c', refs: 'a', date: 7 },
    { id: 'd', date: 3 },
    { refs: 'x', date: 8 },
    { refs: 'x', date: 4 },
  ]
  assert.equal(await byReferences(mails), '(4)((6)(5))(1 (3)(2))')
})

test('threads of one subject are gathered (step 5)', async () => {
  const hello = { subject: 'hello' }
  // A reply goes below what it answers.
  assert.equal(await byReferences([hello, { ...hello, reply: true }]), '(1 2)')
  assert.equal(await byReferences([{ ...hello, reply: true }, hello]), '(2 1)')
  // Two that are no replies become siblings of a dummy, and so do two replies.
  assert.equal(await byReferences([hello, hello]), '((1)(2))')
  assert.equal(await byReferences([hello, hello, hello]), '((1)(2)(3))')
  assert.equal(
    await byReferences([
      { ...hello, reply: true },
      { ...hello, reply: true },
    ]),
    '((1)(2))',
  )
  // Dummies are joined, and others join a dummy.
  const lost = (refs: string): Mail => ({ ...hello, reply: true, refs })
  assert.equal(await byReferences([lost('x'), lost('x'), lost('y'), lost('y')]), '((1)(2)(3)(4))')
  assert.equal(await byReferences([lost('x'), lost('x'), hello]), '((1)(2)(3))')
  assert.equal(await byReferences([hello, lost('x'), lost('x')]), '((1)(2)(3))')
  // The empty subject gathers nothing.
  assert.equal(await byReferences([{}, {}]), '(1)(2)')
})

test('ORDEREDSUBJECT has the first of a subject above all others of it', async () => {
  const mails = [
    { subject: 'b', date: 2 },
    { subject: 'a', date: 1 },
    { subject: 'b', date: 4 },
    { subject: 'b', date: 3 },
    { subject: 'c', date: 0 },
    { subject: 'a', date: 9 },
  ]
  assert.equal(told(await orderedSubject(threaded(mails), new Pace())), '(5)(2 6)(1 (4)(3))')
})

test('REFS gathers no subjects, and has the thread last in which mail came last', async () => {
  const mails = [
    { id: 'a', subject: 'x' },
    { id: 'b', subject: 'x' },
    { refs: 'a', date: 0 },
  ]
  const forest = await refs(threaded(mails), { arrival: (at) => [10, 20, 30][at] ?? 0, pace: new Pace() })
  assert.equal(told(forest), '(2)(1 3)')
})

test('very deep, very wide and very tangled threads end', async () => {
  const count = 50_000
  const deep = Array.from({ length: count }, (_, at) => ({ id: `${at}`, refs: at === 0 ? '' : `${at - 1}` }))
  const text = await byReferences(deep)
  assert.equal(text.split(' ').length, count)
  const upwards = deep.toReversed()
  assert.equal((await byReferences(upwards)).split(' ').length, count)
  const wide = Array.from({ length: count }, (_, at) => ({ id: `${at}`, refs: 'x' }))
  assert.equal((await byReferences(wide)).split('(').length, count + 2)
  const lost = Array.from({ length: 2_000 }, (_, at) => ({
    refs: Array.from({ length: 50 }, (_, n) => `${(at * 7 + n * 13) % 997}`).join(' '),
  }))
  assert.equal((await byReferences(lost)).match(/\d+/g)?.length, 2_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SetError } from '../proto/errors.ts'
import { inTurn } from './mailbox-turns.ts'

/** Renames of things by their names; how many tries it took, and who has which name then. */
async function rename(names: Map<string, string>, wishes: readonly (readonly [string, string])[]) {
  const [done, refused]: [string[], string[]] = [[], []]
  let tries = 0
  await inTurn(new Map(wishes.map((wish) => [wish[0], wish])), {
    async try([id, name]) {
      tries++
      const [there] = [...names].find(([other, one]) => one === name && other !== id) ?? []
      if (there !== undefined) {
        return { refused: new SetError('alreadyExists'), wait: true, behind: { id: there, what: 'name' } }
      }
      names.set(id, name)
      return { done: null }
    },
    done: ([id]) => void done.push(id),
    refused: ([id]) => void refused.push(id),
    async stepAside({ id }) {
      names.set(id, `aside-${id}`)
      return true
    },
  })
  return { tries, done: done.length, refused: refused.length }
}

const many = Array.from({ length: 300 }, (_, k) => String(k))

test('a ring is turned, and a chain followed, with a few tries for each', async () => {
  const ring = new Map(many.map((id) => [id, `n${id}`]))
  const turned = await rename(ring, many.map((id) => [id, `n${(Number(id) + 1) % 300}`] as const)) // prettier-ignore
  assert.deepEqual([turned.done, turned.refused], [300, 0])
  assert.ok(turned.tries <= 1000, String(turned.tries))
  assert.equal(ring.get('299'), 'n0')
  const chain = new Map(many.map((id) => [id, `n${id}`]))
  const moved = await rename(chain, many.map((id) => [id, `n${Number(id) + 1}`] as const)) // prettier-ignore
  assert.deepEqual([moved.done, moved.refused], [300, 0])
  assert.ok(moved.tries <= 1000, String(moved.tries))
})

test('pairs are swapped one after the other', async () => {
  const names = new Map(many.map((id) => [id, `n${id}`]))
  const swapped = await rename(names, many.map((id) => [id, `n${Number(id) ^ 1}`] as const)) // prettier-ignore
  assert.deepEqual([swapped.done, swapped.refused], [300, 0])
  assert.ok(swapped.tries <= 1000, String(swapped.tries))
})

test('what nobody makes room for is tried once, and nobody steps aside for it', async () => {
  const names = new Map([...many.map((id) => [id, `n${id}`] as const), ['other', 'taken']])
  const before = new Map(names)
  const wishes = [...many.slice(1).map((id) => [id, 'n0'] as const), ['0', 'taken'] as const]
  const { tries, done, refused } = await rename(names, wishes)
  assert.deepEqual([tries, done, refused], [300, 0, 300])
  assert.deepEqual(names, before)
})

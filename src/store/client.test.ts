// How often the contract's operations reach an engine, which no caller sees in the results.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultStoreLimits } from './limits.ts'
import { operationStore } from './client.ts'
import { StoreUnavailable } from './store.ts'
import type { AccountId, MailboxId } from './model.ts'
import type { Executor } from './client.ts'

const place = { account: 1 as AccountId, mailbox: 2 as MailboxId }

/** One mailbox with two messages that nobody has claimed; the first `failing` claims break. */
function countingExecutor(failing = 0): { executor: Executor; writes: () => number } {
  let recentFrom = 1
  let writes = 0
  const opened = () => ({ mailbox: { uidNext: 3 }, recentFrom })
  const executor = {
    read: async () => opened(),
    write: async () => {
      writes++
      await new Promise((resolve) => setImmediate(resolve))
      if (writes <= failing) throw new StoreUnavailable('the disk is full')
      const before = opened()
      recentFrom = 3
      return before
    },
  }
  // Only the two operations of `openMailbox` are asked for.
  return { executor: executor as unknown as Executor, writes: () => writes }
}

test('of a thousand sessions that claim what is \\Recent at once, one writes', async () => {
  const { executor, writes } = countingExecutor()
  const store = operationStore(executor, defaultStoreLimits)
  const opened = await Promise.all(
    Array.from({ length: 1_000 }, () => store.openMailbox({ ...place, claimRecent: true })),
  )
  assert.equal(opened.filter((one) => one?.recentFrom === 1).length, 1)
  assert.equal(writes(), 1)
  await store.openMailbox({ ...place, claimRecent: true })
  assert.equal(writes(), 1, 'nothing is left to claim')
})

test('a claim that fails is its own session’s failure, and another takes its place', async () => {
  const { executor, writes } = countingExecutor(1)
  const store = operationStore(executor, defaultStoreLimits)
  const settled = await Promise.allSettled(
    Array.from({ length: 10 }, () => store.openMailbox({ ...place, claimRecent: true })),
  )
  assert.equal(settled.filter(({ status }) => status === 'rejected').length, 1)
  assert.equal(writes(), 2)
})

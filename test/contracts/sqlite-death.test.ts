// A process that is killed at any statement of a delivery leaves all of it or nothing, and a folder that opens again.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { House } from './house.ts'

const script = fileURLToPath(new URL('../support/dying-writer.ts', import.meta.url))

test('killed before each statement of a delivery to two accounts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-death-'))
  const open = async (): Promise<House> => {
    const clock = new RealClock()
    const random = new RealRandom()
    const store = await openSqliteStore({ folder, clock, random, onListenerError: () => undefined })
    return new House({ store, end: () => store.close() })
  }
  try {
    const first = await open()
    await first.store.addDomain({ name: first.domain, now: first.now })
    const accounts = [await first.account('ann'), await first.account('ben')]
    await first.store.close()
    let delivered = 0
    for (let statement = 1; delivered === 0; statement++) {
      const child = spawnSync(process.execPath, [script, folder, accounts.join(','), String(statement)])
      assert.equal(child.stderr.toString(), '')
      if (child.stdout.toString() === 'done') delivered++
      else assert.equal(child.signal, 'SIGKILL')
      const house = await open()
      const counts = await Promise.all(accounts.map(async (id) => (await house.mailbox(id)).messages))
      assert.deepEqual(counts, [delivered, delivered], `killed before statement ${statement}`)
      await house.store.collectGarbage({ now: Date.now() + 86_400_000 })
      await house.audit()
      await house.store.close()
      assert.ok(statement < 50, 'a delivery has fewer statements than that')
      if (delivered === 1) assert.ok(statement > 5, 'the statements were seen')
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

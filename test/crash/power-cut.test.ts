// Writes that were not synced are lost with the power: what was answered 250 is not among them. And the check notices: on a
// disk that ignores the syncs of the WAL, of the messages' files or of their folders, promises break.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutPower, recordLife } from './power-cut.ts'
import { whyNoStrace } from './trace.ts'

test('what was answered 250 outlives a power cut', async (context) => {
  const reason = whyNoStrace()
  if (reason !== undefined) {
    context.skip(`NO POWER CUT WAS TRIED: ${reason}`)
    return
  }
  const life = await recordLife({ seed: 'power', senders: 4, messages: 14, largest: 90_000 })
  assert.deepEqual([...new Set(life.ledger.map(({ outcome }) => outcome))], ['promised'])
  await context.test('at each promise, and in the middle of things', async () => {
    const report = await cutPower(life, { seed: 'cuts', elsewhere: 24 })
    assert.deepEqual(report.findings, [])
    assert.equal(report.promised, life.ledger.length)
    assert.ok(report.cuts > report.promised)
  })
  const forgotten = {
    'the WAL': /\/posthorn\.db-wal$/,
    'a message’s file': /\/blobs\/..\/[^/]+$/,
    'the folder of a message’s file': /\/blobs\/..$/,
    'the folder of those folders': /\/blobs$/,
    'the data folder': /\/data$/,
  }
  for (const [what, pattern] of Object.entries(forgotten)) {
    await context.test(`a forgotten sync of ${what} is noticed`, async () => {
      const ignoreSyncOf = (path: string): boolean => pattern.test(path)
      const report = await cutPower(life, { seed: 'cuts', elsewhere: 0, ignoreSyncOf, untilBroken: true })
      assert.notDeepEqual(report.findings, [])
    })
  }
})

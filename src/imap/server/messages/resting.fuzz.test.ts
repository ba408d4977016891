// A session that gives its view back whenever it can, beside one that never does: whatever a third one changes, both are told the same
// and answer the same. Two things may differ: \Recent, which is claimed by one of them, and flags of messages that were expunged
// elsewhere and have their number for now: the store does not know them any more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { testStore } from '../../../../test/support/store.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import type { Store } from '../../../store/store.ts'

const restAfter = 1_000

const change = fc.record({
  what: fc.constantFrom('append', 'flag', 'flag all', 'delete', 'expunge', 'move', 'forget'),
  pick: fc.integer({ min: 1, max: 12 }),
})
const look = fc.constantFrom(
  'nothing',
  'NOOP',
  'idle',
  'FETCH 1:* (UID FLAGS)',
  'SEARCH ALL',
  'own flag',
  'own move',
)
const steps = fc.array(fc.tuple(change, look, fc.boolean()), { maxLength: 30 })

function perform(what: string, pick: number): string {
  switch (what) {
    case 'append':
      return 'APPEND INBOX (\\Flagged) {2+}\r\nhi'
    case 'flag':
      return `UID STORE ${pick} +FLAGS (\\Seen k${pick})`
    case 'flag all':
      return `STORE 1:* ${pick % 2 === 0 ? '+' : '-'}FLAGS (\\Answered)`
    case 'delete':
      return `UID STORE ${pick}:${pick + 1} +FLAGS.SILENT (\\Deleted)`
    case 'expunge':
      return 'EXPUNGE'
    default:
      return `UID MOVE ${pick} Archive`
  }
}

/** Without tags, \Recent, and flags of messages that are not there. */
function heard(answer: string, there: ReadonlySet<number>): string {
  return answer
    .replace(/FETCH \(UID (\d+) FLAGS \(.*/g, (all, uid) => (there.has(Number(uid)) ? all : `FETCH ${uid}`))
    .replace(/TAG "t\d+"/g, 'TAG')
    .replace(/^\* \d+ RECENT\r\n/gm, '')
    .replace(/ ?\\Recent/g, '')
    .replace(/\(FLAGS \( /g, '(FLAGS (')
    .replace(/FLAGS \( /g, 'FLAGS (')
}

async function uidsOf(store: Store, address: string): Promise<ReadonlySet<number>> {
  const account = (await store.credentialsOf(address))?.account
  const inbox = account && (await store.findMailbox({ account: account.id, name: 'INBOX' }))
  assert.ok(account && inbox)
  return new Set((await store.loadView({ account: account.id, mailbox: inbox.id })).uids)
}

/** In IDLE what came is told at once; before DONE all is there. */
async function idle(client: ImapClient): Promise<string> {
  await client.send('i IDLE\r\n')
  await client.quiet()
  await client.send('DONE\r\n')
  return client.take()
}

for (const rev2 of [true, false]) {
  test(`a session that rests is told what one that never rests is (rev${rev2 ? 2 : 1})`, async (context) => {
    const store = await testStore(context, { limits: { tombstoneMilliseconds: 0 } })
    let collections = 0
    const clock = new VirtualClock()
    const resting = imapServer(store, { restAfter }, { clock }).service
    const waking = imapServer(store, { restAfter: 1e12 }, { clock }).service
    let round = 0
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const address = `r${++round}@example.org`
        const actor = await new ImapClient(waking).open(address)
        const twins = [
          await new ImapClient(resting).open(address),
          await new ImapClient(waking).open(address),
        ]
        for (let count = 0; count < 4; count++) await actor.command('APPEND INBOX {2+}\r\nhi')
        await actor.command('SELECT INBOX')
        for (const twin of twins) {
          if (rev2) await twin.command('ENABLE IMAP4rev2')
          await twin.command('SELECT INBOX')
        }
        for (const [{ what, pick }, looked, rests] of all) {
          if (what === 'forget') {
            for (let time = 0; time < 2; time++) await store.collectGarbage({ now: ++collections * 1e9 })
          } else await actor.command(perform(what, pick))
          // Own changes of one are another's for the other: only the first twin makes them, and both are told.
          if (looked.startsWith('own')) {
            const [first] = twins
            const own =
              looked === 'own flag' ? `UID STORE ${pick} +FLAGS.SILENT (\\Draft)` : `UID MOVE ${pick} Archive`
            await first?.command(own)
            for (const twin of twins) await twin.command('NOOP')
          } else if (looked !== 'nothing') {
            const told: string[] = []
            const there = await uidsOf(store, address)
            for (const twin of twins)
              told.push(heard(looked === 'idle' ? await idle(twin) : await twin.command(looked), there))
            assert.equal(told[0], told[1])
          }
          if (!rests) continue
          await clock.advance(restAfter * 2)
          await new Promise((resolve) => setImmediate(resolve))
          await Promise.all(twins.map((twin) => twin.quiet()))
        }
        const ends: string[] = []
        const there = await uidsOf(store, address)
        for (const twin of twins) {
          await twin.command('NOOP')
          ends.push(heard(await twin.command('FETCH 1:* (UID FLAGS)'), there))
        }
        assert.equal(ends[0], ends[1])
        for (const client of [actor, ...twins]) await client.leave()
      }),
      { numRuns: 60 },
    )
  })
}

// A process that dies in the middle: opens the data folder of its first argument, delivers to the accounts of the second
// (ids, comma separated), and kills itself before the statement whose number is the third. Prints `done` if it got through.
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import type { AccountId } from '../../src/store/model.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'

const [, , folder = '', accounts = '', last = ''] = process.argv
let armed = false
let statements = 0
const store = await openSqliteStore({
  folder,
  clock: new RealClock(),
  random: new RealRandom(),
  writer: 'inline',
  onListenerError: () => undefined,
  beforeStatement: () => {
    // `kill` returns before the signal arrives; nothing may run in between.
    if (armed && ++statements >= Number(last)) for (;;) process.kill(process.pid, 'SIGKILL')
  },
})
const writer = store.blobs.stage()
await writer.write(Buffer.alloc(100_000, 'x'))
const message = { blob: await writer.finish(), structure: '{}' }
// Accounts of the parent's store.
const targets = accounts.split(',').map((id) => ({ account: Number(id) as AccountId, prefix: 'A: b\r\n' }))
armed = true
const delivered = await store.deliver({ message, internalDate: 0, targets })
armed = false
if (delivered.ok) process.stdout.write('done')
await store.close()

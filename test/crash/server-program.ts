// The process that is killed: a Posthorn on the data folder of its first argument. With `furnish` as the second argument it makes
// the accounts first. Prints one line of JSON (`Ready` in `server.ts`) when it takes mail, another line when it was told to drain
// and its queue is empty, stops on SIGTERM, and dies when its standard input ends, so that it never outlives the test.
import { textLog } from '../../src/events/text-log.ts'
import { startPosthorn } from '../../src/main.ts'
import { furnish, houseConfig } from './house.ts'

const lookAgain = 20
const database = process.env['POSTHORN_CRASH_DATABASE'] ?? ''
const sink = Number(process.env['POSTHORN_CRASH_SINK'])
const [folder = '', ...words] = process.argv.slice(2)
process.stdin
  .on('end', () => process.kill(process.pid, 'SIGKILL'))
  .on('data', () => void drain().catch(() => {}))
const log = textLog({
  level: 'warn',
  write: (text) => process.stderr.write(text),
  now: () => Date.now(),
  colour: 'never',
})
const posthorn = await startPosthorn(houseConfig(folder, { sink, ...(database !== '' && { database }) }), {
  sinks: [log],
  ...(process.env['POSTHORN_CRASH_AT'] && { checkpoints: new URL('./kill-at.ts', import.meta.url) }),
})
if (words.includes('furnish')) await furnish(posthorn.backend)
const port = (service: string): number =>
  posthorn.listeners.find((listener) => listener.service === service)?.port ?? 0
process.stdout.write(
  `${JSON.stringify({ pid: process.pid, smtp: port('smtp'), submission: port('submission'), pop3: port('pop3') })}\n`,
)
process.once('SIGTERM', () => {
  void posthorn.stop().then(() => process.stdin.destroy())
})

async function drain(): Promise<void> {
  for (;;) {
    const { waiting, active, held, reports } = await posthorn.backend.store.queueTotals()
    if (waiting + active + held + reports === 0) break
    await new Promise((resolve) => setTimeout(resolve, lookAgain))
  }
  process.stdout.write('drained\n')
}

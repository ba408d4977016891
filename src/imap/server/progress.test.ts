// RFC 9585: how far a command is, told in its interval and not more often.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapSection } from '../../config/sections/imap.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { CommandRun } from './context.ts'

/** What `Progress` looks at of a command's context. */
function makeRun(progressInterval: number): { run: CommandRun; clock: VirtualClock; said: () => string } {
  const clock = new VirtualClock()
  let text = ''
  const gone = new AbortController().signal
  const sink = { gone, write: (bytes: Uint8Array | string) => void (text += String(bytes)) }
  const parts = { clock, config: { ...imapSection.parse({}), progressInterval } }
  // The other parts of a session are nothing to it.
  const run = { session: { parts }, output: new Output(sink as never), tag: 'A001' } as unknown as CommandRun
  return { run, clock, said: () => text }
}

test('a long command tells how far it is', async () => {
  const { run, clock, said } = makeRun(10_000)
  const progress = new Progress(run, 1_000)
  await progress.tell(1)
  assert.equal(said(), '')
  await clock.advance(10_000)
  await progress.tell(454)
  await progress.tell(455)
  assert.equal(said(), '* OK [INPROGRESS ("A001" 454 1000)] Still working\r\n')
})

test('a goal that is not known is NIL; an interval of 0 tells nothing', async () => {
  const open = makeRun(1)
  const progress = new Progress(open.run, null)
  await open.clock.advance(5)
  await progress.tell(7)
  assert.match(open.said(), /\("A001" 7 NIL\)/)
  const never = makeRun(0)
  const silent = new Progress(never.run, 5)
  await never.clock.advance(1_000_000)
  await silent.tell(2)
  assert.equal(never.said(), '')
})

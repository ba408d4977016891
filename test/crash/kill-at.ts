// The checkpoint module of a server that is to die: kills its own process the n-th time that this thread reaches the place
// named in `POSTHORN_CRASH_AT` (`writer.before-commit:3`). Each name belongs to one thread, so counting by thread is enough.
import type { CheckpointName } from '../../src/base/checkpoint.ts'

const [place = '', time = '0'] = (process.env['POSTHORN_CRASH_AT'] ?? '').split(':')
let reached = 0

/** `CheckpointModule.checkpoint`. */
export function checkpoint(name: CheckpointName): void {
  if (name === place && ++reached === Number(time)) process.kill(process.pid, 'SIGKILL')
}

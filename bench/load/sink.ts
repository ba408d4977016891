// Where relayed mail ends: smtp-sink of the Postfix package, which takes everything and counts.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended, untilBanner } from '../server.ts'

export interface Sink extends AsyncDisposable {
  /** Messages that have come so far. */
  count(): number
  /** Resolves when that many have come; rejects when none came for a minute. */
  until(count: number): Promise<void>
}

/** Starts it on a port of loopback. */
export async function startSink(port: number): Promise<Sink> {
  const child = spawn('smtp-sink', ['-u', 'postfix', '-c', `127.0.0.1:${port}`, '1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let count = 0
  child.stdout.on('data', (chunk: Buffer) => {
    // `sess=1 quit=1 mesg=10` after each message, in place.
    const last = chunk
      .toString('latin1')
      .match(/mesg=(\d+)/g)
      ?.at(-1)
    if (last !== undefined) count = Number(last.slice(5))
  })
  await untilBanner(port)
  return {
    count: () => count,
    async until(wanted) {
      let seen = count
      let since = performance.now()
      while (count < wanted) {
        await sleep(5)
        if (count > seen) {
          seen = count
          since = performance.now()
        } else if (performance.now() - since > 60_000) throw new Error(`the sink got ${count} of ${wanted}`)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended(child)
    },
  }
}

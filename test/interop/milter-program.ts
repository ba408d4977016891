// A milter program in the foreground, in a folder of its own: started, waited for, and ended with the test.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { freePort } from './mail-host.ts'

/** Where a milter listens, as an entry of `hooks.milters` names it. */
export type MilterPlace = { readonly port: number } | { readonly socket: string }

export interface MilterProgram {
  readonly program: string
  /** What ends it at once. */
  readonly signal: 'SIGTERM' | 'SIGKILL'
  /** Parameters, and the text of the file that they name. */
  readonly start: (at: { readonly folder: string; readonly place: MilterPlace }) => {
    readonly parameters: (file: string) => readonly string[]
    readonly configuration: string
  }
}

/** Starts it, over TCP or a UNIX socket, and waits until it accepts connections. */
export async function startMilter(
  context: TestContext,
  { program, signal, start }: MilterProgram,
  over: 'tcp' | 'unix' = 'tcp',
): Promise<MilterPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-milter-'))
  const place =
    over === 'unix' ? { socket: `unix:${join(folder, 'milter.sock')}` } : { port: await freePort() }
  const { parameters, configuration } = start({ folder, place })
  const file = join(folder, 'milter.conf')
  await writeFile(file, configuration)
  const child = spawn(program, parameters(file), { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  context.after(async () => {
    if (child.exitCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  })
  await accepting(place, () => assert.equal(child.exitCode, null, `${program} ended: ${said}`))
  return place
}

async function accepting(place: MilterPlace, check: () => void): Promise<void> {
  const clock = new RealClock()
  const network = new SocketNetwork(clock)
  const target =
    'port' in place ? { address: '127.0.0.1', port: place.port } : { address: place.socket, port: 0 }
  for (let attempt = 0; attempt < 1000; attempt++) {
    check()
    try {
      const connection = await network.dial({ ...target, timeoutMilliseconds: 1000 })
      connection.destroy()
      return
    } catch {
      await clock.sleep(20)
    }
  }
  throw new Error('the milter does not listen')
}

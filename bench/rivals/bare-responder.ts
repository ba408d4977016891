// The floor: a Node process that answers SMTP as fast as can be and makes every message durable in one append-only log, one
// fdatasync for all messages that wait. It parses nothing, knows no mailbox and delivers nowhere.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ended, processTree, type RunningServer, untilBanner } from '../server.ts'

export const bareResponderProgram: string = fileURLToPath(
  new URL('bare-responder-program.ts', import.meta.url),
)

/** Starts it on that port, its log in a folder of its own. */
export async function startBareResponder(options: { port: number }): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-bare-'))
  const child = spawn(process.execPath, [bareResponderProgram, String(options.port), join(folder, 'log')], {
    stdio: 'inherit',
  })
  await untilBanner(options.port)
  const pid = child.pid ?? 0
  return {
    name: 'bare responder',
    ports: { smtp: options.port, imap: null, pop3: null },
    pids: () => processTree(pid),
    settled: () => Promise.resolve(true),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

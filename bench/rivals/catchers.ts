// Programs that catch mail: Posthorn's `dev`, and maildev, which the benchmark installs from the npm registry into a folder of its own.
// Both are started from cold processes, as a developer starts them, and look the same from here.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareResponderProgram } from './bare-responder.ts'
import { ended, nodeFlags, processTree, runProgram, type RunningServer, untilBanner } from '../server.ts'

export interface CatcherPorts {
  readonly smtp: number
  readonly http: number
}

/** A catcher that is ready. */
export interface RunningCatcher extends RunningServer {
  /** From the start of its process to the first octets of SMTP. */
  readonly secondsToGreeting: number
  /** From the start of its process to the first 200 of its page. */
  readonly secondsToPage: number
}

/** How to start a catcher, as often as wanted. `cache`: where Node's compile cache is, for a start as the very first. */
export interface CatcherProgram {
  readonly name: string
  start(options?: { cache?: string }): Promise<RunningCatcher>
}

/** The last version whose dependencies can all be had; 3.0.0 names some that the registry does not have. */
export const maildevVersion = '2.2.1'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `posthorn dev` on ports of its own, everything else as it is by default. `packed`: the unpacked package, else this repository. */
export function posthornCatcher(
  folder: string,
  { packed = root, ports }: { packed?: string; ports: CatcherPorts },
): CatcherProgram {
  const binary = join(packed, 'bin/posthorn.js')
  const file = join(folder, 'dev.toml')
  const listener = (service: string, port: number): string =>
    `[[listeners]]\nservice = "${service}"\naddress = "127.0.0.1"\nport = ${port}\ntls = "none"\n`
  const services = [
    listener('catcher', ports.smtp),
    listener('imap', 0),
    listener('pop3', 0),
    listener('http', ports.http),
  ]
  writeFileSync(file, services.join('\n'))
  return {
    name: 'posthorn dev',
    start: (options) =>
      startCatcher({
        ...{ name: 'posthorn dev', ports, ...options },
        command: [...nodeFlags(binary), binary, 'dev', '--config', file],
      }),
  }
}

/** Installs it with npm; rejects where the registry cannot be reached. */
export async function installMaildev(folder: string, ports: CatcherPorts): Promise<CatcherProgram> {
  const place = join(folder, 'maildev')
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts']
  await runProgram('npm', ['install', '--prefix', place, ...quiet, `maildev@${maildevVersion}`])
  const binary = join(place, 'node_modules/maildev/bin/maildev')
  const name = `maildev ${maildevVersion}`
  const at = ['--ip', '127.0.0.1', '--web-ip', '127.0.0.1']
  const command = [binary, '--smtp', String(ports.smtp), '--web', String(ports.http), ...at]
  return {
    name,
    // Where it keeps mail is a folder of its own below TMPDIR.
    start: (options) => startCatcher({ name, ports, command, ...options, temporary: place }),
  }
}

/**
 * The floor of any catcher that is one process of Node: it answers, keeps nothing and knows nothing. It has no page, so that it is never
 * asked how soon that is there.
 */
export function bareCatcher(ports: CatcherPorts): CatcherProgram {
  const name = 'Node that answers and keeps nothing'
  const command = [bareResponderProgram, String(ports.smtp)]
  return {
    name,
    start: (options) => startCatcher({ name, ports: { smtp: ports.smtp, http: null }, command, ...options }),
  }
}

interface Start {
  readonly name: string
  readonly ports: { readonly smtp: number; readonly http: number | null }
  /** Behind the path of Node. */
  readonly command: readonly string[]
  readonly cache?: string
  readonly temporary?: string
}

async function startCatcher({ name, ports, command, cache, temporary }: Start): Promise<RunningCatcher> {
  const env = {
    ...process.env,
    ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }),
    ...(temporary !== undefined && { TMPDIR: temporary }),
  }
  const start = performance.now()
  // Both say something of each message; nobody reads it.
  const child = spawn(process.execPath, command, { stdio: 'ignore', env })
  const since = (): number => (performance.now() - start) / 1000
  const [secondsToGreeting, secondsToPage] = await Promise.all([
    untilBanner(ports.smtp).then(since),
    ports.http === null ? Number.NaN : untilPage(ports.http).then(since),
  ])
  const pid = child.pid ?? 0
  return {
    ...{ name, secondsToGreeting, secondsToPage },
    ports: { smtp: ports.smtp, imap: null, pop3: null },
    pids: () => processTree(pid),
    settled: () => Promise.resolve(true),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended(child)
    },
  }
}

/** Resolves when `/` answers 200. */
async function untilPage(port: number): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await isPage(port))) {
    if (performance.now() > deadline) throw new Error(`no page on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function isPage(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', path: '/', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('error', () => resolve(false))
  })
}

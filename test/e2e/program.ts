// The `posthorn` command as people run it: a child process, a folder, a configuration file, signals, exit codes.
//
// A served folder is checked by `posthorn fsck` at the end of its test, after the server has been stopped by SIGTERM.
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Run, run } from '../interop/tool.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))

/** The command as a shell takes it. */
export const posthornCommand = `'${process.execPath}' '${binary}'`

/** A folder for one server, and everything of it that ends with the test, the latest first. */
export interface Place {
  readonly folder: string
  readonly ends: AsyncDisposableStack
}

/** A temporary folder that ends with the test, after what runs in it. */
export async function temporaryPlace(test: TestContext): Promise<Place> {
  const ends = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-e2e-'))
  ends.defer(() => rm(folder, { recursive: true, force: true }))
  // Hooks of the runner go from the first to the last: one alone keeps the order right.
  test.after(() => ends.disposeAsync())
  return { folder, ends }
}

/** Runs one command to its end in a folder, whatever that end is. */
export function posthorn(folder: string, parameters: readonly string[], input = ''): Promise<Run> {
  return run(process.execPath, [binary, ...parameters], { home: folder, input })
}

/** The same, for commands that must end well; gives what was printed. */
export async function done(folder: string, parameters: readonly string[], input = ''): Promise<string> {
  const ended = await posthorn(folder, parameters, input)
  assert.equal(ended.code, 0, `posthorn ${parameters.join(' ')}\n${ended.stdout}\n${ended.stderr}`)
  return ended.stdout
}

/** What a command printed with `--json`. */
export async function json(folder: string, parameters: readonly string[], input = ''): Promise<unknown> {
  return JSON.parse(await done(folder, [...parameters, '--json'], input))
}

/** Writes `posthorn.toml`: clear-text log-in allowed, hashes as cheap as they go, then `more`. */
export async function writeConfig(folder: string, more = ''): Promise<void> {
  await writeFile(join(folder, 'posthorn.toml'), `${settings}${more}`)
}

const settings = `hostname = "mail.test"
data = "data"
dns.reverse = false
auth.allowClearText = true
auth.argon2Memory = 1024
auth.argon2Passes = 1
`

/** One `[[listeners]]` entry on a port that the system chooses. */
export function listener(service: string, tls = 'none', port = 0): string {
  return `\n[[listeners]]\nservice = "${service}"\naddress = "127.0.0.1"\nport = ${port}\ntls = "${tls}"\n`
}

/** The three protocols in the clear. */
export const allListeners = listener('smtp') + listener('imap') + listener('pop3')

/** `mail.test` with Ann and Bob, whose password is `secret`. */
export async function addPeople(folder: string): Promise<void> {
  await done(folder, ['domain', 'add', 'mail.test'])
  await done(folder, ['account', 'import', '-'], 'ann@mail.test secret\nbob@mail.test secret\n')
}

export interface Served {
  readonly pid: number
  /** Everything printed on standard output until `ready`. */
  readonly lines: readonly string[]
  /** The first port of that service. */
  port(service: string): number
  /** SIGTERM, then the exit code, or the name of the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals | null>
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** Resolves when the log holds that text. */
  logged(text: string): Promise<void>
}

export interface ServeOptions {
  readonly command?: readonly string[]
  /** Whether the folder is checked at the end; a database elsewhere is not. */
  readonly fsck?: boolean
}

/** Starts `posthorn serve` in a folder with a `posthorn.toml` and waits until it is ready. */
export async function serve({ folder, ends }: Place, options: ServeOptions = {}): Promise<Served> {
  const child = spawn(process.execPath, [binary, ...(options.command ?? ['serve'])], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code))
  })
  let log = ''
  const waiting = new EventEmitter()
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8')
    waiting.emit('more')
  })
  const stop = (): Promise<number | NodeJS.Signals | null> => {
    child.kill('SIGTERM')
    return ended
  }
  ends.defer(async () => {
    await stop()
    if (options.fsck !== false) await done(folder, ['fsck'])
  })
  const lines = await untilReady(child, () => log)
  return {
    ...{ pid: child.pid ?? 0, lines, stop, ended },
    async logged(text) {
      while (!log.includes(text)) await once(waiting, 'more')
    },
    port: (service) => portIn(lines, service),
  }
}

async function untilReady(
  child: ChildProcessByStdio<null, Readable, Readable>,
  log: () => string,
): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.startsWith('ready') || line === '{"ready":true}') {
      // Somebody must go on reading, or a full pipe would stop the server.
      child.stdout.resume()
      return lines
    }
  }
  throw new Error(`the server ended before it was ready:\n${lines.join('\n')}\n${log()}`)
}

function portIn(lines: readonly string[], service: string): number {
  for (const line of lines) {
    const [, name, port] = /^(?:listening )?\s*(\w+)\s+\S+:(\d+)/.exec(line) ?? []
    if (name === service) return Number(port)
  }
  throw new Error(`nothing listens for ${service}:\n${lines.join('\n')}`)
}

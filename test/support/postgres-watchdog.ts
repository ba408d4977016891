// Runs one PostgreSQL for `postgres.ts` and outlives it by a moment: when the test process dies, however it dies, this
// process sees its stdin end, stops the server and removes the directory. Without it a killed test leaves a server behind.
//
// It takes one JSON argument (`WatchdogOptions`), reads the words `start` and `stop` on stdin, a line each, and answers
// on stdout with `ready`, `stopped` or `failed REASON`.
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface WatchdogOptions {
  /** Holds `bin/initdb` and `bin/postgres`. */
  readonly native: string
  /** An empty directory that the server's user may write; removed at the end. Also where the socket is. */
  readonly directory: string
  /** Whom to run as; null where this process is no root. */
  readonly user: { readonly uid: number; readonly gid: number } | null
}

const logKept = 4_000

function main(options: WatchdogOptions): void {
  const { native, directory, user } = options
  const data = join(directory, 'data')
  const spawning = { ...user, cwd: directory, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } }
  let server: ChildProcess | null = null

  const start = (): void => {
    const child = spawn(join(native, 'bin', 'postgres'), ['-D', data], {
      ...spawning,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    server = child
    let log = ''
    let told = false
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      log = (log + text).slice(-logKept)
      if (!told && log.includes('ready to accept connections')) {
        told = true
        say('ready')
      }
    })
    child.on('error', (error) => say(`failed ${error.message}`))
    child.on('exit', () => {
      if (!told) say(`failed ${log}`)
    })
  }
  // SIGQUIT is "immediate shutdown": no checkpoint, and to the clients it looks like a crash, which is what tests want.
  const stop = (then: () => void): void => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return then()
    server.once('exit', then)
    server.kill('SIGQUIT')
  }

  const problem = makeCluster({ initdb: join(native, 'bin', 'initdb'), data, directory, spawning })
  if (problem === null) start()
  else say(`failed initdb: ${problem}`)

  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line === 'start') start()
      if (line === 'stop') stop(() => say('stopped'))
    })
    .on('close', () =>
      stop(() => {
        rmSync(directory, { recursive: true, force: true })
        process.exit(0)
      }),
    )
  // Ctrl-C reaches the whole group: the end of stdin is what counts here.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
}

function say(line: string): void {
  process.stdout.write(`${line.replaceAll('\n', ' | ')}\n`)
}

/** Runs initdb; what went wrong, or null. */
function makeCluster(request: {
  initdb: string
  data: string
  directory: string
  spawning: SpawnOptions
}): string | null {
  const flags = [
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ]
  const set = Object.entries(settings(request.directory)).map(([name, value]) => `--set=${name}=${value}`)
  const made = spawnSync(request.initdb, ['-D', request.data, ...flags, ...set], request.spawning)
  return made.status === 0 ? null : (made.error?.message ?? String(made.stderr))
}

/** Nothing that tests write must survive the machine, so nothing waits for a disk; a crash of the server it must. */
function settings(directory: string): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_directories: directory,
    max_connections: '100',
    shared_buffers: '32MB',
    fsync: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    autovacuum: 'off',
  }
}

main(JSON.parse(process.argv[2] ?? '{}') as WatchdogOptions)

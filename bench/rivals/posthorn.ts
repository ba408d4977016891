// Posthorn itself, as an operator runs it: `posthorn serve` on a configuration file, accounts made by `account import`.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ended, nodeFlags, processTree, runProgram, type RunningServer, untilBanner } from '../server.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))

/**
 * Starts it with accounts `user0@bench.test`, … (password `secret`) and `user@…`, `1user@…`, … for many recipients;
 * `far@bench.test` leads to another host, by the relay at `relayTo`.
 */
export async function startPosthorn(options: {
  smtp: number
  imap: number
  pop3: number
  users: number
  relayTo?: number
  /** A listener for the pages and JMAP, where one is wanted. */
  http?: number
}): Promise<
  RunningServer & {
    readonly startSeconds: number
    /** What to start for a command of ours on this server: the program and its parameters. */
    command(...parameters: string[]): string[]
  }
> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-'))
  const file = join(folder, 'posthorn.toml')
  await writeFile(file, configuration(options))
  const run = (...parameters: string[]): Promise<string> =>
    runProgram(process.execPath, [binary, ...parameters])
  await run('domain', 'add', 'bench.test', '--config', file)
  const lines = Array.from({ length: options.users }, (_, index) => [
    `user${index}@bench.test secret\n`,
    `${index}user@bench.test secret\n`,
  ])
  await writeFile(join(folder, 'accounts'), ['user@bench.test secret\n', ...lines.flat()].join(''))
  await run('account', 'import', join(folder, 'accounts'), '--config', file)
  if (options.relayTo !== undefined)
    await run('alias', 'add', 'far@bench.test', 'someone@sink.test', '--config', file)
  const flags = nodeFlags(binary)
  const child = spawn(process.execPath, [...flags, binary, 'serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const startSeconds = await untilBanner(options.smtp)
  const pid = child.pid ?? 0
  return {
    name: 'posthorn',
    startSeconds,
    command: (...parameters) => [process.execPath, binary, ...parameters, '--config', file],
    ports: { smtp: options.smtp, imap: options.imap, pop3: options.pop3 },
    pids: () => processTree(pid),
    // A 250 is the delivery: nothing is ever waiting. (Relaying is counted where it arrives.)
    settled: () => Promise.resolve(true),
    parked: async () =>
      (await run('queue', 'list', '--state', 'active', '--json', '--config', file)).trim() === '[]',
    flush: async () => void (await run('queue', 'retry', '--all', '--config', file)),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configuration(ports: {
  smtp: number
  imap: number
  pop3: number
  relayTo?: number
  http?: number
}): string {
  return `hostname = "bench.test"
data = "data"
maxMessageSize = "1 GB"

[log]
level = "warn"

[dns]
reverse = false

[net]
maxConnectionsPerAddress = 10000
maxConnectionsPerPrefix = 10000
maxConnectionRatePerAddress = 1000000
maxConnectionRatePerPrefix = 1000000

[auth]
allowClearText = true

[[listeners]]
service = "smtp"
address = "127.0.0.1"
port = ${ports.smtp}

[[listeners]]
service = "imap"
address = "127.0.0.1"
port = ${ports.imap}
tls = "none"

[[listeners]]
service = "pop3"
address = "127.0.0.1"
port = ${ports.pop3}
tls = "none"
${ports.http === undefined ? '' : httpListener(ports.http)}${ports.relayTo === undefined ? '' : relayRoute(ports.relayTo)}`
}

function httpListener(port: number): string {
  return `
[[listeners]]
service = "http"
address = "127.0.0.1"
port = ${port}
tls = "none"
`
}

function relayRoute(port: number): string {
  return `
[relay]
enabled = true

[[relay.routes]]
kind = "host"
host = "127.0.0.1"
port = ${port}
tls = "none"
`
}

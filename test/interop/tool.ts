// Programs that others wrote, run as children: where one is missing, its tests are skipped and say what would bring it.
//
// A program gets no terminal, no configuration of the person who runs the tests (its home is a folder that the test gives), and
// ends after a minute at the latest.
import { spawn, spawnSync } from 'node:child_process'
import assert from 'node:assert/strict'

/** For `test(name, { skip: missing('swaks') }, …)`: false where the program is here, else what to do. */
export function missing(program: string, packages: string = program): string | false {
  const found = spawnSync('/bin/sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
  return found ? false : `no ${program} here: apt-get install ${packages}`
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  /** Also where it runs. */
  readonly home: string
  readonly environment?: Readonly<Record<string, string>>
}

const longest = 120_000

/** Runs it to its end, whatever that is. */
export function run(program: string, parameters: readonly string[], options: RunOptions): Promise<Run> {
  const { promise, resolve, reject } = Promise.withResolvers<Run>()
  const child = spawn(program, parameters, {
    cwd: options.home,
    // Python's warnings would be told apart from its failures only by reading them.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: options.home,
      LC_ALL: 'C.UTF-8',
      PYTHONWARNINGS: 'ignore',
      ...options.environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: longest,
    killSignal: 'SIGKILL',
  })
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  // A program that ends without reading its input is no failure of ours.
  child.stdin.on('error', () => {})
  child.on('error', reject)
  child.on('close', (code) =>
    resolve({
      code,
      stdout: Buffer.concat(chunks.stdout).toString('utf8'),
      stderr: Buffer.concat(chunks.stderr).toString('utf8'),
    }),
  )
  child.stdin.end(options.input ?? '')
  return promise
}

/** Runs it and gives what it printed; fails with everything it said unless it ends with 0. */
export async function succeed(
  program: string,
  parameters: readonly string[],
  options: RunOptions,
): Promise<string> {
  const done = await run(program, parameters, options)
  assert.equal(done.code, 0, `${program} ${parameters.join(' ')}\n${done.stdout}\n${done.stderr}`)
  return done.stdout
}

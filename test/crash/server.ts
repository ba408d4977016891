// The server under test from outside: starts `server-program.ts`, perhaps under another program that watches it, kills it, and
// tells how it ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CheckpointName } from '../../src/base/checkpoint.ts'

const program = fileURLToPath(new URL('./server-program.ts', import.meta.url))

/** What the program prints when it takes mail. */
export interface Ready {
  readonly pid: number
  readonly smtp: number
  readonly submission: number
  readonly pop3: number
}

/** How a process ended: an exit code or a signal. */
export type Ending = number | NodeJS.Signals

export interface ServerOptions {
  readonly folder: string
  /** The port of the host that takes relayed mail. */
  readonly sink: number
  /** The URL of a PostgreSQL database. */
  readonly database?: string
  /** Where it kills itself, and at which time. */
  readonly killAt?: { readonly name: CheckpointName; readonly time: number }
  /** Makes the accounts after the start. */
  readonly furnish?: boolean
  /** A program that runs it, with its arguments. */
  readonly under?: readonly string[]
}

export class CrashServer implements AsyncDisposable {
  /** Null where it died before it took mail. */
  readonly ready: Ready | null
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess

  private constructor(parts: { child: ChildProcess; ready: Ready | null; ended: Promise<Ending> }) {
    this.#child = parts.child
    this.ready = parts.ready
    this.ended = parts.ended
  }

  /** Resolves when it takes mail, or has died before. */
  static async start(options: ServerOptions): Promise<CrashServer> {
    const [first, ...rest] = [
      ...(options.under ?? []),
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      program,
      options.folder,
      ...(options.furnish === true ? ['furnish'] : []),
    ]
    const { killAt } = options
    const child = spawn(first ?? '', rest, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        POSTHORN_CRASH_DATABASE: options.database ?? '',
        POSTHORN_CRASH_SINK: String(options.sink),
        POSTHORN_CRASH_AT: killAt ? `${killAt.name}:${killAt.time}` : '',
      },
    })
    // Its end of the life line may be gone first.
    child.stdin.on('error', () => {})
    const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as Ending)
    const first$ = once(child.stdout.setEncoding('utf8'), 'data')
    const line = await Promise.race([first$.then(([text]) => String(text)), ended.then(() => null)])
    // The program prints it whole.
    const ready = line === null ? null : (JSON.parse(line) as Ready)
    return new CrashServer({ child, ready, ended })
  }

  /** The port for mail; throws where it died before it had one. */
  get smtp(): number {
    if (this.ready === null) throw new Error('the server died before it took mail')
    return this.ready.smtp
  }

  /** Resolves when its queue is empty and every report is made. */
  async drain(): Promise<void> {
    const { stdin, stdout } = this.#child
    if (stdin === null || stdout === null) throw new Error('the server has no pipes')
    const answered = once(stdout, 'data')
    stdin.write('drain\n')
    const gone = this.ended.then((ending) => {
      throw new Error(`the server ended with ${ending} before its queue was empty`)
    })
    await Promise.race([answered, gone])
  }

  /** As a crash does. */
  async kill(): Promise<Ending> {
    if (this.ready !== null) tryKill(this.ready.pid)
    return this.ended
  }

  /** As an operator does. */
  async stop(): Promise<Ending> {
    if (this.ready !== null) process.kill(this.ready.pid, 'SIGTERM')
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end()
    await this.ended
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It may have ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

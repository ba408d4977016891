// Mail servers that others wrote, each as an instance of its own in a temporary folder on ports of loopback, and our client
// connected to them. They change users to deliver, so they run only where the tests run as root.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import type { ClientOptions, SmtpClient } from '../../src/smtp/client/client.ts'
import { openSmtpClient } from '../../src/smtp/client/session.ts'
import { missing, run, succeed } from './tool.ts'

/** For `test(name, { skip: hostMissing('postfix') }, …)`. */
export function hostMissing(program: string, packages: string = program): string | false {
  if (process.getuid?.() !== 0) return `${program} changes users: run as root`
  return missing(program, packages)
}

/** A folder, open to the server's own user; it goes when the server has been stopped. */
export async function hostFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-host-'))
  await chmod(folder, 0o755)
  return folder
}

/** Registers the end of a server and of its folder with the test. */
export function endWith(test: TestContext, folder: string, stop: () => void | Promise<void>): void {
  test.after(async () => {
    try {
      await stop()
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })
}

/** Where systems take no port from for whoever asks for any. */
const chosenPorts = { from: 20_000, to: 32_000 }

/** A port for a program that must be told one: nobody else gets it until it has started. */
export async function freePort(): Promise<number> {
  const random = new RealRandom()
  for (;;) {
    const port = chosenPorts.from + random.below(chosenPorts.to - chosenPorts.from)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.on('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Runs a program that has to succeed. */
export function must(program: string, ...parameters: string[]): string {
  const done = spawnSync(program, parameters, { encoding: 'utf8', timeout: 120_000 })
  assert.equal(done.status, 0, `${program} ${parameters.join(' ')}: ${done.stdout}${done.stderr}`)
  return done.stdout.trim()
}

/** Writes a self-signed certificate for `name`; gives its files. */
export function makeCertificate(folder: string, name: string): { certificate: string; key: string } {
  const files = { certificate: join(folder, 'host.crt'), key: join(folder, 'host.key') }
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  const out = ['-keyout', files.key, '-out', files.certificate]
  must('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...out)
  return files
}

/** Runs a server in the foreground; gives how to stop it. */
export function serve(program: string, parameters: readonly string[]): () => Promise<void> {
  const child = spawn(program, parameters, { stdio: 'ignore' })
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

const attempts = 4_000
const pause = 30

/** Tries until it gives something. */
export async function until<Value>(what: string, attempt: () => Promise<Value | undefined>): Promise<Value> {
  const clock = new RealClock()
  for (let turn = 0; turn < attempts; turn++) {
    const value = await attempt()
    if (value !== undefined) return value
    await clock.sleep(pause)
  }
  throw new Error(`waited in vain for ${what}`)
}

/** A mail server of others, with one mailbox. */
export interface MailHost {
  readonly port: number
  readonly folder: string
  /** The Maildir of `ann` at its domain. */
  readonly mailbox: string
  /** Puts a message into its queue, as a program on its machine does. */
  submit(message: { from: string; to: readonly string[]; text: string }): Promise<void>
  /** Its queue, as its own program prints it. */
  queue(): Promise<string>
  /** Has it try everything in its queue now. */
  flush(): Promise<void>
}

/** What its files are written from. */
export interface HostPlace {
  readonly folder: string
  readonly port: number
  readonly certificate: string
  readonly key: string
}

type Call = readonly [program: string, ...parameters: string[]]

export interface HostPlan {
  /** For its certificate. */
  readonly name: string
  /** One of the system's choice unless given. */
  readonly port?: number | undefined
  /** Made in its folder before it starts. */
  readonly folders: readonly string[]
  /** Below its folder. */
  readonly mailbox: string
  /** Writes its configuration and starts it; gives how to stop it. */
  start(place: HostPlace): Promise<() => void | Promise<void>>
  /** Its sendmail(1), up to `-i`; what shows its queue, and what has it tried. */
  programs(folder: string): { readonly sendmail: Call; readonly queue: Call; readonly flush: Call }
}

/** Starts one, registers its end with the test, and waits for its greeting. */
export async function startHost(test: TestContext, plan: HostPlan): Promise<MailHost> {
  const folder = await hostFolder()
  const port = plan.port ?? (await freePort())
  for (const name of plan.folders) await mkdir(join(folder, name))
  const stop = await plan.start({ folder, port, ...makeCertificate(folder, plan.name) })
  endWith(test, folder, stop)
  await untilGreeting(port)
  const { sendmail, queue, flush } = plan.programs(folder)
  return {
    ...{ port, folder, mailbox: join(folder, plan.mailbox) },
    async submit({ from, to, text }) {
      const [program, ...flags] = sendmail
      await succeed(program, [...flags, '-i', '-f', from, '--', ...to], { home: folder, input: text })
    },
    queue: () => succeed(queue[0], queue.slice(1), { home: folder }),
    async flush() {
      await run(flush[0], flush.slice(1), { home: folder })
    },
  }
}

/** Resolves when somebody greets there. */
export async function untilGreeting(port: number): Promise<void> {
  await until(`a greeting on port ${port}`, async () => {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'data')
      return true
    } catch {
      return undefined
    } finally {
      socket.destroy()
    }
  })
}

/** A session of our client with whoever listens there. */
export async function openHost(port: number, options: Partial<ClientOptions> = {}): Promise<SmtpClient> {
  const clock = new RealClock()
  const network = new SocketNetwork(clock)
  const connection = await network.dial({ address: '127.0.0.1', port, timeoutMilliseconds: 60_000 })
  const result = await openSmtpClient(connection, {
    dialect: 'smtp',
    heloName: 'relay.test',
    clock,
    ...options,
  })
  assert.equal(result.type, 'open', JSON.stringify(result))
  return result.session
}

/** The messages of a Maildir, when there are so many. */
export async function maildir(folder: string, count: number): Promise<string[]> {
  const names = await until(`${count} messages in ${folder}`, async () => {
    const found = await readdir(join(folder, 'new')).catch(() => [])
    return found.length >= count ? found : undefined
  })
  return Promise.all(names.map((name) => readFile(join(folder, 'new', name), 'latin1')))
}

/** What a message was before the server put its trace fields on top, with the line endings of the protocol. */
export function asSent(stored: string): string {
  const text = stored.replaceAll('\r\n', '\n')
  return text.slice(text.indexOf('Subject: ')).replaceAll('\n', '\r\n')
}

// Thunderbird without a screen, driven over Marionette, the protocol by which Mozilla's own tests drive it: scripts with its privileges, as
// if somebody pressed its buttons. Messages of the protocol are `length:json` in both directions.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort, until } from './mail-host.ts'

const scriptTime = 60_000

/** What is in every script's reach. */
const prelude = `
const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs')
const done = arguments[arguments.length - 1]
const until = async (what) => {
  for (const end = Date.now() + 50_000; Date.now() < end; ) {
    const value = what()
    if (value) return value
    await new Promise((resolve) => ChromeUtils.idleDispatch(resolve, { timeout: 50 }))
  }
  throw new Error('waited in vain for ' + what)
}
/** Gives the status with which a URL or a copy ended. */
const ended = (begin) => new Promise((resolve) => begin({
  QueryInterface: ChromeUtils.generateQI(['nsIUrlListener', 'nsIMsgCopyServiceListener']),
  OnStartRunningUrl() {}, OnStopRunningUrl: (url, status) => resolve(status),
  onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId: () => null, onStopCopy: resolve,
}))
const server = MailServices.accounts.allServers.find(({ type }) => type === 'imap')
const root = server?.rootFolder
const special = (flag) => root.getFolderWithFlags(Ci.nsMsgFolderFlags[flag])
const update = (folder) => ended((listener) =>
  folder.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, listener))
const mail = (folder) => [...folder.messages].sort((a, b) => a.messageKey - b.messageKey)
`

export class Thunderbird {
  readonly #socket: Socket
  readonly #waiting: ((reply: readonly unknown[]) => void)[] = []
  #read = Buffer.alloc(0)
  #number = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Starts one with an empty profile; what it says to servers is written to `log`. */
  static async start(test: TestContext, { home, log }: { home: string; log: string }): Promise<Thunderbird> {
    const port = await freePort()
    const profile = join(home, 'profile')
    await mkdir(profile)
    const settings = {
      'marionette.port': port,
      'app.update.enabled': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'mail.provider.enabled': false,
      'mail.shell.checkDefaultClient': false,
      'mailnews.start_page.enabled': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      // It is not to ask anybody but us.
      'services.settings.server': 'data:,',
      'toolkit.telemetry.enabled': false,
    }
    const lines = Object.entries(settings).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    )
    await writeFile(join(profile, 'user.js'), lines.join(''))
    const child = spawn(
      'thunderbird',
      ['--headless', '--marionette', '-remote-allow-system-access', '--no-remote', '--profile', profile],
      {
        env: { PATH: process.env['PATH'], HOME: home, MOZ_LOG: 'IMAP:5', MOZ_LOG_FILE: log },
        stdio: 'ignore',
      },
    )
    test.after(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    const socket = await until('Marionette', () => tryConnect(port))
    const thunderbird = new Thunderbird(socket)
    test.after(() => void socket.destroy())
    await thunderbird.#reply()
    await thunderbird.#call('WebDriver:NewSession', { capabilities: {} })
    await thunderbird.#call('Marionette:SetContext', { value: 'chrome' })
    await thunderbird.#call('WebDriver:SetTimeouts', { script: scriptTime })
    return thunderbird
  }

  /** Runs the body of an async function; gives what it returns, as JSON carries it. */
  async run(body: string): Promise<unknown> {
    const script = `${prelude}
      const work = async () => { ${body} }
      work().then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) + error.stack }))`
    const { value } = await this.#call('WebDriver:ExecuteAsyncScript', { script, args: [] })
    assert.ok(
      typeof value === 'object' && value !== null && 'value' in value,
      `${body}: ${JSON.stringify(value)}`,
    )
    return value.value
  }

  async #call(name: string, parameters: object): Promise<{ readonly value?: unknown }> {
    const text = JSON.stringify([0, ++this.#number, name, parameters])
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`)
    const [, , error, result] = await this.#reply()
    assert.equal(error, null, `${name}: ${JSON.stringify(error)}`)
    return typeof result === 'object' && result !== null ? result : {}
  }

  #reply(): Promise<readonly unknown[]> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#take(Buffer.alloc(0))
    })
  }

  #take(chunk: Buffer): void {
    this.#read = Buffer.concat([this.#read, chunk])
    const colon = this.#read.indexOf(':')
    if (colon === -1 || this.#waiting.length === 0) return
    const end = colon + 1 + Number(this.#read.toString('latin1', 0, colon))
    if (this.#read.length < end) return
    const reply: unknown = JSON.parse(this.#read.toString('utf8', colon + 1, end))
    this.#read = this.#read.subarray(end)
    // Its greeting is an object, each answer a list.
    this.#waiting.shift()?.(Array.isArray(reply) ? reply : [reply])
  }
}

async function tryConnect(port: number): Promise<Socket | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

/** What it has sent, a command a line, without tags and octets of literals. */
export async function commandsIn(log: string): Promise<string[]> {
  const text = await readFile(`${log}.moz_log`, 'utf8').catch(() => readFile(log, 'utf8'))
  return [...text.matchAll(/SendData: \d+ (.*)/g)].map(([, command = '']) => command.trim())
}

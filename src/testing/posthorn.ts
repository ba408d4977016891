// A Posthorn within a test process: mail that the program under test sends is caught here and looked at.
//
//   import { createPosthorn } from 'posthorn/testing'
//   await using mail = await createPosthorn()
//   const ann = mail.inbox()                       // an address that nobody else has
//   await signUp({ email: ann.address, smtp: mail.smtp.url })
//   const letter = await ann.next({ subject: /code/ })
//
// Everything is in memory, on ports of the system's choice, on loopback; nothing leaves. One server serves hundreds of parallel tests:
// each takes an inbox of its own.
import { RealRandom } from '../base/real-random.ts'
import { resolveConfig } from '../config/layers.ts'
import { profileDefaults } from '../config/profiles.ts'
import type { ConfigInput } from '../config/schema.ts'
import type { Service } from '../config/sections/listeners.ts'
import type { EventSink } from '../events/event.ts'
import { type Posthorn, startPosthorn } from '../main.ts'
import { RealClock } from '../net/real-clock.ts'
import { milliseconds } from '../base/duration.ts'
import type { Chaos } from '../catcher/chaos/engine.ts'
import { type Failure, rulesOf } from './failures.ts'
// With this module, so that no test's time-out has to hold it.
import '../wiring/preload.ts'
import { Inbox } from './inbox.ts'
import { MovingClock } from './moving-clock.ts'

export interface TestingOptions {
  /** How long `next` and `count` wait where they are not told. Default 5 s. */
  readonly timeout?: number | string
  /**
   * What is listened on. Default: `smtp` alone, which starts quickest; the others show the same mail to clients of their kind, and
   * `http` has the page, the HTTP APIs and JMAP.
   */
  readonly protocols?: readonly TestingProtocol[]
  /** The domain of addresses that `inbox()` makes up. Default `posthorn.test`. */
  readonly domain?: string
  /** Settings over those of the profile `test`: as in a configuration file. */
  readonly settings?: ConfigInput
  /** Told every event, for a test that fails without reason. */
  readonly sinks?: readonly EventSink[]
}

export type TestingProtocol = 'smtp' | 'imap' | 'pop3' | 'http'

/** Where something listens. */
export interface TestingAddress {
  readonly host: string
  readonly port: number
  /** `smtp://127.0.0.1:2525`. */
  readonly url: string
}

export interface TestPosthorn extends AsyncDisposable {
  /** Takes mail for everybody; any name and password log in. STARTTLS is offered, with a certificate that nobody signed. */
  readonly smtp: TestingAddress
  /** The same mail; the log-in is the address, with any password. Throws where it is not among `protocols`, as the next two do. */
  readonly imap: TestingAddress
  readonly pop3: TestingAddress
  readonly http: TestingAddress
  /** Time of the server: it runs by itself, and can be moved on. */
  readonly clock: MovingClock
  /** The inbox of an address; without one, of an address that was never given before. */
  inbox(address?: string): Inbox
  /**
   * From now on the server fails as told, the same way on each run: the first failure that fits and is not used up strikes. “The first
   * two attempts to x: 421 after RCPT, the third 250” is `fail({ at: 'rcpt', recipient: 'x@y.test', first: 2, reply: 421 })`.
   */
  fail(...failures: readonly Failure[]): void
  /** No failures any more. */
  heal(): void
  /** The server itself, for what is not here. */
  readonly posthorn: Posthorn
  close(): Promise<void>
}

const defaultTimeout = 5_000

/** Starts one. Rejects with `ConfigError` for settings that do not fit. */
export async function createPosthorn(options: TestingOptions = {}): Promise<TestPosthorn> {
  const { timeout = defaultTimeout, domain = 'posthorn.test', sinks = [] } = options
  const clock = new MovingClock()
  const random = new RealRandom()
  const config = resolveConfig([{ name: 'createPosthorn', settings: settingsOf(options) }])
  const posthorn = await startPosthorn(config, { clock, random, sinks })
  const { store, directory } = posthorn.backend
  // Waiting is done in real time: moving the server's time must not end it.
  const parts = { store, directory, clock: new RealClock(), defaultTimeout: milliseconds(timeout) }
  const inboxes = new Map<string, Inbox>()
  const inbox = (address = `${random.id(80)}@${domain}`): Inbox => {
    const known = inboxes.get(address)
    if (known !== undefined) return known
    const made = new Inbox(address, parts)
    inboxes.set(address, made)
    return made
  }
  const close = (): Promise<void> => posthorn.stop()
  const fail = (...failures: readonly Failure[]): void => {
    for (const rule of failures.flatMap(rulesOf)) chaosOf(posthorn).addRule(rule)
  }
  const heal = (): void => chaosOf(posthorn).setRules([])
  return {
    get smtp() {
      return addressOf(posthorn, 'smtp')
    },
    get imap() {
      return addressOf(posthorn, 'imap')
    },
    get pop3() {
      return addressOf(posthorn, 'pop3')
    },
    get http() {
      return addressOf(posthorn, 'http')
    },
    ...{ clock, inbox, fail, heal, posthorn, close },
    [Symbol.asyncDispose]: close,
  }
}

const services: Readonly<Record<TestingProtocol, readonly Service[]>> = {
  smtp: ['catcher', 'submission', 'smtp'],
  imap: ['imap'],
  pop3: ['pop3'],
  http: ['http'],
}

/** The listeners of the profile for those protocols, unless the settings have their own. */
function settingsOf({ protocols = ['smtp'], settings = {} }: TestingOptions): ConfigInput {
  const listeners = (profileDefaults('test').listeners ?? []).filter(({ service }) =>
    protocols.some((protocol) => services[protocol].includes(service)),
  )
  return { profile: 'test', listeners, ...settings }
}

function chaosOf({ backend }: Posthorn): Chaos {
  if (backend.catcher === null)
    throw new Error('These settings have no catcher, which is what can fail as told')
  return backend.catcher.chaos
}

function addressOf(posthorn: Posthorn, protocol: TestingProtocol): TestingAddress {
  const listener = posthorn.listeners.find(({ service }) => services[protocol].includes(service))
  if (listener === undefined) {
    throw new Error(
      `Nothing listens for ${protocol}: name it, createPosthorn({ protocols: ['smtp', '${protocol}'] })`,
    )
  }
  const { port, tls, address: host } = listener
  const scheme = tls === 'implicit' ? `${protocol}s` : protocol
  return { host, port, url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}` }
}

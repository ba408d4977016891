// Puts a POP3 listener together: the core's settings from the configuration, a handler for each connection.
import { Pop3Core } from '../proto/core.ts'
import { replies } from '../proto/replies.ts'
import { Pop3Handler } from './handler.ts'
import { LoginDelay } from './login-delay.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { AuthConfig } from '../../config/sections/auth.ts'
import type { Pop3Config } from '../../config/sections/pop3.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { Service } from '../../net/pump.ts'
import type { Store } from '../../store/store.ts'
import type { Pop3Answer, Pop3Question } from '../proto/questions.ts'
import type { Pop3Settings } from '../proto/session.ts'
import type { HandlerParts } from './handler.ts'

export interface Pop3ServiceOptions {
  readonly hostname: string
  /** True where STLS is offered. */
  readonly startTls: boolean
  readonly store: Store
  readonly directory: Directory
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly auth: AuthConfig
  readonly config: Pop3Config
}

/** What a listener needs: sessions, and the words for a connection that is one too many. */
export interface Pop3Service {
  readonly service: Service<Pop3Question, Pop3Answer>
  readonly farewell: () => string
}

export function createPop3Service(options: Pop3ServiceOptions): Pop3Service {
  const { store, directory, events, clock, random, config } = options
  const settings = makeSettings(options)
  const parts: HandlerParts = {
    ...{ store, directory, events, clock, random },
    loginDelay: new LoginDelay(clock, config.loginDelay),
    leaseMilliseconds: config.maildropLease,
  }
  return {
    service: {
      makeCore: () => new Pop3Core(settings),
      makeHandler: (sink, peer) => new Pop3Handler(parts, sink, peer),
    },
    farewell: () => replies.tooManyConnections,
  }
}

function makeSettings(options: Pop3ServiceOptions): Pop3Settings {
  const { hostname, startTls, directory, random, auth, config } = options
  return {
    hostname,
    stls: startTls,
    clearTextAllowed: auth.allowClearText,
    sasl: directory.sasl,
    random,
    limits: {
      lineBytes: config.maxLineBytes,
      saslResponseBytes: auth.maxResponseBytes,
      loginTimeout: config.loginTimeout,
      idleTimeout: config.idleTimeout,
      badCommands: config.maxBadCommands,
      failedLogins: auth.maxFailuresPerConnection,
      loginDelay: config.loginDelay,
      writeBatch: config.writeBatch,
    },
  }
}
